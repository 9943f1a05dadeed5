"""People with cards at one gate, and the same people without cards at the other, side by side.

The list of people is imported at the campus server, from where the gateway copies it. Nobody comes
before a tapped card is answered.
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
    """What `--cards` adds to the summary.

    `tapped`: people who held a card to the reader before an answer; `paired`: those with a reading
    that is stored as theirs. `mispaired`: readings stored as somebody else's.
    `wait_ms_p50`, `wait_ms_p50_without`: simulated ms from standing still in view to the first
    answer, medians of the gate with cards and of the other.
    """

    tapped: int
    paired: int
    mispaired: int
    wait_ms_p50: int
    wait_ms_p50_without: int

    @property
    def problems(self) -> list[str]:
        """What is not as it has to be."""
        wrong = []
        if self.paired != self.tapped or not self.tapped:
            wrong.append(f"{self.tapped} tapped, {self.paired} are paired")
        if self.mispaired:
            wrong.append(f"{self.mispaired} readings are stored as somebody else's")
        return wrong


class CardedCrowd:
    """People at two gates, each with a card at the first: `people` and `options` for a `System`."""

    def __init__(self, people: Sequence[Person]) -> None:
        """Takes the first half of `people`. Raises `HarnessError` where that is nobody."""
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
        """Those of `System`."""
        return {"readers": self._readers, "prepare": self._import_list}

    def configure(self, system: System) -> None:
        """Tell the gateway how the list writes its cards; before the system starts."""
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
        """Compare who tapped with whose readings are stored, and how long people waited."""
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
    """What the person at a place of the crowd does, of whose kinds each kiosk sees all.

    Whoever has no card comes after somebody whose own card has been the last: a tap after the
    verdict is the next person's, who must tap.
    """
    kinds = (
        *(before(card), during(card), twice(card), before(card), late(card)),
        *(anothers_first(another, card), (), before(card)),
    )
    return kinds[place // len(GATES[WITH_CARDS]) % len(kinds)]


def at_both_gates(people: Sequence[Person]) -> list[Person]:
    """The people as `System` deals them out: the same at each gate, at the second by another name
    and so without cards."""
    beside = len(GATES[WITH_CARDS])
    dealt: list[Person] = []
    for begin in range(0, len(people), beside):
        row = list(people[begin : begin + beside])
        dealt += row + [replace(person, subject=f"{person.subject}, no card") for person in row]
    return dealt
