"""Validates each message of the campuses: a reading becomes a row, anything else is rejected."""

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from msgspec.structs import astuple

from fevergate.collect.calendar import Calendar
from fevergate.errors import MessageError
from fevergate.protocol.messages import STORED, STORED_FIELDS, Reading, decode
from fevergate.protocol.topics import DROPPED, ROOT, parse_topic

log = logging.getLogger(__name__)

HEAD_BYTES = 256
"""Number of bytes kept of a rejected message, and of characters kept of its topic and reason."""

LOG_APART_S = 1.0
"""Minimum time between two log lines about rejected messages."""

Row = tuple[Any, ...]
"""Values of a reading in the order of `COLUMNS`."""

TYPES = {
    "kiosk": "text",
    "boot": "int4",
    "seq": "int4",
    "at": "float8",
    "verdict": "text",
    "reason": "text",
    "fw": "text",
    "object_c": "float8",
    "ambient_c": "float8",
    "skin_c": "float8",
    "body_c": "float8",
    "threshold_c": "float8",
    "baseline_c": "float8",
}
"""PostgreSQL types of a reading's fields; fields that are not listed are counts (int8)."""

COLUMNS = {
    "campus": "text",
    **{name: TYPES.get(name, "int8") for name in STORED_FIELDS},
    "day": "date",
    "received_at": "float8",
}
IDENTITY = ("campus", "kiosk", "boot", "seq")
if tuple(COLUMNS)[:6] != (*IDENTITY, "at", "up_ms"):
    raise AssertionError("a row begins with its identity and its time")

AT, UP_MS, DAY, RECEIVED_AT = 4, 5, len(COLUMNS) - 2, len(COLUMNS) - 1


@dataclass(frozen=True, slots=True)
class CollectRejected:
    """A message that is not valid: the reason, and the message's first bytes.

    `digest` identifies topic and payload, so that a repeated message is stored once.
    """

    topic: str
    reason: str
    head: bytes
    size: int
    received_at: float
    digest: bytes


Item = Row | CollectRejected
Keep = Callable[[Item, Callable[[], None]], None]


def topics(group: str) -> list[str]:
    """Topics of a collector: the readings of all campuses, shared by `group`, and the broker's
    count of dropped messages, which is not shared, so that every collector sees it."""
    return [f"$share/{group}/{ROOT}/+/+/reading", DROPPED]


class Intake:
    """Turns the broker's messages into rows or rejections, and passes these to `keep`."""

    def __init__(self, calendar: Calendar, keep: Keep) -> None:
        self._calendar = calendar
        self._keep = keep
        self.counts: Counter[str] = Counter()
        self.dropped = 0
        """Messages that the broker has dropped for lack of room since it started, by its count."""
        self._log_at = 0.0

    def message(self, topic: str, payload: bytes, done: Callable[[], None]) -> None:
        """Take one message; `done` is called once it is committed or if it need not be stored."""
        if topic == DROPPED:
            self._dropped(payload)
            done()
            return
        now = time.time()
        try:
            item: Item = self._row(topic, payload, now)
        except MessageError as error:
            self.counts["rejected"] += 1
            item = rejected(topic, error.reason, payload, now)
            if time.monotonic() >= self._log_at:  # a flood must not fill the journal
                self._log_at = time.monotonic() + LOG_APART_S
                log.warning("rejected on %r: %s", item.topic[:128], item.reason)
        else:
            self.counts["reading"] += 1
        self._keep(item, done)

    def _row(self, topic: str, payload: bytes, now: float) -> Row:
        address = parse_topic(topic)
        if address.kind != "reading":
            raise MessageError(f"no such kind of message: {address.kind[:64]}")
        reading = decode(payload, Reading)
        if reading.kiosk != address.name:
            raise MessageError(f"kiosk {reading.kiosk!r} on the topic of {address.name!r}")
        day: date = self._calendar.place(reading.at, now)
        return (address.campus, *astuple(reading)[STORED], day, now)

    def _dropped(self, payload: bytes) -> None:
        if not payload.isdigit() or len(payload) >= 20:
            return
        if (now := int(payload)) > self.dropped:
            log.error(
                "the broker has dropped %d messages for want of room: its queues are too short for"
                " how long a collector or the database was away",
                now - self.dropped,
            )
        self.dropped = now


def rejected(topic: str, reason: str, payload: bytes, received_at: float) -> CollectRejected:
    """Return the record of a refused message, cut to `HEAD_BYTES` and valid as PostgreSQL text."""
    return CollectRejected(
        _text(topic)[:HEAD_BYTES],
        _text(reason)[:HEAD_BYTES],
        payload[:HEAD_BYTES],
        len(payload),
        received_at,
        hashlib.sha256(topic.encode(errors="replace") + b"\0" + payload).digest()[:16],
    )


def _text(text: str) -> str:
    """Replace NUL and lone surrogates, which PostgreSQL's text cannot hold."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")
