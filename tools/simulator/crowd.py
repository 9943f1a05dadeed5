"""Who comes next: people one after another, a gap between them, and doors that can be held.

Its clock stands still while the kiosk boots, for nobody walks up to a dark kiosk, and an
accelerated boot would take longer than anybody's patience.
"""

import random
import threading
from collections import deque
from collections.abc import Iterable

from fevergate.evaluation.people_file import Person
from simulator.physics import View
from simulator.population import ROOM_C
from simulator.visitor import Habits, Visit, Visitor

LEAD_IN_MS = 2000  # from the first reading to the first person: the kiosk sees its empty hall


class Crowd:
    """People in order. Not locked: its world calls it under the world's lock.

    `done` is set whenever nobody is left to come. Times given are the world's milliseconds.
    """

    def __init__(
        self, people: Iterable[Person] = (), seed: int = 0, habits: Habits | None = None
    ) -> None:
        self.visits: list[Visit] = []
        self.done = threading.Event()
        self._habits = habits or Habits()
        self._chance = random.Random(seed)  # noqa: S311
        self._waiting: deque[Person] = deque()
        self._visitor: Visitor | None = None
        self._next_ms: float = LEAD_IN_MS
        self._held = False
        self._room_c = ROOM_C
        # The crowd's clock is the world's less what it stood still; so far it stands.
        self._stood_ms = 0.0
        self._frozen_ms: float | None = 0.0
        self.admit(people)

    def admit(self, people: Iterable[Person]) -> None:
        """More people come."""
        self._waiting.extend(people)
        if self._waiting and self._visitor is None:
            self._room_c = self._waiting[0].ambient_c
        self._check_done()

    def hold(self) -> None:
        """Nobody else comes; who is in front stays until served."""
        self._held = True

    def release(self) -> None:
        """The next one comes after a gap."""
        self._held = False

    def freeze(self, now_ms: float) -> None:
        """Time stands still."""
        if self._frozen_ms is None:
            self.advance(now_ms)
            self._frozen_ms = now_ms

    def thaw(self, now_ms: float) -> None:
        """Time goes on."""
        if self._frozen_ms is not None:
            self._stood_ms += now_ms - self._frozen_ms
            self._frozen_ms = None

    def advance(self, now_ms: float) -> None:
        """Live up to now."""
        crowd_ms = self._clock(now_ms)
        while True:
            if self._visitor is None:
                if self._held:
                    self._next_ms = max(self._next_ms, crowd_ms + self._habits.gap_ms)
                if not self._waiting:
                    # Whoever is admitted later comes then, not at a time that has gone by.
                    self._next_ms = max(self._next_ms, crowd_ms)
                    return
                if crowd_ms < self._next_ms:
                    return
                person = self._waiting.popleft()
                self._room_c = person.ambient_c
                self._visitor = Visitor(person, self._next_ms, self._habits, self._chance)
            self._visitor.advance(crowd_ms)
            if not self._visitor.gone:
                return
            self._leave(self._visitor)

    def view(self, now_ms: float) -> View:
        """What the sensor sees: the wall, or skin before it."""
        self.advance(now_ms)
        crowd_ms = self._clock(now_ms)
        visitor = self._visitor
        if visitor is None:
            return View(self._room_c, self._room_c)
        return View(visitor.skin_c(crowd_ms), self._room_c, fill=visitor.fill(crowd_ms))

    def see(self, colour: str, now_ms: float) -> None:
        """A light went on."""
        self.advance(now_ms)
        if self._visitor is not None and self._frozen_ms is None:
            self._visitor.see(colour, self._clock(now_ms))

    def _clock(self, now_ms: float) -> float:
        return (now_ms if self._frozen_ms is None else self._frozen_ms) - self._stood_ms

    def _leave(self, visitor: Visitor) -> None:
        stood_ms = self._stood_ms
        self.visits.append(
            Visit(
                visitor.person,
                tuple(visitor.colours),
                visitor.arrived_ms + stood_ms,
                tuple(None if at is None else at + stood_ms for at in visitor.answered_ms),
                visitor.left_ms + stood_ms,
            )
        )
        self._visitor = None
        self._next_ms = visitor.left_ms + self._habits.gap_ms
        if self._waiting:
            self._room_c = self._waiting[0].ambient_c
        self._check_done()

    def _check_done(self) -> None:
        if self._waiting or self._visitor is not None:
            self.done.clear()
        else:
            self.done.set()
