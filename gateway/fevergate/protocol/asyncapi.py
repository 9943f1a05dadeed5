"""The messages between kiosks, gateway and people as an AsyncAPI 3 document, out of their types.

Source: asyncapi.com/docs/reference/specification/v3.0.0. `gateway/asyncapi.json` is what this
makes; `tools/make-asyncapi` writes it and a test compares.
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
"""What is said below a kiosk's name: a type, or the schema of what is no JSON; None: reserved."""

RETAINED = ("status", "settings")


def document() -> dict[str, Any]:
    """The whole document, in terms of JSON."""
    types = [kind for kind in KIOSK_KINDS.values() if isinstance(kind, type)]
    types += [AlarmState, Acknowledge]
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    found: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "FeverGate",
            "version": __version__,
            "license": {"name": "MIT"},
            "description": "Kiosks measure, the gateway alarms and keeps, people acknowledge. MQTT"
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
        what = KIOSK_KINDS[kind]
        if what is None:
            continue
        # Braces as they are: AsyncAPI's own parameters.
        address = str(Topic("{campus}", "{kiosk}", kind))
        if kind in KIOSK_SAYS:
            action, who = "receive", "A kiosk says it."
        else:
            by = " or the administrator" if kind in ADMIN_SAYS else ""
            action, who = "send", f"The gateway{by} says it to a kiosk."
        _add(found, kind, address, what, action, who, retained=kind in RETAINED)
    ours = gateway_status_topic("{campus}")
    _add(found, "gateway-status", ours, STATUS, "send", "The gateway says it.", retained=True)
    alarm = alarm_topic("{campus}", "{gate}")
    _add(found, "alarm", alarm, AlarmState, "send", "The gateway says it.", retained=True)
    done = acknowledge_topic("{campus}", "{gate}")
    _add(found, "acknowledge", done, Acknowledge, "receive", "A person says it.", retained=False)
    tried = lamp_test_topic("{campus}", "{gate}")
    _add(found, "lamp-test", tried, LampTest, "receive", "A person says it.", retained=False)
    return found


def _add(
    found: dict[str, Any],
    kind: str,
    address: str,
    what: Any,
    action: str,
    who: str,
    *,
    retained: bool,
) -> None:
    name = kind.replace("/", "-")
    if isinstance(what, type):
        title = what.__name__
        payload: dict[str, Any] = {"$ref": f"#/components/schemas/{title}"}
        content = "application/json"
    else:
        title, payload = name, what
        content = "text/plain" if what is STATUS else "application/octet-stream"
    found["components"]["messages"][title] = {
        "name": title,
        "contentType": content,
        "payload": payload,
    }
    found["channels"][name] = {
        "address": address,
        "description": who,
        "messages": {title: {"$ref": f"#/components/messages/{title}"}},
        "parameters": {
            parameter: {"$ref": f"#/components/parameters/{parameter}"}
            for parameter in ("campus", "kiosk", "gate")
            if "{" + parameter + "}" in address
        },
    }
    qos = 0 if kind in AT_MOST_ONCE else 1
    found["operations"][f"{action}-{name}"] = {
        "action": action,
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": who,
        "bindings": {"mqtt": {"qos": qos, "retain": retained, "bindingVersion": "0.2.0"}},
    }


def _draft7(schema: Any) -> Any:
    """As AsyncAPI takes it: of JSON Schema's later drafts only tuples are written otherwise."""
    if isinstance(schema, list | tuple):
        return [_draft7(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: _draft7(value) for key, value in schema.items()}
    if "prefixItems" in out:
        out["items"] = out.pop("prefixItems")
        out["additionalItems"] = False
    return out
