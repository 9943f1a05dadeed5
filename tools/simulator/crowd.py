"""The queue in front of a kiosk: one person after another, with a gap between them.

Its clock stops while the kiosk boots: nobody walks up to a dark kiosk, and on an accelerated board
the boot would last longer than a visitor's patience.
"""

import random
import threading
from collections import deque
from collections.abc import Iterable, Mapping

from fevergate.evaluation.people_file import Person
from simulator.card_reader import VirtualReader
from simulator.physics import View
from simulator.population import ROOM_C
from simulator.tapping import Tapping, Taps
from simulator.visitor import Habits, Visit, Visitor

LEAD_IN_MS = 2000  # from the sensor's first reading to the first person: an empty hall


class Crowd:
    """People in order; `done` is set while nobody is in front or waiting.

    Times in arguments are milliseconds of the world. Callers hold the world's lock.
    """

    def __init__(
        self,
        people: Iterable[Person] = (),
        seed: int = 0,
        habits: Habits | None = None,
        taps: Mapping[str, Taps] | None = None,
        reader: VirtualReader | None = None,
    ) -> None:
        """`taps`: cards that people hold to `reader`, by the person's identifier; other people have
        no card."""
        self.visits: list[Visit] = []
        self.done = threading.Event()
        self._habits = habits or Habits()
        self._chance = random.Random(seed)  # noqa: S311
        self._waiting: deque[Person] = deque()
        self._visitor: Visitor | None = None
        self._reader = reader
        self._taps = {} if taps is None else taps
        self._tapping: Tapping | None = None  # of the person in front, or else the next one
        self._next_ms: float = LEAD_IN_MS
        self._room_c = ROOM_C
        # The crowd's clock is the world's minus the time for which it was stopped. It is stopped at
        # the beginning.
        self._stood_ms = 0.0
        self._frozen_ms: float | None = 0.0
        self.admit(people)

    def admit(self, people: Iterable[Person]) -> None:
        """Append people to the queue."""
        self._waiting.extend(people)
        if self._waiting and self._visitor is None:
            self._room_c = self._waiting[0].ambient_c
        self._check_done()

    def freeze(self, now_ms: float) -> None:
        """Stop the crowd's clock."""
        if self._frozen_ms is None:
            self.advance(now_ms)
            self._frozen_ms = now_ms

    def thaw(self, now_ms: float) -> None:
        """Let the crowd's clock run."""
        if self._frozen_ms is not None:
            self._stood_ms += now_ms - self._frozen_ms
            self._frozen_ms = None

    def advance(self, now_ms: float) -> None:
        """Move people up to `now_ms`."""
        crowd_ms = self._clock(now_ms)
        while True:
            if self._visitor is None:
                if not self._waiting:
                    # People admitted later must not arrive in the past.
                    self._next_ms = max(self._next_ms, crowd_ms)
                    return
                if self._tapping is None:
                    taps = self._taps.get(self._waiting[0].subject, ())
                    self._tapping = Tapping(taps, self._hold)
                self._tapping.advance(min(crowd_ms, self._next_ms), self._next_ms)
                if crowd_ms < self._next_ms:
                    return
                person = self._waiting.popleft()
                self._room_c = person.ambient_c
                self._visitor = Visitor(person, self._next_ms, self._habits, self._chance)
            self._visitor.advance(crowd_ms)
            if self._tapping is not None:
                left_ms = self._visitor.left_ms if self._visitor.gone else crowd_ms
                self._tapping.advance(min(crowd_ms, left_ms), self._visitor.arrived_ms)
            if not self._visitor.gone:
                return
            self._leave(self._visitor)

    def view(self, now_ms: float) -> View:
        """The sensor's view: a wall at room temperature, or skin in front of it."""
        self.advance(now_ms)
        crowd_ms = self._clock(now_ms)
        visitor = self._visitor
        if visitor is None:
            return View(self._room_c, self._room_c)
        return View(visitor.skin_c(crowd_ms), self._room_c, fill=visitor.fill(crowd_ms))

    def see(self, colour: str, now_ms: float) -> None:
        """Let the person in front see a lamp that has just gone on."""
        self.advance(now_ms)
        if self._visitor is not None and self._frozen_ms is None:
            crowd_ms = self._clock(now_ms)
            if self._visitor.see(colour, crowd_ms) and self._tapping is not None:
                self._tapping.see(colour, crowd_ms)

    def _clock(self, now_ms: float) -> float:
        return (now_ms if self._frozen_ms is None else self._frozen_ms) - self._stood_ms

    def _hold(self, number: int, crowd_ms: float, held_ms: float) -> None:
        if self._reader is not None:
            self._reader.hold(number, crowd_ms + self._stood_ms, held_ms)

    def _leave(self, visitor: Visitor) -> None:
        stood_ms = self._stood_ms
        self.visits.append(
            Visit(
                visitor.person,
                tuple(visitor.colours),
                visitor.arrived_ms + stood_ms,
                tuple(None if at is None else at + stood_ms for at in visitor.answered_ms),
                visitor.left_ms + stood_ms,
                tuple((number, at_ms + stood_ms) for number, at_ms in self._tapping.done)
                if self._tapping
                else (),
            )
        )
        self._visitor = self._tapping = None
        self._next_ms = visitor.left_ms + self._habits.gap_ms
        if self._waiting:
            self._room_c = self._waiting[0].ambient_c
        self._check_done()

    def _check_done(self) -> None:
        if self._waiting or self._visitor is not None:
            self.done.clear()
        else:
            self.done.set()
