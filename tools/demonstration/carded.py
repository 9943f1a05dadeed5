"""Plays people with cards at one gate, and the same people without cards at the other gate.

The list of people is imported at the campus server, and the gateway copies it from there. People
come only once the gateway answers a tapped card.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any

from demonstration.listed_day import import_list
from fevergate.evaluation.people_file import Person
from harness.card_kiosk import UP_S, Answer, CardKiosk, wait_answered
from harness.card_verdict import judge_cards, owners, people_of, stored_people
from harness.errors import HarnessError
from harness.figures import percentile
from harness.made_up_list import made_up
from harness.site import GATES
from harness.system import System
from harness.worker import wait_until
from simulator import Taps
from simulator.tapping import anothers_first, before, during, late, twice

LIST_BASE = 16
"""Base of the digits of the made-up list's card numbers."""

WITH_CARDS, WITHOUT = GATES


@dataclass
class CardFigures:
    """Figures that `--cards` adds to the summary.

    `tapped`: people who held a card to the reader before the kiosk's answer; `paired`: those of
    them with a reading stored under their name. `mispaired`: readings stored as somebody else's.
    `wait_ms_p50`, `wait_ms_p50_without`: medians for the gate with cards and for the other gate of
    the simulated ms from standing still in view to the first answer.
    """

    tapped: int
    paired: int
    mispaired: int
    wait_ms_p50: int
    wait_ms_p50_without: int

    @property
    def problems(self) -> list[str]:
        """A line for each figure that is not as required."""
        wrong = []
        if self.paired != self.tapped or not self.tapped:
            wrong.append(f"{self.tapped} tapped, {self.paired} are paired")
        if self.mispaired:
            wrong.append(f"{self.mispaired} readings are stored as somebody else's")
        return wrong


class CardedCrowd:
    """People at two gates, with cards at the first alone; has the `people` and `options` of a
    `System`."""

    def __init__(self, people: Sequence[Person]) -> None:
        """Use the first half of `people`. Raises `HarnessError` if that leaves nobody."""
        beside = len(GATES[WITH_CARDS])
        people = people[: len(people) // 2 // beside * beside]
        if not people:
            raise HarnessError(f"--cards: expected {2 * beside} people or more")
        self._rows = made_up(len(people))
        self._cards = [int(row[6], 16) for row in self._rows]
        taps = {
            person.subject: taps_of(place, self._cards[place], self._cards[place - 1])
            for place, person in enumerate(people)
        }
        self.people = at_both_gates(people)
        self._readers = dict.fromkeys(GATES[WITH_CARDS], taps)

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments for `System`."""
        return {"readers": self._readers, "prepare": self._import_list}

    def configure(self, system: System) -> None:
        """Set the base of the list's card numbers at the gateway; call this before the system
        starts."""
        system.edit("[web]", f"[people]\ncard_base = {LIST_BASE}\n\n[web]")

    def _import_list(self, system: System) -> None:
        """Import the list at the campus server, and wait until the gateway answers its cards."""
        import_list(system, self._rows)
        answers: SimpleQueue[Answer] = SimpleQueue()
        kiosk = CardKiosk(system.settings, GATES[WITH_CARDS][0], 1, answers)
        try:
            wait_until(kiosk.ready.is_set, UP_S, "a kiosk hears its permits")
            wait_answered(kiosk, self._cards[-1], "enter", answers)
        finally:
            kiosk.close()

    def judge(self, system: System) -> CardFigures:
        """Compare the people who tapped with the owners of stored readings; also returns how long
        people waited."""
        visits = {board.name: board.visits for board in system.boards}
        pairing = judge_cards(
            owners({kiosk: visits[kiosk] for kiosk in self._readers}, system.shown),
            people_of(system.folder, LIST_BASE, self._cards),
            stored_people(system.database),
        )
        waits = [
            percentile([ms for kiosk in GATES[gate] for ms in system.waits_ms(kiosk)], 50)
            for gate in (WITH_CARDS, WITHOUT)
        ]
        return CardFigures(*pairing, *map(round, waits))


def taps_of(place: int, card: int, another: int) -> Taps:
    """Taps of the person at a place in the crowd; each kiosk sees every kind of tap.

    A tap after the verdict counts for the next person. So the person after a late tap must tap, and
    the person without a card follows somebody who tapped their own card last.
    """
    kinds = (
        *(before(card), during(card), twice(card), before(card), late(card)),
        *(anothers_first(another, card), (), before(card)),
    )
    return kinds[place // len(GATES[WITH_CARDS]) % len(kinds)]


def at_both_gates(people: Sequence[Person]) -> list[Person]:
    """The people in the order in which `System` deals them out: the same at both gates, but at the
    second under another name and so without cards."""
    beside = len(GATES[WITH_CARDS])
    dealt: list[Person] = []
    for begin in range(0, len(people), beside):
        row = list(people[begin : begin + beside])
        dealt += row + [replace(person, subject=f"{person.subject}, no card") for person in row]
    return dealt
