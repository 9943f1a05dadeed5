"""Who is too warm at which gate, until a guard says that it is seen to.

Pure decisions over lights that it is given: it knows neither store nor broker nor web. Calls
come from several threads; nothing under its lock touches a disk or a socket.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from threading import Lock
from typing import NamedTuple, Protocol

from fevergate.alarm.seen_fevers import KnownFevers
from fevergate.protocol.lamp_answer import TEST
from fevergate.protocol.messages import AlarmState, FeverSeen, Identity, Reading

MOST_WAITING = 1000
"""Fevers that a gate remembers one by one until they are seen to; the others are only counted, so
that a kiosk gone mad cannot fill the memory."""


FIRST = ("lamps", "test", "unrecorded")
"""What of a gate's troubles is always said, however many there are."""


class Seen(NamedTuple):
    """What a guard saw to: these fevers, and so many more of the gate that were only counted."""

    fevers: tuple[Identity, ...] = ()
    more: int = 0


class Lights(Protocol):
    """What a gate's lamps and buzzer must be able to do; each call returns at once."""

    def show(self, *, red: bool, amber: bool) -> None:
        """Light the lamps: red and amber as told, green where neither."""
        ...

    def buzz(self, on: bool) -> None:
        """Sound the alarm's pattern, or be silent."""
        ...


class Gate:
    """One gate's state."""

    def __init__(self, name: str, lights: Lights, since: float) -> None:
        self.name = name
        self.lights = lights
        self.waiting: dict[Identity, FeverSeen] = {}
        self.more = 0
        self.troubles: dict[str, str] = {}
        self.since = since
        self.by = ""
        self.testing: str | None = None

    def wait_for(self, identity: Identity, seen: FeverSeen) -> None:
        if len(self.waiting) < MOST_WAITING:
            self.waiting[identity] = seen
        else:
            self.more += 1

    def shine(self) -> None:
        if self.testing and not self.waiting:
            self.lights.show(red=self.testing == "red", amber=self.testing in ("amber", "sound"))
            return
        self.lights.show(red=bool(self.waiting), amber=bool(self.troubles))

    def state(self) -> AlarmState:
        last = next(reversed(self.waiting.values()), None)
        troubles = sorted(self.troubles.items(), key=lambda pair: (pair[0] not in FIRST, pair[1]))
        return AlarmState(
            gate=self.name,
            state="raised" if self.waiting else "clear",
            since=self.since,
            fevers=len(self.waiting) + self.more,
            last=last,
            amber=tuple(what for _, what in troubles[:8]),
            by=self.by,
        )


class Alarm:
    """Red light first, latched until acknowledged; amber while somebody does not watch.

    `announce` is told every new state (from the calling thread, after the lights).
    """

    def __init__(
        self,
        gates: dict[str, Lights],
        announce: Callable[[AlarmState], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self._announce = announce
        self._lock = Lock()
        self._gates = {name: Gate(name, lights, now()) for name, lights in gates.items()}
        self._known = KnownFevers()

    def restore(
        self, waiting: Iterable[tuple[str, Identity, float]], known: Iterable[Identity]
    ) -> None:
        """Take up what the last run left: unacknowledged fevers stay red, old ones stay quiet.

        Also in the midst of work, when what was left can be read only then: what this run raised
        or a guard saw to stays as it is, and what a guard saw to before goes out.
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
        for identity in known:  # read from a disk, so not under the lock
            with self._lock:
                self._known.add(identity)
                if identity not in unseen:
                    for gate in self._gates.values():
                        gate.waiting.pop(identity, None)
        with self._lock:
            for gate in self._gates.values():
                gate.shine()
                gate.lights.buzz(bool(gate.waiting))

    def _take_up(self, gate: Gate, fevers: dict[Identity, float]) -> None:
        """Let a gate wait for these, too, with when each was raised, before what it waits for."""
        waiting, gate.waiting = gate.waiting, {}
        unseen = {
            identity: raised_at
            for identity, raised_at in fevers.items()
            if identity in waiting or identity not in self._known
        }
        if unseen:
            gate.since = min(*unseen.values(), gate.since if waiting else self._now())
        for identity in unseen:
            gate.wait_for(identity, waiting.pop(identity, FeverSeen(**identity._asdict())))
            self._known.add(identity)
        for identity, seen in waiting.items():
            gate.wait_for(identity, seen)

    def fever(self, gate_name: str, reading: Reading) -> float | None:
        """Raise a gate's alarm for a fever; the light is on when this returns.

        Returns since when (UTC s) the light tells of it, or None for a repeat of a fever that
        was raised before: a redelivery must neither cry wolf nor undo an acknowledgement.
        """
        identity = reading.identity
        with self._lock:
            if identity in self._known:
                return None
            gate = self._gates[gate_name]
            first = not gate.waiting
            self._end_test(gate)
            gate.wait_for(identity, FeverSeen(**identity._asdict(), body_c=reading.body_c))
            gate.shine()
            raised_at = self._now()
            if first:
                gate.lights.buzz(True)
                gate.since, gate.by = raised_at, ""
            self._known.add(identity)
            state = gate.state()
        self._announce(state)
        return raised_at

    def acknowledge(self, gate_name: str, by: str) -> Seen:
        """A guard saw to everything that the gate's red light told of; returns what that was."""
        with self._lock:
            gate = self._gates[gate_name]
            seen = Seen(tuple(gate.waiting), gate.more)
            if not seen.fevers:
                return seen
            gate.waiting.clear()
            gate.more = 0
            for identity in seen.fevers:  # one that was only announced may come yet
                self._known.add(identity)
            gate.since, gate.by = self._now(), by
            gate.lights.buzz(False)
            gate.shine()
            state = gate.state()
        self._announce(state)
        return seen

    def trouble(self, gate_name: str, who: str, what: str | None) -> None:
        """Say what keeps `who` from watching, or None when it watches again."""
        with self._lock:
            gate = self._gates[gate_name]
            if gate.troubles.get(who) == what:
                return
            if what is None:
                del gate.troubles[who]
            else:
                gate.troubles[who] = what
            gate.shine()
            state = gate.state()
        self._announce(state)

    def try_lamp(self, gate_name: str, what: str | None) -> bool:
        """Light one lamp of a gate alone, or `sound` with amber; None ends it. The gate is amber
        meanwhile, and says that it is a test. False where it is red, which no test may hide, or
        its lamps cannot be lit."""
        with self._lock:
            gate = self._gates[gate_name]
            free = not gate.waiting and "lamps" not in gate.troubles
            self._end_test(gate)
            if free and what:
                gate.testing = what
                gate.troubles["test"] = TEST + what
            gate.shine()
            gate.lights.buzz(bool(gate.waiting) or gate.testing == "sound")
            state = gate.state()
        self._announce(state)
        return free

    @staticmethod
    def _end_test(gate: Gate) -> None:
        gate.testing = None
        gate.troubles.pop("test", None)

    def relight(self, gate_name: str, lights: Lights) -> None:
        """Show a gate's state on lamps that it did not have until now."""
        with self._lock:
            gate = self._gates[gate_name]
            gate.lights = lights
            gate.shine()
            gate.lights.buzz(bool(gate.waiting))
        self.trouble(gate_name, "lamps", None)

    def states(self) -> list[AlarmState]:
        """Every gate's state, to be announced again after a broken connection."""
        with self._lock:
            return [gate.state() for gate in self._gates.values()]
