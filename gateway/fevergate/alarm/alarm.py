"""State of every gate's alarm: red from a fever until a guard acknowledges it, amber for trouble.

It decides only, and drives the lamps through the `Lights` protocol: it uses no store, broker or web
page. Thread-safe; no disk or socket is used while its lock is held.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from threading import Lock, RLock

from fevergate.alarm.gate_state import AcknowledgedFevers, GateState, Lights, ShownAlarm, Waiting
from fevergate.alarm.seen_fevers import SeenFevers
from fevergate.protocol.alarm_messages import AlarmState, FeverSeen
from fevergate.protocol.lamp_answer import TEST
from fevergate.protocol.messages import MAX_LINE, Identity, Reading


class Alarm:
    """Alarm of all gates: red is latched until acknowledged; amber lasts as long as a trouble does.

    `watched_by`: for a gate without lamps, the gate whose lamps show its state beside their own.
    After the lamps have changed, the calling thread calls `show`, then `announce`. `announce`
    receives every new state of a gate. `show` receives what a gate in `posts` must display: the
    gate's alarm together with the alarms of the doors that it watches. The last state that each
    receives is always the present one.
    """

    def __init__(
        self,
        gates: Mapping[str, Lights],
        announce: Callable[[AlarmState], None],
        now: Callable[[], float] = time.time,
        watched_by: Mapping[str, str] | None = None,
        posts: Collection[str] = (),
        show: Callable[[AlarmState], None] = lambda _: None,
    ) -> None:
        self._now = now
        self._announce = announce
        self._posts = frozenset(posts)
        self._show = show
        self._lock = Lock()
        self._telling = RLock()
        """Held while states are announced, so that an older state never follows a newer one."""
        self._restored = self._raised_now = 0
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
        raised), the oldest first; they are red again. `raised`: all fevers that were ever raised;
        they do not raise the alarm again. A fever that is unacknowledged here, in `raised` and not
        in `waiting` counts as acknowledged.
        Fevers that this run raised or acknowledged keep their state, so this may be called at any
        time, for instance when the store opens late.
        """
        left: dict[str, dict[Identity, Waiting]] = {}
        unseen: set[Identity] = set()
        self._restored -= 1  # fevers of a later call are ranked before those of earlier calls
        for number, (name, identity, raised_at) in enumerate(waiting):
            name = name if name in self._gates else next(iter(self._gates))
            fever_seen = FeverSeen(**identity._asdict())
            left.setdefault(name, {})[identity] = Waiting(
                (self._restored, number), fever_seen, raised_at
            )
            unseen.add(identity)
        with self._lock:
            for name, fevers in left.items():
                self._take_up(self._gates[name], fevers)
        for identity in raised:  # read from disk, so the lock is released between two
            with self._lock:
                self._raised.add(identity)
                if identity not in unseen:
                    for gate in self._gates.values():
                        gate.waiting.pop(identity, None)
        with self._lock:
            for gate in self._gates.values():
                gate.shine()
                gate.sound()

    def _take_up(self, gate: GateState, fevers: dict[Identity, Waiting]) -> None:
        """Insert an earlier run's fevers before the fevers of this run."""
        waiting, gate.waiting = gate.waiting, {}
        unseen = {
            identity: fever
            for identity, fever in fevers.items()
            if identity in waiting or identity not in self._raised
        }
        if unseen:
            raised_at = [fever.raised_at for fever in unseen.values()]
            gate.since = min(*raised_at, gate.since if waiting else self._now())
        for identity, fever in unseen.items():
            waiting_fever = waiting.pop(identity, fever)
            gate.wait_for(identity, waiting_fever._replace(rank=fever.rank))
            self._raised.add(identity)
        for identity, fever in waiting.items():
            gate.wait_for(identity, fever)

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
            fever_seen = FeverSeen(**identity._asdict(), body_c=reading.body_c)
            self._raised_now += 1
            raised_at = self._now()
            gate.wait_for(identity, Waiting((0, self._raised_now), fever_seen, raised_at))
            gate.shine()
            gate.sound()
            if first:
                gate.since, gate.by = raised_at, ""
            self._raised.add(identity)
        self._tell(gate)
        return raised_at

    def acknowledge(
        self, gate_name: str, by: str, shown_alarm: ShownAlarm | None = None
    ) -> AcknowledgedFevers:
        """Acknowledge a gate's own fevers for the guard `by`; returns the acknowledged fevers.

        With `shown_alarm`, acknowledges only the fevers in it: a fever that came later stays red.
        """
        end = (
            partial(GateState.end_shown, shown_alarm=shown_alarm) if shown_alarm else GateState.end
        )
        return self._end([self._gates[gate_name]], by, end=end).get(gate_name, AcknowledgedFevers())

    def press(
        self, gate_name: str, by: str, shown_alarm: ShownAlarm | None = None
    ) -> dict[str, AcknowledgedFevers]:
        """Acknowledge all fevers that a gate's lamps show, as its button does: the gate's own and
        those of the doors that it watches. Returns the acknowledged fevers by gate.

        With `shown_alarm`, acknowledges nothing if the lamps now show another alarm: the message
        may arrive long after the press, and nobody has seen later fevers.
        """
        gate = self._gates[gate_name]
        return self._end(gate.group, by, lambda: not shown_alarm or gate.shows(shown_alarm))

    def _end(
        self,
        gates: Sequence[GateState],
        by: str,
        is_meant: Callable[[], bool] = lambda: True,
        end: Callable[[GateState, float, str], AcknowledgedFevers] = GateState.end,
    ) -> dict[str, AcknowledgedFevers]:
        with self._lock:
            if not is_meant():
                return {}
            now = self._now()
            ended = [(gate, fevers) for gate in gates if (fevers := end(gate, now, by)).fevers]
            for gate, _ in ended:
                gate.sound()
                gate.shine()
        self._tell(*(gate for gate, _ in ended))
        return {gate.name: fevers for gate, fevers in ended}

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
        self._tell(gate)

    def trouble_all(self, source: str, text: str | None) -> None:
        """Set or clear a trouble that the whole gateway has, at every gate."""
        for name in self._gates:
            self.trouble(name, source, text)

    def try_lamp(self, gate_name: str, lamp: str | None) -> bool:
        """Light one lamp (`red`, `amber`, `green`) of a gate, or `sound` its buzzer with amber;
        None ends the test.

        During the test, the gate announces it as a trouble. Returns False if the lamps are red,
        which no test may hide, or if they cannot be lit.
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
        self._tell(gate)
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
        """Return every gate's own state."""
        with self._lock:
            return [gate.state() for gate in self._gates.values()]

    def tell_all(self) -> None:
        """Send every gate's state again to `announce` and, for gates with posts, to `show`."""
        self._tell(*self._gates.values())

    def _tell(self, *gates: GateState) -> None:
        """Send the present state of some gates, first to the lamp posts that show it."""
        lit = dict.fromkeys(
            lamps
            for gate in gates
            for lamps in (gate, gate.watcher)
            if lamps and lamps.name in self._posts
        )
        calls = [(self._show, gate.shown) for gate in lit]
        calls += [(self._announce, gate.state) for gate in gates]
        with self._telling:
            for tell, present in calls:
                with self._lock:
                    state = present()
                tell(state)
