"""AsyncAPI 3 document of the MQTT messages, generated from their types.

Source: asyncapi.com/docs/reference/specification/v3.0.0. `tools/make-asyncapi` writes it into
`gateway/asyncapi.json`, whose words about the whole are written by hand; a test compares the two.
"""

from typing import Any

import msgspec

from fevergate import __version__
from fevergate.protocol.alarm_messages import Acknowledge, AlarmState, Beat, LampTest
from fevergate.protocol.json_schema import published
from fevergate.protocol.messages import (
    NAME_PATTERN,
    Applied,
    CardPermit,
    CardTapped,
    Command,
    Health,
    KioskSettings,
    KioskTime,
    Reading,
    Stored,
    UpdateOffer,
    UpdateState,
    UpdateWant,
)
from fevergate.protocol.topics import (
    ADMIN_PUBLISHES,
    AT_MOST_ONCE,
    KIOSK_PUBLISHES,
    Topic,
    acknowledge_topic,
    alarm_topic,
    beat_topic,
    gateway_status_topic,
    lamp_test_topic,
    press_topic,
    shown_topic,
)

STATUS = {"type": "string", "enum": ["online", "offline"]}
PIECE = {
    "type": "string",
    "format": "binary",
    "description": "The offset, 4 bytes big-endian, then at most 1024 bytes of the bundle.",
}

KIOSK_KINDS: dict[str, Any] = {
    "reading": Reading,
    "card": CardTapped,
    "health": Health,
    "status": STATUS,
    "settings/applied": Applied,
    "command/result": None,
    "update/want": UpdateWant,
    "update/state": UpdateState,
    "stored": Stored,
    "permit": CardPermit,
    "time": KioskTime,
    "settings": KioskSettings,
    "command": Command,
    "update": UpdateOffer,
    "update/piece": PIECE,
}
"""Payload of each kind of kiosk topic: a message type, the schema of a payload that is not JSON, or
None where the topic is reserved."""

RETAINED = ("status", "settings")
PARAMETERS = ("campus", "kiosk", "gate")


def asyncapi_document(document: dict[str, Any]) -> dict[str, Any]:
    """Return an AsyncAPI document with the topics and types of today.

    Of `document` its title, description, servers and security schemes are kept.
    """
    types = [kind for kind in KIOSK_KINDS.values() if isinstance(kind, type)]
    types += [AlarmState, Acknowledge, Beat, LampTest]
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    pattern = published({"pattern": NAME_PATTERN})["pattern"]
    document = document | {
        "info": document["info"] | {"version": __version__},
        "channels": {},
        "operations": {},
        "components": {
            "schemas": _draft7(published(schemas)),
            "messages": {},
            "parameters": {
                name: {"description": f"The {name}'s name: {pattern}"} for name in PARAMETERS
            },
            "securitySchemes": document["components"]["securitySchemes"],
        },
    }
    gateway, person = ("send", "Published by the gateway."), ("receive", "Published by a person.")
    post = ("receive", "Published by a lamp post at a press of its button.")
    for kind, payload in KIOSK_KINDS.items():
        # Braces are AsyncAPI's own syntax of a parameter.
        address = str(Topic("{campus}", "{kiosk}", kind))
        if kind in KIOSK_PUBLISHES:
            by = ("receive", "Published by a kiosk.")
        else:
            admin = " or the administrator" if kind in ADMIN_PUBLISHES else ""
            by = ("send", f"Published by the gateway{admin} for a kiosk.")
        if payload is not None:
            _add(document, kind, address, payload, *by, retained=kind in RETAINED)
    for kind, address, payload, by in (
        ("beat", beat_topic("{campus}", "{gate}"), Beat, gateway),
        ("gateway-status", gateway_status_topic("{campus}"), STATUS, gateway),
        ("alarm", alarm_topic("{campus}", "{gate}"), AlarmState, gateway),
        ("alarm-shown", shown_topic("{campus}", "{gate}"), AlarmState, gateway),
        ("acknowledge", acknowledge_topic("{campus}", "{gate}"), Acknowledge, person),
        ("press", press_topic("{campus}", "{gate}"), Acknowledge, post),
        ("lamp-test", lamp_test_topic("{campus}", "{gate}"), LampTest, person),
    ):
        _add(document, kind, address, payload, *by, retained=by is gateway and kind != "beat")
    return document


def _add(
    document: dict[str, Any],
    kind: str,
    address: str,
    message: Any,
    action: str,
    summary: str,
    *,
    retained: bool,
) -> None:
    """Add one topic to `document`: its message, channel and operation."""
    name = kind.replace("/", "-")
    if isinstance(message, type):
        title = message.__name__
        payload: dict[str, Any] = {"$ref": f"#/components/schemas/{title}"}
        content = "application/json"
    else:
        title, payload = name, message
        content = "text/plain" if message is STATUS else "application/octet-stream"
    document["components"]["messages"][title] = {
        "name": title,
        "contentType": content,
        "payload": payload,
    }
    document["channels"][name] = {
        "address": address,
        "description": summary,
        "messages": {title: {"$ref": f"#/components/messages/{title}"}},
        "parameters": {
            parameter: {"$ref": f"#/components/parameters/{parameter}"}
            for parameter in PARAMETERS
            if "{" + parameter + "}" in address
        },
    }
    qos = 0 if kind in AT_MOST_ONCE else 1
    document["operations"][f"{action}-{name}"] = {
        "action": action,
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": summary,
        "bindings": {"mqtt": {"qos": qos, "retain": retained, "bindingVersion": "0.2.0"}},
    }


def _draft7(schema: Any) -> Any:
    """Rewrite a schema for AsyncAPI, which takes draft 7: only tuples differ from later drafts."""
    if isinstance(schema, list | tuple):
        return [_draft7(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    converted = {key: _draft7(value) for key, value in schema.items()}
    if "prefixItems" in converted:
        converted["items"] = converted.pop("prefixItems")
        converted["additionalItems"] = False
    return converted
