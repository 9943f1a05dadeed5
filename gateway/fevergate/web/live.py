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

from fevergate.errors import MessageError, NothingFoundError
from fevergate.mqtt.client import BrokerClient
from fevergate.protocol.messages import (
    OURSELVES,
    Acknowledge,
    AlarmState,
    Health,
    LampTest,
    Reading,
    Topic,
    Verdict,
    acknowledge_topic,
    alarm_topic,
    decode,
    encode,
    lamp_test_topic,
    parse_topic,
)
from fevergate.settings.gateway import GatewaySettings

log = logging.getLogger(__name__)

TREND = 60
"""Readings in a kiosk's little curve."""

BEAT_S = 1.0
"""A board that hears nothing for three of these says that the line is gone."""


AHEAD_S = 60.0
"""A reading dated further ahead than this is dated by its arrival."""


class Kiosk(msgspec.Struct, kw_only=True):
    """One kiosk as a board shows it; temperatures in °C, axillary equivalent. `trouble`: what the
    gateway says of it, or ourselves where the gateway says nothing, as `kiosk_monitor` words it."""

    kiosk: str
    online: bool | None = None
    fault: str = ""
    trouble: str = ""
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

    def __init__(
        self,
        settings: GatewaySettings,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._now = now
        self._clock = clock
        self._lock = Lock()
        self._gates = {gate.name: gate.kiosks for gate in settings.gates}
        names = [kiosk for kiosks in self._gates.values() for kiosk in kiosks]
        self._kiosks = {kiosk: Kiosk(kiosk=kiosk) for kiosk in names}
        self._trends = {kiosk: deque[float](maxlen=TREND) for kiosk in names}
        self._last: dict[str, tuple[int, int]] = {}
        self._heard_at: dict[str, float] = {}
        self._alarms: dict[str, AlarmState] = {}
        self._gateway = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: set[asyncio.Event] = set()
        kiosk_topic = str(Topic(settings.campus, "+", ""))
        self._broker = BrokerClient(
            settings,
            f"web-{settings.gateway}",
            [
                *(kiosk_topic + kind for kind in ("reading", "health", "status")),
                alarm_topic(settings.campus, "+"),
            ],
            self.heard,
            clean=True,  # nobody looks at yesterday's
            patient=True,
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
                kiosks=[self._shown(gate, kiosk) for kiosk in kiosks],
            )

    def _shown(self, gate: str, name: str) -> Kiosk:
        """A kiosk as it is now, so that its card and the gate's lamp say the same."""
        one = self._kiosks[name]
        alarm = self._alarms.get(gate)
        said = (line.partition(": ") for line in (alarm.amber if alarm else ()))
        trouble = next((what for kiosk, _, what in said if kiosk == name), "")
        silent_after_s = self._settings.alarm.silent_after_s
        if not trouble and one.online and one.fault:
            trouble = f"sensor {one.fault}"
        if one.online and self._clock() - self._heard_at[name] > silent_after_s:
            trouble = "silent"
        online = False if trouble in ("silent", "offline") else one.online
        trend = list(self._trends[name])
        return msgspec.structs.replace(one, online=online, trouble=trouble, trend=trend)

    def acknowledge(self, gate: str, by: str) -> bool:
        """A guard saw to a gate's fevers; False where nobody is there to be told so."""
        if gate not in self._gates:
            raise NothingFoundError(f"gate {gate!r}")
        if not self._gateway:
            return False
        topic = acknowledge_topic(self._settings.campus, gate)
        return self._broker.publish(topic, encode(Acknowledge(by=by)))

    def try_lamps(self, gate: str, by: str) -> bool:
        """Somebody wants to see a gate's lamps; False where nobody is there to be told so."""
        if gate not in self._gates:
            raise NothingFoundError(f"gate {gate!r}")
        if not self._gateway:
            return False
        topic = lamp_test_topic(self._settings.campus, gate)
        return self._broker.publish(topic, encode(LampTest(by=by)))

    def subscribe(self) -> asyncio.Event:
        """An event that is set when something has changed, at whichever gate."""
        event = asyncio.Event()
        self._listeners.add(event)
        return event

    def unsubscribe(self, event: asyncio.Event) -> None:
        """A board was closed."""
        self._listeners.discard(event)

    def heard(self, topic: str, payload: bytes, done: Callable[[], None]) -> None:
        """Take one message; what does not validate is the gateway's to quarantine, not ours."""
        done()
        try:
            changed = self._take(parse_topic(topic), payload)
        except MessageError as error:
            log.debug("on %s: %s", topic[:128], error.reason)
            return
        if changed and self._loop:
            self._loop.call_soon_threadsafe(self._tell)

    def _take(self, topic: Topic, payload: bytes) -> bool:
        """Note what was said; whether a board shows it."""
        with self._lock:
            if topic.name == "alarm":
                state = decode(payload, AlarmState)
                if state.gate != topic.kind or state.gate not in self._gates:
                    return False
                self._alarms[state.gate] = state
                return True
            if topic.name == OURSELVES:
                self._gateway = payload == b"online"
                return True
            kiosk = self._kiosks.get(topic.name)
            if kiosk is None:
                return False
            if topic.kind == "status":
                kiosk.online = payload == b"online"
            elif topic.kind == "health":
                health = decode(payload, Health)
                kiosk.online = True
                kiosk.fault = health.fault or "fault" if health.state != "ok" else ""
            elif topic.kind == "reading":
                self._reading(kiosk, decode(payload, Reading))
            self._heard_at[topic.name] = self._clock()
            return True

    def _reading(self, kiosk: Kiosk, reading: Reading) -> None:
        kiosk.online = True
        at = self._now()
        if reading.at is not None and reading.at <= at + AHEAD_S:
            at = reading.at
        boot, seq = self._last.get(kiosk.kiosk, (-1, 0))
        # From a backlog: the board shows what is now. Within a boot the kiosk itself counts; a
        # clock that was once ahead must not hide what comes after.
        if reading.seq <= seq if reading.boot == boot else at < (kiosk.at or 0.0):
            return
        self._last[kiosk.kiosk] = (reading.boot, reading.seq)
        kiosk.verdict, kiosk.reason = reading.verdict.value, reading.reason
        kiosk.at, kiosk.body_c = at, reading.body_c
        if reading.body_c is not None and reading.verdict is not Verdict.RETRY:
            self._trends[kiosk.kiosk].append(reading.body_c)

    def _tell(self) -> None:
        for event in self._listeners:
            event.set()


async def events(
    live: Live, show: Callable[[], bytes], least_s: float = 0.2
) -> AsyncGenerator[bytes, None]:
    """Server-sent events (WHATWG HTML, 9.2): what `show` says (JSON) at once, then at each change,
    and at least each `BEAT_S`; never more often than each `least_s`."""
    changed = live.subscribe()
    try:
        while True:
            changed.clear()
            yield b"data: " + show() + b"\n\n"
            await asyncio.sleep(least_s)
            try:
                await asyncio.wait_for(changed.wait(), BEAT_S - least_s)
            except TimeoutError:
                continue
    finally:
        live.unsubscribe(changed)
