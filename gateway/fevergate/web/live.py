"""The live state of gates and kiosks, from the broker to every open page of a guard.

All pages share one connection to the broker. On it they publish acknowledgements and lamp tests.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from threading import Lock

import msgspec

from fevergate.errors import MessageError, NothingFoundError
from fevergate.mqtt.client import BrokerClient
from fevergate.protocol.alarm_messages import Acknowledge, AlarmState, LampTest
from fevergate.protocol.messages import (
    CardTapped,
    Health,
    Message,
    Reading,
    Verdict,
    decode,
    encode,
)
from fevergate.protocol.topics import (
    GATEWAY_NAME,
    Topic,
    acknowledge_topic,
    alarm_topic,
    lamp_test_topic,
    parse_topic,
)
from fevergate.settings.gateway import GatewaySettings
from fevergate.web.passers import Passers

log = logging.getLogger(__name__)

TREND_READINGS = 60
"""A kiosk's trend line has at most this many readings."""

BEAT_S = 1.0
"""Longest time (s) between two events; a board that gets none for three times as long shows that
the connection is lost."""

AHEAD_S = 60.0
"""A reading dated more than this (s) in the future is shown with its time of arrival."""


class Kiosk(msgspec.Struct, kw_only=True):
    """A kiosk as a board shows it; temperatures are °C, axillary equivalent.

    `trouble` is what the gateway reports of the kiosk, in the words of `kiosk_monitor`; without a
    report this process decides it.
    """

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
    """A gate as its board shows it; always complete, so that a lost event does no harm."""

    gate: str
    now: float
    line: bool
    """Whether this process is connected to the broker."""
    gateway: bool
    """Whether the gateway has published that it is online."""
    alarm: AlarmState | None
    kiosks: list[Kiosk]


