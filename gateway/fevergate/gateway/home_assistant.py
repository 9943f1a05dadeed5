"""Home Assistant discovery: retained MQTT messages by which it finds gates and kiosks.

Each gate and each kiosk is a device. Its entities read the topics that the gateway and the kiosks
publish anyway; a button acknowledges a gate's fevers. Source: home-assistant.io/integrations/mqtt,
"MQTT discovery".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fevergate import __version__
from fevergate.mosquitto.broker_files import HOME_ASSISTANT
from fevergate.protocol.messages import Topic, acknowledge_topic, alarm_topic, gateway_status_topic
from fevergate.settings.gateway import GatewaySettings
from fevergate.texts.translations import N_, translator

HEALTH_EXPIRES_S = 180
"""A kiosk's values are unavailable after this time without health, which comes each minute."""

_NAMES = {
    "fever": N_("Fever"),
    "fevers": N_("Fevers to be seen to"),
    "trouble": N_("Not watching"),
    "acknowledge": N_("Acknowledge"),
    "online": N_("Online"),
    "fault": N_("Fault"),
    "scans": N_("People measured"),
    "queued": N_("Readings waiting"),
    "rssi": N_("Signal"),
    "air": N_("Room temperature"),
}


def discovery(settings: GatewaySettings) -> Iterator[tuple[str, bytes]]:
    """Yield topic and payload of every entity of this gateway, to be published as retained."""
    if not settings.home_assistant:
        return
    for component, device, entity, values in _entities(settings):
        topic = f"{HOME_ASSISTANT}/{component}/{device}/{entity}/config"
        yield topic, json.dumps(values, ensure_ascii=False).encode()


def _entities(settings: GatewaySettings) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for gate in settings.gates:
        yield from _gate(settings, gate.name)
        for kiosk in gate.kiosks:
            yield from _kiosk(settings, gate.name, kiosk)


def _gate(settings: GatewaySettings, gate: str) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    topic = alarm_topic(settings.campus, gate)
    device = _Device(settings, f"gate_{gate}", gate, "gate", gate)
    # Without the gateway a gate must be unavailable, not "no fever".
    alive = {"availability_topic": gateway_status_topic(settings.campus)}
    red = alive | {"state_topic": topic, "device_class": "safety"}
    yield device.entity(
        "binary_sensor",
        "fever",
        red | {"value_template": "{{ 'ON' if value_json.state == 'raised' else 'OFF' }}"},
    )
    yield device.entity(
        "sensor",
        "fevers",
        alive
        | {
            "state_topic": topic,
            "value_template": "{{ value_json.fevers | default(0) }}",
            "state_class": "measurement",
            "icon": "mdi:thermometer-alert",
        },
    )
    yield device.entity(
        "binary_sensor",
        "trouble",
        alive
        | {
            "state_topic": topic,
            "device_class": "problem",
            "value_template": "{{ 'ON' if value_json.amber | default([]) else 'OFF' }}",
            "json_attributes_topic": topic,
            "json_attributes_template": "{{ {'reasons': value_json.amber} | tojson }}",
        },
    )
    yield device.entity(
        "button",
        "acknowledge",
        alive
        | {
            "command_topic": acknowledge_topic(settings.campus, gate),
            "payload_press": json.dumps({"v": 1, "by": "Home Assistant"}),
            "qos": 1,
            "icon": "mdi:check-circle",
        },
    )


def _kiosk(
    settings: GatewaySettings, gate: str, kiosk: str
) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    health = str(Topic(settings.campus, kiosk, "health"))
    status = str(Topic(settings.campus, kiosk, "status"))
    device = _Device(settings, f"kiosk_{kiosk}", kiosk, "kiosk", gate)
    yield device.entity(
        "binary_sensor",
        "online",
        {
            "state_topic": status,
            "device_class": "connectivity",
            "payload_on": "online",
            "payload_off": "offline",
            "entity_category": "diagnostic",
        },
    )
    of_health = {
        "state_topic": health,
        "availability_topic": status,
        "expire_after": HEALTH_EXPIRES_S,
    }
    yield device.entity(
        "binary_sensor",
        "fault",
        of_health
        | {
            "device_class": "problem",
            "value_template": "{{ 'OFF' if value_json.state == 'ok' else 'ON' }}",
            "json_attributes_topic": health,
        },
    )
    for name, field, more in (
        ("scans", "scans", {"state_class": "total_increasing", "icon": "mdi:account-check"}),
        ("queued", "queued", {"state_class": "measurement", "entity_category": "diagnostic"}),
        ("rssi", "rssi", _measured("signal_strength", "dBm") | {"entity_category": "diagnostic"}),
        ("air", "can_c", _measured("temperature", "°C")),
    ):
        template = "{{ value_json." + field + " }}"
        yield device.entity("sensor", name, of_health | {"value_template": template} | more)


def _measured(kind: str, unit: str) -> dict[str, str]:
    return {"device_class": kind, "unit_of_measurement": unit, "state_class": "measurement"}


class _Device:
    """A Home Assistant device, and the fields that its entities share."""

    def __init__(
        self, settings: GatewaySettings, key: str, name: str, model: str, area: str
    ) -> None:
        self._say = translator(settings.language)
        self._id = f"fevergate_{settings.campus}_{key}"
        self._shared = {
            "device": {
                "identifiers": [self._id],
                "name": f"FeverGate {name}",
                "manufacturer": "FeverGate",
                "model": model,
                "sw_version": __version__,
                "suggested_area": area,
            },
            "origin": {"name": "FeverGate", "sw_version": __version__},
        }

    def entity(
        self, component: str, name: str, values: dict[str, Any]
    ) -> tuple[str, str, str, dict[str, Any]]:
        """Return an entity as (component, device id, entity id, configuration)."""
        own = {"name": self._say(_NAMES[name]), "unique_id": f"{self._id}_{name}"}
        return component, self._id, name, own | values | self._shared
