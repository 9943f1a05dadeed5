"""Who tapped a card at a gate, for its guard: for a minute, or while the gate's alarm burns.

It is kept in memory alone, as numbers of the list; names are read when a guard's board asks.
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
"""How long a passer is shown after the tap."""

OLD_S = 60.0
"""A reading that comes later than this after it was taken is of somebody who has gone."""

MOST = 6
"""Passers of a gate that are kept and shown, the last ones; those with a fever beside them."""

MOST_FEVERS = 12
"""Passers with a fever of a gate that are kept for its alarm."""

_FEVER = Verdict.FEVER.value


class Passer(Struct, kw_only=True):
    """Somebody at a gate: `person` is a number of the list, negative for a visitor's entry, None
    for a card that is on no list; `permit` is what the list says, or `unknown`; `at` is a Unix time
    (s); `number` rises with each change."""

    number: int
    kiosk: str
    person: int | None
    permit: str
    at: float
    tapped_s: float
    verdict: str = ""


class Passers:
    """The passers of each gate. Taps come from the broker's thread, questions from others."""

    def __init__(
        self,
        settings: GatewaySettings,
        cards: Cards,
        now: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now`: Unix time (s); `clock`: s of a clock that never jumps."""
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
        """Note a tap that asks for a permit; whether a board shows it."""
        gate = self._gates.get(kiosk)
        if gate is None:
            return False
        holder = self._cards.of_tap(kiosk, tap)
        with self._lock:
            self._add(gate, kiosk, holder, self._now())
        return True

    def measured(self, reading: Reading) -> bool:
        """Note a reading with a card; whether a board shows it."""
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
                kept = self._fevers.setdefault(gate, deque(maxlen=MOST_FEVERS))
                kept.append(passer)
        return True

    def shown(self, gate: str, alarm: AlarmState | None) -> list[Passer]:
        """Who is shown at a gate with its alarm, the last one first."""
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
        """Who is shown on a gate's board, the last one first: its own passers, and those of the
        doors without a guard that it watches. `alarm_of` gives a gate's alarm."""
        rows = [row for each in self._seen_at[gate] for row in self.shown(each, alarm_of(each))]
        rows.sort(key=lambda row: -row.tapped_s)
        return [row for n, row in enumerate(rows) if n < MOST or row.verdict == _FEVER]

    def mark(self, gate: str, alarm_of: Callable[[str], AlarmState | None]) -> str:
        """A text that changes with what is shown on a gate's board; empty for nobody."""
        return " ".join(str(row.number) for row in self.on_board(gate, alarm_of))

    def _tap_of(self, gate: str, kiosk: str, person: int | None) -> Passer | None:
        """The tap to which a reading belongs: the last one at its kiosk, of the same person."""
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