class Live:
    """The live state, kept from `start` to `stop`; call `subscribe` in the event loop's thread."""

    def __init__(
        self,
        settings: GatewaySettings,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        passers: Passers | None = None,
    ) -> None:
        """`passers` is told of every card that is tapped at a kiosk of a gate."""
        self._settings = settings
        self._passers = passers
        self._now = now
        self._clock = clock
        self._lock = Lock()
        self._gates = {gate.name: gate.kiosks for gate in settings.gates}
        names = [kiosk for kiosks in self._gates.values() for kiosk in kiosks]
        self._kiosks = {kiosk: Kiosk(kiosk=kiosk) for kiosk in names}
        self._trends = {kiosk: deque[float](maxlen=TREND_READINGS) for kiosk in names}
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
                *(kiosk_topic + kind for kind in ("reading", "card", "health", "status")),
                alarm_topic(settings.campus, "+"),
            ],
            self.heard,
            clean=True,  # old messages are of no use on a board
            patient=True,
        )

    @property
    def line(self) -> bool:
        """Whether the broker is connected."""
        return self._broker.connected

    def start(self) -> None:
        """Connect; call in the event loop's thread."""
        self._loop = asyncio.get_running_loop()
        self._broker.start()

    def stop(self) -> None:
        """Disconnect."""
        self._broker.stop()

    def now(self, gate: str) -> GateNow:
        """The state of a gate. Raises `NothingFoundError` for an unknown one."""
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
        """A kiosk's state, consistent with the gate's lamp."""
        state = self._kiosks[name]
        alarm = self._alarms.get(gate)
        reports = (line.partition(": ") for line in (alarm.amber if alarm else ()))
        trouble = next((trouble for kiosk, _, trouble in reports if kiosk == name), "")
        silent_after_s = self._settings.alarm.silent_after_s
        if not trouble and state.online and state.fault:
            trouble = f"sensor {state.fault}"
        if state.online and self._clock() - self._heard_at[name] > silent_after_s:
            trouble = "silent"
        online = False if trouble in ("silent", "offline") else state.online
        trend = list(self._trends[name])
        return msgspec.structs.replace(state, online=online, trouble=trouble, trend=trend)

    def acknowledge(self, gate: str, acknowledge: Acknowledge) -> bool:
        """Publish somebody's acknowledgement; see `_tell`."""
        return self._tell(gate, acknowledge_topic, acknowledge)

    def try_lamps(self, gate: str, by: str) -> bool:
        """Ask the gateway to test a gate's lamps; see `_tell`."""
        return self._tell(gate, lamp_test_topic, LampTest(by=by))

    def _tell(self, gate: str, topic: Callable[[str, str], str], message: Message) -> bool:
        """Publish a message for a gate; False if the gateway is not online to take it. Raises
        `NothingFoundError` for an unknown gate."""
        if gate not in self._gates:
            raise NothingFoundError(f"gate {gate!r}")
        return self._gateway and self._broker.publish(
            topic(self._settings.campus, gate), encode(message)
        )

    def subscribe(self) -> asyncio.Event:
        """An event that is set at each change of any gate."""
        event = asyncio.Event()
        self._listeners.add(event)
        return event

    def unsubscribe(self, event: asyncio.Event) -> None:
        """Remove an event of `subscribe`."""
        self._listeners.discard(event)

    def heard(self, topic: str, payload: bytes, done: Callable[[], None]) -> None:
        """Take a message; an invalid one is ignored here, and quarantined by the gateway."""
        done()
        try:
            parsed = parse_topic(topic)
            changed = self._take(parsed, payload) | self._pass(parsed, payload)
        except MessageError as error:
            log.debug("on %s: %s", topic[:128], error.reason)
            return
        if changed and self._loop:
            self._loop.call_soon_threadsafe(self._notify)

    def _pass(self, topic: Topic, payload: bytes) -> bool:
        """Pass a tapped card or a reading on to `Passers`; return whether a board shows a
        change."""
        if self._passers is None:
            return False
        if topic.kind == "card":
            return self._passers.tapped(topic.name, decode(payload, CardTapped))
        if topic.kind == "reading":
            reading = decode(payload, Reading)
            return reading.kiosk == topic.name and self._passers.measured(reading)
        return False

    def _take(self, topic: Topic, payload: bytes) -> bool:
        """Update the state from a message; return whether a board shows a change."""
        with self._lock:
            if topic.name == "alarm":
                state = decode(payload, AlarmState)
                if state.gate != topic.kind or state.gate not in self._gates:
                    return False
                self._alarms[state.gate] = state
                return True
            if topic.name == GATEWAY_NAME:
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
                kiosk.fault = health.fault or ("fault" if health.state != "ok" else "")
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
        # Skip readings of a backlog. Within a boot the sequence number orders them: a clock that
        # was once ahead must not hide later readings.
        if reading.seq <= seq if reading.boot == boot else at < (kiosk.at or 0.0):
            return
        self._last[kiosk.kiosk] = (reading.boot, reading.seq)
        kiosk.verdict, kiosk.reason = reading.verdict.value, reading.reason
        kiosk.at, kiosk.body_c = at, reading.body_c
        if reading.body_c is not None and reading.verdict is not Verdict.RETRY:
            self._trends[kiosk.kiosk].append(reading.body_c)

    def _notify(self) -> None:
        for event in self._listeners:
            event.set()


async def events(
    live: Live, show: Callable[[], bytes], min_s: float = 0.2
) -> AsyncGenerator[bytes, None]:
    """Server-sent events (WHATWG HTML, 9.2) with the JSON of `show`: one at once, then one at each
    change, at least one each `BEAT_S` and never two within `min_s`."""
    changed = live.subscribe()
    try:
        while True:
            changed.clear()
            yield b"data: " + show() + b"\n\n"
            await asyncio.sleep(min_s)
            try:
                await asyncio.wait_for(changed.wait(), BEAT_S - min_s)
            except TimeoutError:
                continue
    finally:
        live.unsubscribe(changed)
