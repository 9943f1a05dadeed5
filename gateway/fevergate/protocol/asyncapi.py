"""AsyncAPI 3 document of the MQTT messages, generated from their types.

Source: asyncapi.com/docs/reference/specification/v3.0.0. `tools/make-asyncapi` writes it to
`gateway/asyncapi.json`; a test compares the two.
"""

from __future__ import annotations

from typing import Any

import msgspec

from fevergate import __version__
from fevergate.protocol.messages import (
    ADMIN_SAYS,
    AT_MOST_ONCE,
    KIOSK_HEARS,
    KIOSK_SAYS,
    MAX_PAYLOAD,
    NAME_PATTERN,
    Acknowledge,
    AlarmState,
    Applied,
    Command,
    Health,
    KioskSettings,
    KioskTime,
    LampTest,
    Reading,
    Stored,
    Topic,
    UpdateOffer,
    UpdateState,
    UpdateWant,
    acknowledge_topic,
    alarm_topic,
    gateway_status_topic,
    lamp_test_topic,
)

STATUS = {"type": "string", "enum": ["online", "offline"]}
PIECE = {
    "type": "string",
    "format": "binary",
    "description": "The offset, 4 bytes big-endian, then at most 1024 bytes of the bundle.",
}

KIOSK_KINDS: dict[str, Any] = {
    "reading": Reading,
    "health": Health,
    "status": STATUS,
    "settings/applied": Applied,
    "command/result": None,
    "update/want": UpdateWant,
    "update/state": UpdateState,
    "stored": Stored,
    "time": KioskTime,
    "settings": KioskSettings,
    "command": Command,
    "update": UpdateOffer,
    "update/piece": PIECE,
}
"""Payload of each kind of kiosk topic: a message type, the schema of a payload that is not JSON, or
None where the topic is reserved."""

RETAINED = ("status", "settings")


def asyncapi_document() -> dict[str, Any]:
    """The whole document as JSON values."""
    types = [kind for kind in KIOSK_KINDS.values() if isinstance(kind, type)]
    types += [AlarmState, Acknowledge]
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    document: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "FeverGate",
            "version": __version__,
            "license": {"name": "MIT"},
            "description": "Kiosks measure, the gateway alarms and stores, people acknowledge. MQTT"
            " over TLS 1.2 or newer, a credential each, QoS 1 but for `time`, payloads of at most"
            f" {MAX_PAYLOAD} bytes of UTF-8 JSON. Times are UTC seconds, temperatures °C.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "gateway": {
                "host": "gateway:8883",
                "protocol": "secure-mqtt",
                "description": "The broker beside each gateway.",
                "security": [{"$ref": "#/components/securitySchemes/credential"}],
            }
        },
        "channels": {},
        "operations": {},
        "components": {
            "schemas": _draft7(schemas),
            "messages": {},
            "parameters": {
                name: {"description": f"The {name}'s name: {NAME_PATTERN}"}
                for name in ("campus", "kiosk", "gate")
            },
            "securitySchemes": {
                "credential": {
                    "type": "userPassword",
                    "description": "One for each client; the broker's access list binds it to"
                    " its own topics.",
                }
            },
        },
    }
    for kind in (*KIOSK_SAYS, *KIOSK_HEARS):
        payload = KIOSK_KINDS[kind]
        if payload is None:
            continue
        # Braces are AsyncAPI's own syntax of a parameter.
        address = str(Topic("{campus}", "{kiosk}", kind))
        if kind in KIOSK_SAYS:
            action, summary = "receive", "Published by a kiosk."
        else:
            by = " or the administrator" if kind in ADMIN_SAYS else ""
            action, summary = "send", f"Published by the gateway{by} for a kiosk."
        _add(document, kind, address, payload, action, summary, retained=kind in RETAINED)
    gateway, person = ("send", "Published by the gateway."), ("receive", "Published by a person.")
    status = gateway_status_topic("{campus}")
    _add(document, "gateway-status", status, STATUS, *gateway, retained=True)
    alarm = alarm_topic("{campus}", "{gate}")
    _add(document, "alarm", alarm, AlarmState, *gateway, retained=True)
    acknowledge = acknowledge_topic("{campus}", "{gate}")
    _add(document, "acknowledge", acknowledge, Acknowledge, *person, retained=False)
    lamp_test = lamp_test_topic("{campus}", "{gate}")
    _add(document, "lamp-test", lamp_test, LampTest, *person, retained=False)
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
            for parameter in ("campus", "kiosk", "gate")
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
