"""Shows a gate's guard who tapped a card there, for a minute; with a fever, while the gate's alarm
is raised.

People are kept only in memory, by their numbers in the list; names are read when a guard's board
asks.
"""

import time
from collections import deque
from collections.abc import Callable
from threading import Lock

from msgspec import Struct

from fevergate.gateway.cards import UNKNOWN, Cards
from fevergate.people.card_list import CardHolder
from fevergate.protocol.alarm_messages import AlarmState
from fevergate.protocol.messages import CardTapped, Reading, Verdict
from fevergate.settings.gateway import GatewaySettings

SHOWN_S = 60.0
"""A passer is shown for this time (s) after the tap."""

OLD_S = 60.0
"""A reading that arrives more than this (s) after it was taken belongs to somebody who has left."""

MOST = 6
"""This many of a gate's latest passers are kept and shown; passers with a fever are shown in
addition."""

MOST_FEVERS = 12
"""Most passers with a fever that are kept for a gate's alarm."""

_FEVER = Verdict.FEVER.value


class Passer(Struct, kw_only=True):
    """A person at a gate. `person`: number in the list, negative for a visitor's entry, None for a
    card on no list; `permit`: the list's permit, or `unknown`; `at`: Unix time (s); `number` rises
    with each change."""

    number: int
    kiosk: str
    person: int | None
    permit: str
    at: float
    tapped_s: float
    verdict: str = ""


class Passers:
    """The passers of each gate. Taps come from the broker's thread, reads from other threads."""

    def __init__(
        self,
        settings: GatewaySettings,
        cards: Cards,
        now: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now`: Unix time (s); `clock`: seconds of a clock that never jumps."""
        self._gates = {kiosk: gate.name for gate in settings.gates for kiosk in gate.kiosks}
        self._seen_at = {gate.name: [gate.name] for gate in settings.gates}
        for door, watcher in settings.watched_by.items():
            self._seen_at[watcher].append(door)
        self._cards = cards
        self._now = now
        self._clock = clock
        self._lock = Lock()
        self._count = 0
        self._last: dict[str, deque[Passer]] = {}
        self._fevers: dict[str, deque[Passer]] = {}

    def tapped(self, kiosk: str, tap: CardTapped) -> bool:
        """Take a tap that asks for a permit; return whether a board shows a change."""
        gate = self._gates.get(kiosk)
        if gate is None:
            return False
        holder = self._cards.of_tap(kiosk, tap)
        with self._lock:
            self._add(gate, kiosk, holder, self._now())
        return True

    def measured(self, reading: Reading) -> bool:
        """Take a reading, which counts if it has a card; return whether a board shows a change."""
        gate = self._gates.get(reading.kiosk)
        if gate is None or reading.who is None:
            return False
        now = self._now()
        at = now if reading.at is None else min(reading.at, now)
        fever = reading.verdict is Verdict.FEVER
        if not fever and now - at > OLD_S:
            return False
        holder = self._cards.of_reading(reading)
        person = holder.person if holder else None
        with self._lock:
            passer = self._tap_of(gate, reading.kiosk, person)
            if passer is None:
                passer = self._add(gate, reading.kiosk, holder, at)
            self._count += 1
            passer.number, passer.verdict = self._count, reading.verdict.value
            if fever:
                fevers = self._fevers.setdefault(gate, deque(maxlen=MOST_FEVERS))
                fevers.append(passer)
        return True

    def shown(self, gate: str, alarm: AlarmState | None) -> list[Passer]:
        """The passers to show at a gate with its alarm (None: unknown), the latest first."""
        burns = alarm is not None and alarm.state == "raised"
        with self._lock:
            fresh = [
                passer
                for passer in self._last.get(gate, ())
                if self._clock() - passer.tapped_s < SHOWN_S
            ]
            fevers = self._fevers.get(gate, deque())
            while fevers and not burns and self._clock() - fevers[0].tapped_s >= SHOWN_S:
                fevers.popleft()  # another alarm is not theirs
            burning = [
                passer
                for passer in fevers
                if burns and alarm and passer.at >= alarm.since - SHOWN_S and passer not in fresh
            ]
        return [*reversed(fresh), *reversed(burning)]

    def on_board(self, gate: str, alarm_of: Callable[[str], AlarmState | None]) -> list[Passer]:
        """The passers to show on a gate's board, the latest first: the gate's own, and those of the
        doors without a guard that it watches. `alarm_of` gives a gate's alarm."""
        rows = [row for kiosk in self._seen_at[gate] for row in self.shown(kiosk, alarm_of(kiosk))]
        rows.sort(key=lambda row: -row.tapped_s)
        return [row for n, row in enumerate(rows) if n < MOST or row.verdict == _FEVER]

    def mark(self, gate: str, alarm_of: Callable[[str], AlarmState | None]) -> str:
        """A text that changes with the passers shown on a gate's board; empty if there are none."""
        return " ".join(str(row.number) for row in self.on_board(gate, alarm_of))

    def _tap_of(self, gate: str, kiosk: str, person: int | None) -> Passer | None:
        """The tap to which a reading belongs: the latest at its kiosk, if recent and of the same
        person."""
        for passer in reversed(self._last.get(gate, ())):
            if passer.kiosk == kiosk:
                young = self._clock() - passer.tapped_s < SHOWN_S
                return passer if young and passer.person == person else None
        return None

    def _add(self, gate: str, kiosk: str, holder: CardHolder | None, at: float) -> Passer:
        self._count += 1
        passer = Passer(
            number=self._count,
            kiosk=kiosk,
            person=holder.person if holder else None,
            permit=holder.permit if holder else UNKNOWN,
            at=at,
            tapped_s=self._clock(),
        )
        self._last.setdefault(gate, deque(maxlen=MOST)).append(passer)
        return passer
