"""What the gateway and its kiosks say, as it comes, to every open board.

One line to the broker for all boards. It hears; it says nothing but acknowledgements.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from threading import Lock

import msgspec

from fevergate.broker import Broker
from fevergate.errors import MessageError, NothingFoundError
from fevergate.protocol import (
    OURSELVES,
    Acknowledge,
    AlarmState,
    Health,
    Reading,
    Topic,
    Verdict,
    acknowledge_topic,
    alarm_topic,
    decode,
    encode,
    parse_topic,
)
from fevergate.settings import GatewaySettings

log = logging.getLogger(__name__)

TREND = 60
"""Readings in a kiosk's little curve."""

BEAT_S = 1.0
"""A board that hears nothing for three of these says that the line is gone."""


class Kiosk(msgspec.Struct, kw_only=True):
    """One kiosk as a board shows it; temperatures in °C, axillary equivalent."""

    kiosk: str
    online: bool | None = None
    fault: str = ""
    verdict: str = ""
    reason: str = ""
    at: float | None = None
    body_c: float | None = None
    trend: list[float] = []


class GateNow(msgspec.Struct, kw_only=True):
    """One gate as its board shows it: everything, each time, so that nothing can be missed."""

    gate: str
    now: float
    line: bool
    """Whether this process hears the broker."""
    gateway: bool
    """Whether the gateway says that it is there."""
    alarm: AlarmState | None
    kiosks: list[Kiosk]


class Live:
    """Between `start` and `stop`; `subscribe` from the event loop's thread."""

    def __init__(self, settings: GatewaySettings, now: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._now = now
        self._lock = Lock()
        self._gates = {gate.name: gate.kiosks for gate in settings.gates}
        self._gate_of = {kiosk: gate for gate, kiosks in self._gates.items() for kiosk in kiosks}
        self._kiosks = {kiosk: Kiosk(kiosk=kiosk) for kiosk in self._gate_of}
        self._trends = {kiosk: deque[float](maxlen=TREND) for kiosk in self._gate_of}
        self._alarms: dict[str, AlarmState] = {}
        self._gateway = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: dict[str, set[asyncio.Event]] = {gate: set() for gate in self._gates}
        kiosk_topic = str(Topic(settings.campus, "+", ""))
        self._broker = Broker(
            settings,
            f"web-{settings.gateway}",
            [
                *(kiosk_topic + kind for kind in ("reading", "health", "status")),
                alarm_topic(settings.campus, "+"),
            ],
            self.heard,
        )

    @property
    def line(self) -> bool:
        """Whether the broker is heard."""
        return self._broker.connected

    def start(self) -> None:
        """Begin to hear; from the event loop's thread."""
        self._loop = asyncio.get_running_loop()
        self._broker.start()

    def stop(self) -> None:
        """Hear no more."""
        self._broker.stop()

    def now(self, gate: str) -> GateNow:
        """A gate as it is. Raises `NothingFoundError` for one that is not ours."""
        kiosks = self._gates.get(gate)
        if kiosks is None:
            raise NothingFoundError(f"gate {gate!r}")
        with self._lock:
            return GateNow(
                gate=gate,
                now=self._now(),
                line=self.line,
                gateway=self.line and self._gateway,
                alarm=self._alarms.get(gate),
                kiosks=[
                    msgspec.structs.replace(self._kiosks[kiosk], trend=list(self._trends[kiosk]))
                    for kiosk in kiosks
                ],
            )

    def acknowledge(self, gate: str, by: str) -> bool:
        """A guard saw to a gate's fevers; False where there is no line to say so."""
        if gate not in self._gates:
            raise NothingFoundError(f"gate {gate!r}")
        topic = acknowledge_topic(self._settings.campus, gate)
        return self._broker.publish(topic, encode(Acknowledge(by=by)))

    def subscribe(self, gate: str) -> asyncio.Event:
        """An event that is set when something of the gate has changed."""
        if gate not in self._gates:
            raise NothingFoundError(f"gate {gate!r}")
        event = asyncio.Event()
        self._listeners[gate].add(event)
        return event

    def unsubscribe(self, gate: str, event: asyncio.Event) -> None:
        """A board was closed."""
        self._listeners[gate].discard(event)

    def heard(self, topic: str, payload: bytes, done: Callable[[], None]) -> None:
        """Take one message; what does not validate is the gateway's to quarantine, not ours."""
        done()
        try:
            gates = self._take(parse_topic(topic), payload)
        except MessageError as error:
            log.debug("on %s: %s", topic[:128], error.reason)
            return
        if gates and self._loop:
            self._loop.call_soon_threadsafe(self._tell, gates)

    def _take(self, topic: Topic, payload: bytes) -> list[str]:
        """Note what was said; the gates that it changes."""
        with self._lock:
            if topic.name == "alarm":
                state = decode(payload, AlarmState)
                if state.gate != topic.kind or state.gate not in self._gates:
                    return []
                self._alarms[state.gate] = state
                return [state.gate]
            if topic.name == OURSELVES:
                self._gateway = payload == b"online"
                return list(self._gates)
            kiosk = self._kiosks.get(topic.name)
            if kiosk is None:
                return []
            if topic.kind == "status":
                kiosk.online = payload == b"online"
            elif topic.kind == "health":
                health = decode(payload, Health)
                kiosk.online, kiosk.fault = True, health.fault if health.state != "ok" else ""
            elif topic.kind == "reading":
                self._reading(kiosk, decode(payload, Reading))
            return [self._gate_of[topic.name]]

    def _reading(self, kiosk: Kiosk, reading: Reading) -> None:
        if kiosk.at is not None and reading.at is not None and reading.at < kiosk.at:
            return  # from a backlog: the board shows what is now
        kiosk.online = True
        kiosk.verdict, kiosk.reason = reading.verdict.value, reading.reason
        kiosk.at, kiosk.body_c = reading.at or self._now(), reading.body_c
        if reading.body_c is not None and reading.verdict is not Verdict.RETRY:
            self._trends[kiosk.kiosk].append(reading.body_c)

    def _tell(self, gates: list[str]) -> None:
        for gate in gates:
            for event in self._listeners[gate]:
                event.set()


async def events(live: Live, gate: str, least_s: float = 0.2) -> AsyncGenerator[bytes, None]:
    """Server-sent events (WHATWG HTML, 9.2): the whole gate at once, then at each change, and at
    least each `BEAT_S`; never more often than each `least_s`."""
    changed = live.subscribe(gate)
    try:
        while True:
            changed.clear()
            yield b"data: " + msgspec.json.encode(live.now(gate)) + b"\n\n"
            await asyncio.sleep(least_s)
            try:
                await asyncio.wait_for(changed.wait(), BEAT_S - least_s)
            except TimeoutError:
                continue
    finally:
        live.unsubscribe(gate, changed)
