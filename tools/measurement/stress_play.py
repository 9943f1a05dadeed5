"""One play of a scenario: a crowd of measured people, drawn by a seed, and how each was judged."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fevergate.evaluation.people_file import Person
from measurement.stress_gate import Gate, People, Shift, Tally, Visitor

FEVER_SHARE = 0.05
"""Share of fevers among the visitors counted: more than at a gate, so that there are enough to
count. A fever changes the kiosk's baseline only if it is let through."""

SKIN_PER_ROOM_C = {"canthus": 0.10, "face_max": 0.05, "forehead": 0.20}
"""Rise of healthy skin per °C of the room, measured by Wang et al. 2023; the firmware has its own
figures."""


@dataclass
class Play:
    """One scenario at one site with one seed."""

    site: str
    people: People
    rng: random.Random
    folder: Path
    tally: Tally = field(default_factory=Tally)
    reported: list[float | None] = field(default_factory=list)

    def gate(self) -> Gate:
        """A new kiosk that has never seen anybody."""
        return Gate(self.site, self.rng, self.folder)

    def person(
        self, people: list[Person], shift: Shift | float = 0.0, room_c: float = 0.0, **habits: Any
    ) -> Visitor:
        """One of `people`, with skin shifted by `shift` (°C) in a room `room_c` warmer."""
        person = self.rng.choice(people)
        warmer_c = SKIN_PER_ROOM_C[self.site] * room_c
        moved = shift if callable(shift) else lambda _: shift
        return Visitor(
            person.rounds_c,
            person.ambient_c + room_c,
            person.oral_c or 0.0,
            (lambda seconds: moved(seconds) + warmer_c),
            **habits,
        )

    def crowd(
        self,
        count: int,
        shift: Shift | float = 0.0,
        fever_share: float = FEVER_SHARE,
        shift_of: Callable[[], Shift | float] | None = None,
        **changes: Any,
    ) -> Iterator[Visitor]:
        """Yield `count` people, fevers among them. `shift_of` draws a new shift for each person."""
        for _ in range(count):
            people = self.people.ill if self.rng.random() < fever_share else self.people.crowd
            yield self.person(people, shift_of() if shift_of else shift, **changes)

    def settled(self, count: int = 120, **changes: Any) -> Gate:
        """A kiosk after a crowd of `count` people without fevers, who are not counted."""
        gate = self.gate()
        gate.queue(self.crowd(count, fever_share=0.0, counted=False, **changes))
        return gate

    @contextmanager
    def counted(self, gate: Gate | None = None, *, drift: bool = False) -> Iterator[Gate]:
        """A kiosk whose visitors are counted after the block; by default a settled one.

        `drift`: also record the days from the block's begin until it reports a drift."""
        gate = gate or self.settled()
        if drift:
            gate.watch_drift()
        yield gate
        self.count(gate)
        if drift:
            self.reported.append(gate.reported_after_days)

    def count(self, gate: Gate) -> None:
        """Wait until the last alarm can have come, then count a kiosk's visitors."""
        gate.wait(10)
        self.tally.add(gate.seen)
        gate.seen = []
