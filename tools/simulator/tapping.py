"""How people hold cards to the reader: when, which card, and how often.

Times are milliseconds of the crowd's clock.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

BEFORE_MS = -500.0
DURING_MS = 600.0
AGAIN_MS = 1600.0
"""Times at which a card is held up, counted from stepping in: before, during the scan, at its
end."""

HELD_MS = 300.0


@dataclass(frozen=True)
class Tap:
    """One card or pass held to the reader.

    `after_ms`: time from stepping in, negative before it. `asked`: `after_ms` counts from the first
    amber that the person sees instead; without amber the card is never held up.
    """

    number: int
    after_ms: float = BEFORE_MS
    held_ms: float = HELD_MS
    asked: bool = False


Taps = Sequence[Tap]


def before(number: int) -> Taps:
    """Taps of a person who taps a card before looking into the sensor."""
    return (Tap(number),)


def during(number: int) -> Taps:
    """Taps of a person who finds the card during the scan."""
    return (Tap(number, DURING_MS),)


def late(number: int) -> Taps:
    """Taps of a person who taps only when amber asks for it."""
    return (Tap(number, 0.0, asked=True),)


def twice(number: int) -> Taps:
    """Taps of a person who taps again, not sure that the card was read."""
    return (Tap(number), Tap(number, AGAIN_MS))


def anothers_first(another: int, number: int) -> Taps:
    """Taps of a person who takes somebody else's card by mistake, and then their own."""
    return (Tap(another), Tap(number, DURING_MS))


class Tapping:
    """The taps of one person; `hold(number, crowd_ms, held_ms)` is called for each when it is due.
    `done`: number and time of each tap so far."""

    def __init__(self, taps: Taps, hold: Callable[[int, float, float], None]) -> None:
        self.done: list[tuple[int, float]] = []
        self._hold = hold
        self._waiting = [tap for tap in taps if not tap.asked]
        self._asked = [tap for tap in taps if tap.asked]
        self._from_ms: float | None = None

    def advance(self, now_ms: float, stepped_in_ms: float) -> None:
        """Hold up each card that is due by `now_ms`, at the time when it was due."""
        self._due(self._waiting, now_ms, stepped_in_ms)
        if self._from_ms is not None:
            self._due(self._asked, now_ms, self._from_ms)

    def see(self, colour: str, now_ms: float) -> None:
        """Let the person see a lamp that has just gone on."""
        if colour == "amber" and self._from_ms is None:
            self._from_ms = now_ms

    def _due(self, taps: list[Tap], now_ms: float, from_ms: float) -> None:
        for tap in [tap for tap in taps if from_ms + tap.after_ms <= now_ms]:
            taps.remove(tap)
            self.done.append((tap.number, from_ms + tap.after_ms))
            self._hold(*self.done[-1], tap.held_ms)
