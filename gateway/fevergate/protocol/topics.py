"""MQTT topics: who may publish to each, and who may subscribe to it."""

import re
from functools import lru_cache
from typing import NamedTuple

from fevergate.errors import MessageError
from fevergate.protocol.messages import NAME_PATTERN

_NAME = re.compile(NAME_PATTERN)

ROOT = "fevergate/v1"

DROPPED = "$SYS/broker/publish/messages/dropped"
"""Topic of the broker's count of dropped messages (mosquitto(8))."""


class Topic(NamedTuple):
    """Parts of a topic `fevergate/v1/<campus>/<name>/<kind>`."""

    campus: str
    name: str
    kind: str

    def __str__(self) -> str:
        return f"{ROOT}/{self.campus}/{self.name}/{self.kind}"


KIOSK_PUBLISHES = (
    "reading",
    "card",
    "health",
    "status",
    "settings/applied",
    "command/result",
    "update/want",
    "update/state",
)
"""Kinds of topic that a kiosk may publish to, below its own name only."""

KIOSK_SUBSCRIBES = ("stored", "permit", "time", "settings", "command", "update", "update/piece")
"""Kinds of topic that a kiosk may subscribe to, below its own name only."""

ADMIN_PUBLISHES = ("settings", "command", "update", "update/piece")
"""Kinds of topic that the administrator may publish to, below any kiosk's name."""

AT_MOST_ONCE = ("card", "permit", "time", "beat")
"""Kinds of topic that are published at QoS 0; all others at QoS 1."""

POST_PUBLISHES = (
    "health",
    "status",
    "settings/applied",
    "command/result",
    "update/want",
    "update/state",
)
"""Kinds of topic that a lamp post may publish to below its own name: it measures nobody."""

POST_SUBSCRIBES = ("time", "settings", "command", "update", "update/piece")
"""Kinds of topic that a lamp post may subscribe to below its own name."""

GATEWAY_NAME = "gateway"
"""Name of the gateway in its status topic; no kiosk may have it."""


def gateway_status_topic(campus: str) -> str:
    """Topic of the gateway's own status: `online`, or `offline` by last will; retained.

    By this topic a guard's board learns that its gateway is gone.
    """
    return f"{ROOT}/{campus}/{GATEWAY_NAME}/status"


def alarm_topic(campus: str, gate: str) -> str:
    """Topic of a gate's retained `AlarmState`."""
    return f"{ROOT}/{campus}/alarm/{gate}"


def shown_topic(campus: str, gate: str) -> str:
    """Topic of the retained `AlarmState` that a gate's lamp posts show: the gate's own alarm, and
    those of the doors that it watches."""
    return f"{alarm_topic(campus, gate)}/shown"


def acknowledge_topic(campus: str, gate: str) -> str:
    """Topic of people's acknowledgements (`Acknowledge`) of a gate's alarm; no lamp post may
    publish to it."""
    return f"{press_topic(campus, gate)}/person"


def press_topic(campus: str, gate: str) -> str:
    """Topic of button presses at a gate's lamp posts: each an `Acknowledge` of the alarm shown."""
    return f"{alarm_topic(campus, gate)}/acknowledge"


def beat_topic(campus: str, gate: str) -> str:
    """Topic of the gateway's sign of life (`Beat`) for a gate's lamp posts."""
    return f"{alarm_topic(campus, gate)}/beat"


def lamp_test_topic(campus: str, gate: str) -> str:
    """Topic of requests to test a gate's lamps (`LampTest`)."""
    return f"{alarm_topic(campus, gate)}/test"


@lru_cache(4096)
def parse_topic(topic: str) -> Topic:
    """Parse the topic of a kiosk or of the gateway. Raises `MessageError` for any other."""
    parts = topic.split("/", 4)
    if len(parts) != 5 or f"{parts[0]}/{parts[1]}" != ROOT:
        raise MessageError(f"topic is not {ROOT}/<campus>/<name>/<kind>")
    _, _, campus, name, kind = parts
    if not _NAME.fullmatch(campus) or not _NAME.fullmatch(name):
        raise MessageError("campus or name in the topic is not [a-z0-9-]{1,32}")
    return Topic(campus, name, kind)
