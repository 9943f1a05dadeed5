"""Takes the broker's messages: validates each, raises the alarm, then hands it over to be stored.

Every message is untrusted until it is validated. An invalid message is stored as rejected, with the
reason, and never stops the messages behind it.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable

import msgspec

from fevergate.alarm.alarm import Alarm
from fevergate.alarm.kiosk_monitor import KioskMonitor
from fevergate.clock.judge import GatewayClock
from fevergate.errors import MessageError
from fevergate.gateway.alarm_ingest import AlarmIngest, Keep
from fevergate.gateway.flood_guard import FloodGuard
from fevergate.protocol.messages import (
    Applied,
    CardTapped,
    Health,
    Reading,
    Verdict,
    decode,
)
from fevergate.protocol.topics import (
    DROPPED,
    GATEWAY_NAME,
    Topic,
    acknowledge_topic,
    alarm_topic,
    parse_topic,
    press_topic,
)
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.records import (
    HealthArrived,
    ReadingArrived,
    Record,
    Rejected,
    SettingsApplied,
    StatusArrived,
)

log = logging.getLogger(__name__)

LOG_INTERVAL_S = 1.0
"""Least time between two warnings about rejected messages: a flood must not fill the journal."""


def topics(campus: str) -> list[str]:
    """Return the topic filters that the gateway subscribes to."""
    kiosk = str(Topic(campus, "+", ""))
    return [
        *(kiosk + kind for kind in ("reading", "card", "health", "status", "settings/applied")),
        acknowledge_topic(campus, "+"),
        press_topic(campus, "+"),
        alarm_topic(campus, "+/test"),
        DROPPED,
    ]


def is_urgent(topic: str, payload: bytes) -> bool:
    """Guess from topic and bytes whether a message may turn a red light on or off. Such a message
    is handled before earlier readings of normal temperature; a wrong guess only changes the order.
    """
    return b'"fever"' in payload or topic.endswith(("/acknowledge", "/acknowledge/person"))


class Ingest:
    """Takes messages; calls `keep` with each record to store and a function to call once the record
    is stored.

    `health` receives every valid health message before it is judged and stored. `lamp_test` is
    called with gate and name for every requested lamp test, and `tapped` with kiosk and tap for
    every card that was tapped at a kiosk of a gate. `person` finds whose card a reading has.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        alarm: Alarm,
        monitor: KioskMonitor,
        keep: Keep,
        health: Callable[[Health], None] = lambda _: None,
        clock: GatewayClock | None = None,
        lamp_test: Callable[[str, str], None] = lambda _gate, _by: None,
        tapped: Callable[[str, CardTapped], None] = lambda _kiosk, _tap: None,
        person: Callable[[Reading], int | None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._gates = settings.devices
        self._posts = settings.posts
        self._alarm = alarm
        self._monitor = monitor
        self._keep = keep
        self._health = health
        self._tapped = tapped
        self._person = person
        self._clock = clock or GatewayClock()
        self.flood = FloodGuard()
        self.alarms = AlarmIngest(settings, alarm, keep, self._clock.now, lamp_test)
        self.counts: Counter[str] = Counter()
        self._log_at = 0.0
        self._unlogged = 0

    def message(self, topic: str, payload: bytes, done: Callable[[], None]) -> None:
        """Take a message; `done`, which confirms it to the broker, is called once the message is
        committed or needs no commit.

        An acknowledgement is confirmed at once. If the broker delivered it again after a broken
        connection, it would clear newer fevers that no guard saw.
        """
        now = self._clock.now()
        self._monitor.drops.received += 1
        if topic == DROPPED:
            self._dropped(payload)
            done()
            return
        try:
            record = self._decode(parse_topic(topic), payload, now)
        except MessageError as error:
            self._rejected(topic, error.reason)
            record = Rejected(topic, error.reason, payload, now)
        except Exception as error:  # an unforeseen error affects only this message
            log.exception("a message on %s", topic[:128])
            reason = f"{type(error).__name__}: {error}"
            self._rejected(topic, reason)
            record = Rejected(topic, reason, payload, now)
        if record is None or self._too_many(topic, record):
            done()
            return
        if isinstance(record, SettingsApplied) and record.applied.error:
            kiosk = record.applied.kiosk
            log.warning(
                "%s: settings refused: %s", kiosk, record.applied.error, extra={"kiosk": kiosk}
            )
        self._keep(record, done)

    def _too_many(self, topic: str, record: Record) -> bool:
        """Whether a kiosk sends too many messages other than readings; `_reading` counts readings.
        Alarm and monitor have already seen the message."""
        if isinstance(record, ReadingArrived):
            return False
        kiosk = "".join(topic.split("/", 4)[3:4])
        # All kiosks of no gate share one count, so that invented names cannot fill the memory.
        over = self.flood.over_others(kiosk if kiosk in self._gates else "")
        self.counts["flood"] += over
        return over

    def _decode(self, topic: Topic, payload: bytes, now: float) -> Record | None:
        """Act on a message and return the record to store, or None. Raises `MessageError`."""
        if topic.campus != self._settings.campus:
            raise MessageError(f"campus {topic.campus!r}, expected {self._settings.campus!r}")
        if topic.name == "alarm":
            self.alarms.message(topic.kind, payload)
            return None
        if topic.name == GATEWAY_NAME:
            return None  # published by this gateway
        gate = self._gate_of(topic.name)
        match topic.kind:
            case "reading":
                return self._reading(topic.name, gate, payload, now)
            case "card":
                self._card(topic.name, payload)
                return None
            case "health":
                return self._health_arrived(topic.name, gate, payload, now)
            case "status":
                if payload not in (b"online", b"offline"):
                    raise MessageError("status: expected online or offline")
                self._monitor.status(topic.name, payload == b"online")
                return StatusArrived(topic.name, payload.decode(), now, gate)
            case "settings/applied":
                return self._applied(topic.name, gate, payload, now)
            case _:
                raise MessageError(f"no such kind of message: {topic.kind[:64]}")

    def _health_arrived(self, kiosk: str, gate: str, payload: bytes, now: float) -> Record:
        health = decode(payload, Health)
        self._same(kiosk, health.kiosk)
        self.counts["health"] += 1
        if health.at is not None:
            self._clock.count_vote(health.kiosk, health.at)
        self._health(health)
        self.flood.health(health)
        self._monitor.health(health)
        if kiosk in self._posts:  # a post measures nothing: its minutes are not watched or missed
            health = msgspec.structs.replace(health, state="ok", fault="", watched_s=0.0)
        if health.at is None or self._clock.is_plausible(health.at, now):
            return HealthArrived(health, now, gate)
        self.counts["misdated"] += 1
        # A kiosk never queues health, so it describes the time of arrival.
        return HealthArrived(msgspec.structs.replace(health, at=None), now, gate, now)

    def _reading(self, kiosk: str, gate: str, payload: bytes, now: float) -> Record | None:
        if kiosk in self._posts:
            raise MessageError("a lamp post measures nothing")
        reading = decode(payload, Reading)
        self._same(kiosk, reading.kiosk)
        raised_at = None
        if reading.verdict is Verdict.FEVER:
            raised_at = self._raise(gate, reading)
            log.info("fever at %s", gate, extra={"gate": gate, **reading.identity._asdict()})
        self.counts[reading.verdict.value] += 1
        self._monitor.heard(kiosk)
        if self.flood.over(reading):
            self.counts["flood"] += 1
            return None
        claimed_at = None
        if reading.at is not None and not self._clock.is_plausible(reading.at, now):
            self.counts["misdated"] += 1
            claimed_at = reading.at
            reading = msgspec.structs.replace(reading, at=None)
        person = self._person(reading) if reading.who is not None else None
        return ReadingArrived(reading, now, gate, raised_at, claimed_at, person)

    def _card(self, kiosk: str, payload: bytes) -> None:
        tap = decode(payload, CardTapped)
        if kiosk not in self._gates:
            raise MessageError("a card at a kiosk of no gate")
        self._monitor.heard(kiosk)
        if self.flood.over_taps(kiosk):
            self.counts["flood"] += 1
            return
        self.counts["card"] += 1
        self._tapped(kiosk, tap)

    def _raise(self, gate: str, reading: Reading) -> float | None:
        """Raise the alarm; if a lamp fails, the fever is stored all the same."""
        try:
            return self._alarm.fever(gate, reading)
        except Exception:
            log.exception("the light of gate %s", gate)
            return None

    def _rejected(self, topic: str, reason: str) -> None:
        """Count a rejected message, and log at most one per `LOG_INTERVAL_S`."""
        self.counts["rejected"] += 1
        self._unlogged += 1
        if time.monotonic() < self._log_at:
            return
        self._log_at = time.monotonic() + LOG_INTERVAL_S
        log.warning(
            "rejected on %s: %s (%d since the last such line)",
            topic[:128],
            reason,
            self._unlogged,
            extra={"topic": topic[:128], "reason": reason},
        )
        self._unlogged = 0

    def _dropped(self, payload: bytes) -> None:
        if payload.isdigit() and len(payload) < 20:
            self._monitor.drops.count(int(payload))

    def _applied(self, kiosk: str, gate: str, payload: bytes, now: float) -> Record:
        applied = decode(payload, Applied)
        self._same(kiosk, applied.kiosk)
        self._monitor.heard(kiosk)
        return SettingsApplied(applied, now, gate)

    def _gate_of(self, kiosk: str) -> str:
        """Return a kiosk's gate; a kiosk of no gate raises the alarm at the first one."""
        return self._gates.get(kiosk, self._settings.gates[0].name)

    @staticmethod
    def _same(topic_name: str, kiosk: str) -> None:
        if topic_name != kiosk:
            raise MessageError(f"kiosk {kiosk!r} on the topic of {topic_name!r}")
