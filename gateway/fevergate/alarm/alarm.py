"""State of every gate's alarm: red from a fever until a guard acknowledges it, amber for trouble.

It decides only, and drives the lamps through the `Lights` protocol: it uses no store, broker or web
page. Thread-safe; no disk or socket is used while its lock is held.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import NamedTuple, Protocol

from fevergate.alarm.seen_fevers import SeenFevers
from fevergate.protocol.alarm_messages import AlarmState, FeverSeen
from fevergate.protocol.lamp_answer import TEST
from fevergate.protocol.messages import MAX_LINE, Identity, Reading

MAX_WAITING = 1000
"""Unacknowledged fevers that a gate holds one by one. Further ones are only counted, so that a
faulty kiosk cannot fill the memory."""

FIRST_TROUBLES = ("lamps", "test", "unrecorded")
"""Sources of trouble that are announced before all others."""

MAX_TROUBLES = 8
"""Troubles named in one announcement."""


class AcknowledgedFevers(NamedTuple):
    """Fevers that one acknowledgement covers: each by its identity, and how many more the gate had
    only counted."""

    fevers: tuple[Identity, ...] = ()
    more: int = 0


class ShownAlarm(NamedTuple):
    """What a lamp post showed when its button was pressed: `since`, `fevers` and the newest fever
    of its gate's `AlarmState`."""

    since: float
    fevers: int
    last: Identity | None = None


class Lights(Protocol):
    """Lamps and buzzer of a gate; each call returns at once."""

    def show(self, *, red: bool, amber: bool) -> None:
        """Switch red and amber on or off; green is on when both are off."""
        ...

    def buzz(self, on: bool) -> None:
        """Start or stop the buzzer's alarm pattern."""
        ...


class GateState:
    """One gate's fevers, troubles, lamp test; its lamps show those of gates that it `watches`."""

    def __init__(self, name: str, lights: Lights, since: float) -> None:
        self.watches: list[GateState] = []
        self.watcher: GateState | None = None
        self._sounds = False
        self.name = name
        self.lights = lights
        self.waiting: dict[Identity, FeverSeen] = {}
        self.more = 0
        self.troubles: dict[str, str] = {}
        self.since = since
        self.by = ""
        self.testing: str | None = None

    def wait_for(self, identity: Identity, seen: FeverSeen) -> None:
        if len(self.waiting) < MAX_WAITING:
            self.waiting[identity] = seen
        else:
            self.more += 1

    @property
    def red(self) -> bool:
        return any(gate.waiting for gate in (self, *self.watches))

    def shine(self) -> None:
        """Show the state on the gate's lamps, and on those of the gate that watches it."""
        if self.testing and not self.red:
            self.lights.show(red=self.testing == "red", amber=self.testing in ("amber", "sound"))
        else:
            amber = any(gate.troubles for gate in (self, *self.watches))
            self.lights.show(red=self.red, amber=amber)
        if self.watcher:
            self.watcher.shine()

    def sound(self, *, anew: bool = False) -> None:
        """Buzz where the lamps are red; `anew`: whatever the buzzer was told before."""
        sounds = self.red or self.testing == "sound"
        if anew or sounds != self._sounds:
            self.lights.buzz(sounds)
        self._sounds = sounds
        if self.watcher:
            self.watcher.sound()

    def shown(self, like: ShownAlarm) -> ShownAlarm:
        """The present alarm, with its newest fever where `like` has one."""
        last = next(reversed(self.waiting), None) if like.last else None
        return ShownAlarm(self.since, len(self.waiting) + self.more, last)

    def state(self) -> AlarmState:
        last = next(reversed(self.waiting.values()), None)
        troubles = sorted(
            self.troubles.items(), key=lambda item: (item[0] not in FIRST_TROUBLES, item[1])
        )
        return AlarmState(
            gate=self.name,
            state="raised" if self.waiting else "clear",
            since=self.since,
            fevers=len(self.waiting) + self.more,
            last=last,
            amber=tuple(text for _, text in troubles[:MAX_TROUBLES]),
            by=self.by,
        )


