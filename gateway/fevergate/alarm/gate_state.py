"""What a gate's lamps show, on pins and on lamp posts: the gate's own alarm and the alarms of the
doors that it watches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from fevergate.protocol.alarm_messages import AlarmState, FeverSeen
from fevergate.protocol.messages import Identity

MAX_WAITING = 1000
"""Unacknowledged fevers that a gate holds one by one. Further ones are only counted, so that a
faulty kiosk cannot fill the memory."""

FIRST_TROUBLES = ("lamps", "test", "unrecorded")
"""Sources of trouble that are announced before all others."""

MAX_TROUBLES = 8
"""Troubles named in one announcement."""


class AcknowledgedFevers(NamedTuple):
    """Fevers that one acknowledgement covers: `fevers` are the identities of those that the gate
    held one by one, `more` is the number of those that it only counted."""

    fevers: tuple[Identity, ...] = ()
    more: int = 0


class ShownAlarm(NamedTuple):
    """What a lamp post or a board showed when it was pressed: `since`, `fevers` and the newest
    fever (`last`) of the `AlarmState` that it had received."""

    since: float
    fevers: int
    last: Identity | None = None


class Waiting(NamedTuple):
    """A fever that nobody has acknowledged; `rank` orders the fevers of all gates by arrival,
    `raised_at` is a Unix time (s)."""

    rank: tuple[int, int]
    seen: FeverSeen
    raised_at: float


class Lights(Protocol):
    """Lamps and buzzer of a gate; each call returns at once."""

    def show(self, *, red: bool, amber: bool) -> None:
        """Switch red and amber on or off; green is on when both are off."""
        ...

    def buzz(self, on: bool) -> None:
        """Start or stop the buzzer's alarm pattern."""
        ...


class GateState:
    """One gate's fevers, troubles and lamp test. Its lamps also show the fevers and troubles of the
    gates that it `watches`."""

    def __init__(self, name: str, lights: Lights, since: float) -> None:
        self.watches: list[GateState] = []
        self.watcher: GateState | None = None
        self._sounds = False
        self.name = name
        self.lights = lights
        self.waiting: dict[Identity, Waiting] = {}
        self.more = 0
        self._counted: Waiting | None = None
        self.troubles: dict[str, str] = {}
        self.since = since
        self.by = ""
        self.testing: str | None = None

    @property
    def group(self) -> tuple[GateState, ...]:
        """The gates whose alarms this gate's lamps show."""
        return self, *self.watches

    def wait_for(self, identity: Identity, fever: Waiting) -> None:
        """Hold a fever until somebody acknowledges it."""
        if len(self.waiting) < MAX_WAITING:
            self.waiting[identity] = fever
        else:
            self.more += 1
            self._counted = fever

    def end(self, at: float, by: str) -> AcknowledgedFevers:
        """End the gate's alarm, acknowledged by the guard `by` at the Unix time `at` (s); returns
        the fevers that were unacknowledged."""
        ended = AcknowledgedFevers(tuple(self.waiting), self.more)
        if ended.fevers:
            self.waiting.clear()
            self.more, self._counted = 0, None
            self.since, self.by = at, by
        return ended

    def end_shown(self, at: float, by: str, shown_alarm: ShownAlarm) -> AcknowledgedFevers:
        """Acknowledge the gate's own fevers that `shown_alarm` included; later ones stay red.

        Of more than `MAX_WAITING` fevers, nobody knows which counted ones had been shown. So the
        counted ones and one held fever stay red until a press whose `shown_alarm` is the present
        state.
        """
        if _shown_now(self.state(), shown_alarm) == shown_alarm:
            return self.end(at, by)
        last = self.waiting.get(shown_alarm.last) if shown_alarm.last else None
        counted = (
            self.more and shown_alarm.since == self.since and shown_alarm.fevers > len(self.waiting)
        )
        ended = [
            identity
            for identity, fever in self.waiting.items()
            if (fever.rank <= last.rank if last else counted)
        ]
        if len(ended) == len(self.waiting):
            if not self.more:
                return self.end(at, by)
            ended.pop()  # a gate is red only while it holds at least one fever
        for identity in ended:
            del self.waiting[identity]
        if ended:
            self.since = next(iter(self.waiting.values())).raised_at
        return AcknowledgedFevers(tuple(ended))

    @property
    def newest(self) -> Waiting:
        """The fever that came last. Requires at least one unacknowledged fever."""
        newest = next(reversed(self.waiting.values()))
        return max(newest, self._counted or newest, key=_rank)

    @property
    def red(self) -> bool:
        return any(gate.waiting for gate in self.group)

    def shine(self) -> None:
        """Show the state on the gate's lamps and on the lamps of the gate that watches it."""
        if self.testing and not self.red:
            self.lights.show(red=self.testing == "red", amber=self.testing in ("amber", "sound"))
        else:
            amber = any(gate.troubles for gate in self.group)
            self.lights.show(red=self.red, amber=amber)
        if self.watcher:
            self.watcher.shine()

    def sound(self, *, anew: bool = False) -> None:
        """Buzz while the lamps are red or the buzzer is tested. With `anew`, switches the buzzer
        even if its state has not changed."""
        sounds = self.red or self.testing == "sound"
        if anew or sounds != self._sounds:
            self.lights.buzz(sounds)
        self._sounds = sounds
        if self.watcher:
            self.watcher.sound()

    def state(self) -> AlarmState:
        """The gate's own alarm."""
        return _state(self.name, (self,))

    def shown(self) -> AlarmState:
        """What the gate's lamps show, as one alarm of the gate and the doors that it watches.

        Red and amber are what its lamps on pins show; `since` is the beginning of the oldest alarm,
        `fevers` the number of all fevers, `last` the newest fever."""
        return _state(self.name, self.group)

    def shows(self, alarm: ShownAlarm) -> bool:
        """Whether the lamps show just this alarm now."""
        return alarm == _shown_now(self.shown(), alarm)


def _shown_now(now: AlarmState, alarm: ShownAlarm) -> ShownAlarm:
    """Return the present alarm in a form comparable with `alarm`: without the newest fever if
    `alarm` has none."""
    newest = now.last if alarm.last else None
    last = Identity(newest.kiosk, newest.boot, newest.seq) if newest else None
    return ShownAlarm(now.since, now.fevers, last)


def _state(name: str, gates: Iterable[GateState]) -> AlarmState:
    gates = list(gates)
    red = [gate for gate in gates if gate.waiting]
    first = min(red, key=_since) if red else max(gates, key=_since)
    newest = max((gate.newest for gate in red), key=_rank, default=None)
    troubles = sorted(
        (source not in FIRST_TROUBLES, text)
        for gate in gates
        for source, text in gate.troubles.items()
    )
    return AlarmState(
        gate=name,
        state="raised" if red else "clear",
        since=first.since,
        fevers=sum(len(gate.waiting) + gate.more for gate in red),
        last=newest and newest.seen,
        amber=tuple(text for _, text in troubles[:MAX_TROUBLES]),
        by=first.by,
    )


def _since(gate: GateState) -> float:
    return gate.since


def _rank(fever: Waiting) -> tuple[int, int]:
    return fever.rank
