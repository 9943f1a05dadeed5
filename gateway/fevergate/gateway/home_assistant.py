"""Home Assistant discovery: retained MQTT messages by which Home Assistant finds gates and kiosks.

Each gate and each kiosk is a device, with the entities of `home_assistant.toml`. The entities read
topics that the gateway and the kiosks publish anyway; a button acknowledges a gate's fevers.
"""

import json
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from fevergate import __version__
from fevergate.mosquitto.broker_files import HOME_ASSISTANT
from fevergate.protocol.topics import Topic, acknowledge_topic, alarm_topic, gateway_status_topic
from fevergate.settings.gateway import GatewaySettings
from fevergate.texts.translations import N_, translator

_NAMES = {
    "fever": N_("Fever"),
    "fevers": N_("Fevers to acknowledge"),
    "trouble": N_("Not watching"),
    "acknowledge": N_("Acknowledge"),
    "online": N_("Online"),
    "fault": N_("Fault"),
    "scans": N_("People measured"),
    "queued": N_("Readings waiting"),
    "rssi": N_("Signal"),
    "air": N_("Room temperature"),
}

ENTITIES = files("fevergate.gateway") / "home_assistant.toml"


def discovery(settings: GatewaySettings) -> Iterator[tuple[str, bytes]]:
    """Yield topic and payload of every entity of this gateway, to be published as retained."""
    if not settings.home_assistant:
        return
    names = settings.names(settings.language)
    entities = tomllib.loads(ENTITIES.read_text("utf-8"))
    campus = settings.campus
    for gate in settings.gates:
        topics = {
            "@gateway": gateway_status_topic(campus),
            "@alarm": alarm_topic(campus, gate.name),
            "@acknowledge": acknowledge_topic(campus, gate.name),
        }
        place = names.gate(gate.name)
        yield from _device(settings, entities["gate"], topics, "gate", gate.name, (place, place))
        for kiosk in gate.kiosks:
            topics = {f"@{kind}": str(Topic(campus, kiosk, kind)) for kind in ("health", "status")}
            labels = (names.kiosk(kiosk), place)
            yield from _device(settings, entities["kiosk"], topics, "kiosk", kiosk, labels)


def _device(
    settings: GatewaySettings,
    entities: list[dict[str, Any]],
    topics: dict[str, str],
    model: str,
    name: str,
    labels: tuple[str, str],
) -> Iterator[tuple[str, bytes]]:
    """Yield the entities of one device; `labels` are its name and its area."""
    title, area = labels
    device = f"fevergate_{settings.campus}_{model}_{name}"
    shared = {
        "device": {
            "identifiers": [device],
            "name": f"FeverGate {title}",
            "manufacturer": "FeverGate",
            "model": model,
            "sw_version": __version__,
            "suggested_area": area,
        },
        "origin": {"name": "FeverGate", "sw_version": __version__},
    }
    say = translator(settings.language)
    for entity in entities:
        values: dict[str, Any] = {key: topics.get(entity[key], entity[key]) for key in entity}
        component, entity_id = values.pop("component"), values.pop("entity")
        values["name"] = say(_NAMES[entity_id])
        values["unique_id"] = f"{device}_{entity_id}"
        topic = f"{HOME_ASSISTANT}/{component}/{device}/{entity_id}/config"
        yield topic, json.dumps(values | shared, ensure_ascii=False).encode()