class Alarm:
    """Alarm of all gates: red is latched until acknowledged; amber lasts as long as a trouble does.

    `watched_by`: for a gate without lamps, the gate whose lamps show its state beside their own.
    `announce` receives every new state, in the calling thread, after the lamps have changed.
    """

    def __init__(
        self,
        gates: Mapping[str, Lights],
        announce: Callable[[AlarmState], None],
        now: Callable[[], float] = time.time,
        watched_by: Mapping[str, str] | None = None,
    ) -> None:
        self._now = now
        self._announce = announce
        self._lock = Lock()
        self._gates = {name: GateState(name, lights, now()) for name, lights in gates.items()}
        for door, watcher in (watched_by or {}).items():
            self._gates[door].watcher = self._gates[watcher]
            self._gates[watcher].watches.append(self._gates[door])
        self._raised = SeenFevers()

    def restore(
        self, waiting: Iterable[tuple[str, Identity, float]], raised: Iterable[Identity]
    ) -> None:
        """Restore an earlier run's alarms.

        `waiting`: unacknowledged fevers as (gate, identity, Unix time in s at which each was
        raised); they are red again. `raised`: all fevers that were ever raised; they do not raise
        the alarm again, and one that waits here but not in `waiting` counts as acknowledged.
        Fevers that this run raised or acknowledged keep their state, so it may be called at any
        time, for instance when the store opens late.
        """
        left: dict[str, dict[Identity, float]] = {}
        unseen: set[Identity] = set()
        for name, identity, raised_at in waiting:
            name = name if name in self._gates else next(iter(self._gates))
            left.setdefault(name, {})[identity] = raised_at
            unseen.add(identity)
        with self._lock:
            for name, fevers in left.items():
                self._take_up(self._gates[name], fevers)
        for identity in raised:  # read from disk, so the lock is not held between two
            with self._lock:
                self._raised.add(identity)
                if identity not in unseen:
                    for gate in self._gates.values():
                        gate.waiting.pop(identity, None)
        with self._lock:
            for gate in self._gates.values():
                gate.shine()
                gate.sound(anew=True)

    def _take_up(self, gate: GateState, fevers: dict[Identity, float]) -> None:
        """Put an earlier run's fevers, with the times at which they were raised, before this
        run's."""
        waiting, gate.waiting = gate.waiting, {}
        unseen = {
            identity: raised_at
            for identity, raised_at in fevers.items()
            if identity in waiting or identity not in self._raised
        }
        if unseen:
            gate.since = min(*unseen.values(), gate.since if waiting else self._now())
        for identity in unseen:
            gate.wait_for(identity, waiting.pop(identity, FeverSeen(**identity._asdict())))
            self._raised.add(identity)
        for identity, seen in waiting.items():
            gate.wait_for(identity, seen)

    def fever(self, gate_name: str, reading: Reading) -> float | None:
        """Raise a gate's alarm for a fever; the red lamp is on when this returns.

        Returns the Unix time (s) at which it was raised, or None for a fever that was raised
        before: a redelivered reading must neither raise the alarm again nor undo an
        acknowledgement.
        """
        identity = reading.identity
        with self._lock:
            if identity in self._raised:
                return None
            gate = self._gates[gate_name]
            first = not gate.waiting
            self._end_test(gate)
            gate.wait_for(identity, FeverSeen(**identity._asdict(), body_c=reading.body_c))
            gate.shine()
            raised_at = self._now()
            gate.sound()
            if first:
                gate.since, gate.by = raised_at, ""
            self._raised.add(identity)
            state = gate.state()
        self._announce(state)
        return raised_at

    def acknowledge(
        self, gate_name: str, by: str, shown: ShownAlarm | None = None
    ) -> AcknowledgedFevers:
        """Acknowledge a gate's fevers, for the guard `by`; returns which they were.

        With `shown`, none where the alarm is not just that one any more: the press may have come
        long before its message, and nobody has seen later fevers.
        """
        with self._lock:
            gate = self._gates[gate_name]
            acknowledged = AcknowledgedFevers(tuple(gate.waiting), gate.more)
            if not acknowledged.fevers or (shown and shown != gate.shown(shown)):
                return AcknowledgedFevers()
            gate.waiting.clear()
            gate.more = 0
            gate.since, gate.by = self._now(), by
            gate.sound()
            gate.shine()
            state = gate.state()
        self._announce(state)
        return acknowledged

    def trouble(self, gate_name: str, source: str, text: str | None) -> None:
        """Set the trouble that `source` (a kiosk or a part of the gateway) has; None clears it."""
        text = text and text[:MAX_LINE]
        with self._lock:
            gate = self._gates[gate_name]
            if gate.troubles.get(source) == text:
                return
            if text is None:
                del gate.troubles[source]
            else:
                gate.troubles[source] = text
            gate.shine()
            state = gate.state()
        self._announce(state)

    def trouble_all(self, source: str, text: str | None) -> None:
        """Set or clear a trouble that the whole gateway has, at every gate."""
        for name in self._gates:
            self.trouble(name, source, text)

    def try_lamp(self, gate_name: str, lamp: str | None) -> bool:
        """Light one lamp (`red`, `amber`, `green`) of a gate, or `sound` its buzzer with amber;
        None ends the test.

        The test is announced as a trouble meanwhile. Returns False where the lamps are red, which
        no test may hide, or cannot be lit.
        """
        with self._lock:
            gate = self._gates[gate_name]
            free = not gate.red and "lamps" not in gate.troubles
            self._end_test(gate)
            if free and lamp:
                gate.testing = lamp
                gate.troubles["test"] = TEST + lamp
            gate.shine()
            gate.sound()
            state = gate.state()
        self._announce(state)
        return free

    @staticmethod
    def _end_test(gate: GateState) -> None:
        gate.testing = None
        gate.troubles.pop("test", None)

    def relight(self, gate_name: str, lights: Lights) -> None:
        """Give a gate lamps that could not be claimed before, and show its state on them."""
        with self._lock:
            gate = self._gates[gate_name]
            gate.lights = lights
            gate.shine()
            gate.sound(anew=True)
        self.trouble(gate_name, "lamps", None)

    def states(self) -> list[AlarmState]:
        """Return every gate's state."""
        with self._lock:
            return [gate.state() for gate in self._gates.values()]
