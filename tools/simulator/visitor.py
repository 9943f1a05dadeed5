"""Simulates one person at the kiosk, who steps in, sways a little, reacts to the lamp and leaves.

Times are milliseconds of the crowd's clock.
"""

import enum
import math
import random
from dataclasses import dataclass

from fevergate.evaluation.people_file import Person

AMBER = "amber"
NO_ANSWER = "none"


@dataclass(frozen=True)
class Habits:
    """How people move. `sway`: largest share of the sensor's view that a moving head does not
    fill."""

    approach_ms: float = 400
    patience_ms: float = 6000
    react_ms: tuple[float, float] = (300, 800)
    leave_ms: float = 300
    step_back_ms: float = 1000
    gap_ms: float = 700
    tries: int = 3
    rounds_ms: float = 1200
    sway: float = 0.01
    flutter_c: float = 0.03


@dataclass(frozen=True)
class Visit:
    """Result of one visit. `colours`: the lamp's colour at each try, "none" if it stayed dark.

    Times are simulated milliseconds of the board's world, across its restarts. `tapped`: the
    cards held to the reader, each number with its time, in order.
    """

    person: Person
    colours: tuple[str, ...]
    arrived_ms: float
    answered_ms: tuple[float | None, ...]
    left_ms: float
    tapped: tuple[tuple[int, float], ...] = ()

    @property
    def subject(self) -> str:
        """The person's identifier."""
        return self.person.subject

    @property
    def tries(self) -> int:
        """Number of times that the person stepped in."""
        return len(self.colours)

    @property
    def answer(self) -> str:
        """The last colour."""
        return self.colours[-1]


class _Phase(enum.Enum):
    APPROACH = enum.auto()
    DWELL = enum.auto()
    REACT = enum.auto()
    STEP_BACK = enum.auto()
    LEAVE = enum.auto()
    GONE = enum.auto()


class Visitor:
    """A person as a state machine over time; call `advance` before the other methods."""

    def __init__(
        self, person: Person, arrives_ms: float, habits: Habits, chance: random.Random
    ) -> None:
        self.person = person
        self.arrived_ms = arrives_ms
        self.colours: list[str] = []
        self.answered_ms: list[float | None] = []
        self._habits = habits
        self._chance = chance
        self._sway_turns = chance.random()
        self._flutter_turns = chance.random()
        self._step_in(arrives_ms)

    @property
    def gone(self) -> bool:
        """Whether the person has left."""
        return self._phase is _Phase.GONE

    @property
    def left_ms(self) -> float:
        """When the person left; valid once gone."""
        return self._until_ms

    def advance(self, now_ms: float) -> None:
        """Move the person up to `now_ms`."""
        while not self.gone and now_ms >= self._until_ms:
            self._next(self._until_ms)

    def see(self, colour: str, now_ms: float) -> bool:
        """Let the person see a lamp that has just gone on; returns whether the person was waiting
        for an answer, since only then it counts."""
        if self._phase not in (_Phase.APPROACH, _Phase.DWELL):
            return False
        self.colours.append(colour)
        self.answered_ms.append(now_ms)
        self._enter(_Phase.REACT, now_ms, self._chance.uniform(*self._habits.react_ms))
        return True

    def fill(self, now_ms: float) -> float:
        """Share of the sensor's view that is skin."""
        for_ms = now_ms - self._since_ms
        if self._phase is _Phase.GONE:
            return 0.0
        if self._phase in (_Phase.LEAVE, _Phase.STEP_BACK):
            return max(0.0, 1.0 - for_ms / self._habits.leave_ms) * self._still(now_ms)
        entering = min(1.0, (now_ms - self._stepped_in_ms) / self._habits.approach_ms)
        return max(0.0, entering) * self._still(now_ms)

    def skin_c(self, now_ms: float) -> float:
        """Skin temperature (°C), interpolated between the person's measured rounds."""
        rounds_c = self.person.rounds_c
        share = (now_ms - self._stepped_in_ms) / self._habits.rounds_ms
        place = max(0.0, min(1.0, share)) * (len(rounds_c) - 1)
        index = min(int(place), max(0, len(rounds_c) - 2))
        part = place - index
        skin_c = rounds_c[index]
        if part:
            skin_c += part * (rounds_c[index + 1] - skin_c)
        turns = now_ms / 430 + self._flutter_turns
        return skin_c + self._habits.flutter_c * math.sin(2 * math.pi * turns)

    def _still(self, now_ms: float) -> float:
        turns = now_ms / 700 + self._sway_turns
        return 1.0 - self._habits.sway * (0.5 + 0.5 * math.sin(2 * math.pi * turns))

    def _step_in(self, now_ms: float) -> None:
        self._stepped_in_ms = now_ms
        self._enter(_Phase.APPROACH, now_ms, self._habits.approach_ms)

    def _enter(self, phase: _Phase, now_ms: float, for_ms: float) -> None:
        self._phase = phase
        self._since_ms = now_ms
        self._until_ms = now_ms + for_ms

    def _next(self, now_ms: float) -> None:
        habits = self._habits
        if self._phase is _Phase.APPROACH:
            patience_ms = max(0.0, habits.patience_ms - habits.approach_ms)
            self._enter(_Phase.DWELL, now_ms, patience_ms)
        elif self._phase is _Phase.DWELL:
            self.colours.append(NO_ANSWER)
            self.answered_ms.append(None)
            self._enter(_Phase.LEAVE, now_ms, habits.leave_ms)
        elif self._phase is _Phase.REACT:
            if self.colours[-1] == AMBER and len(self.colours) < habits.tries:
                self._enter(_Phase.STEP_BACK, now_ms, habits.step_back_ms)
            else:
                self._enter(_Phase.LEAVE, now_ms, habits.leave_ms)
        elif self._phase is _Phase.STEP_BACK:
            self._step_in(now_ms)
        else:
            self._enter(_Phase.GONE, now_ms, 0)
