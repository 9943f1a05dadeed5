"""Compares the person whom the gateway stored for each reading with the simulated person who was
really measured."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.people.card_list import CardList
from fevergate.people.store import DATABASE
from fevergate.protocol.messages import Identity
from fevergate.storage.connection import read_rows
from harness.verdict import Shown
from kiosk.screening import CONFIRM, UNCONFIRMED
from simulator import Visit


class Owned(NamedTuple):
    """A reading, the visit to which it belongs, and the card last tapped before it, or None."""

    identity: Identity
    visit: Visit
    card: int | None


def owners(visits: Mapping[str, Sequence[Visit]], shown: Iterable[Shown]) -> list[Owned]:
    """Find the visit of each reading. `visits` are by kiosk.

    A reading belongs to the visitor whom its lamp answered. An alarm raised because somebody did
    not come back for a second scan belongs to the visitor who was asked for it. Readings whose lamp
    answered nobody are left out."""
    visit_of = {
        (kiosk, answered_ms): visit
        for kiosk, of_kiosk in visits.items()
        for visit in of_kiosk
        for answered_ms in visit.answered_ms
        if answered_ms is not None
    }
    owned: list[Owned] = []
    asked_of: dict[str, Owned] = {}  # by kiosk, the last visitor asked to confirm
    for answer in shown:
        kiosk = answer.identity.kiosk
        if answer.reason == UNCONFIRMED:
            if kiosk in asked_of:
                owned.append(asked_of[kiosk]._replace(identity=answer.identity))
        elif visit := visit_of.get((kiosk, answer.lit_ms)):
            owned.append(Owned(answer.identity, visit, card_of(visit, answer.lit_ms)))
            if answer.reason == CONFIRM:
                asked_of[kiosk] = owned[-1]
    return owned


def card_of(visit: Visit, at_ms: float) -> int | None:
    """The card that was tapped last before a time (simulated ms), or None."""
    return next((tap for tap, tapped_ms in reversed(visit.tapped) if tapped_ms < at_ms), None)


class Pairing(NamedTuple):
    """Counts of a comparison.

    - `tapped`: visits in which a card was tapped before an answer.
    - `paired`: visits with a tap of which at least one reading was stored as the card holder's. One
      is enough, because a tap counts only until the first final verdict.
    - `mispaired`: readings stored as somebody else's.
    """

    tapped: int
    paired: int
    mispaired: int


def judge_cards(
    owned: Sequence[Owned], people: Mapping[int, int], stored: Mapping[Identity, int]
) -> Pairing:
    """Compare `owned` with the gateway. `people` gives the listed person of each card, `stored` the
    person whom the gateway stored for each reading."""
    tapped: dict[int, bool] = {}
    mispaired = 0
    for identity, visit, card in owned:
        person = None if card is None else people[card]
        mispaired += stored.get(identity, person) != person
        if card is not None:
            tapped[id(visit)] = tapped.get(id(visit), False) or stored.get(identity) == person
    return Pairing(len(tapped), sum(tapped.values()), mispaired)


def people_of(folder: Path, base: int, cards: Iterable[int]) -> dict[int, int]:
    """The person of each card on a gateway's list; `base`: number base in which the list writes
    cards (10 or 16). Raises `StoreError`."""
    holders = CardList(folder / DATABASE, Vault(folder / KEY), base, time.time)
    holders.refresh()
    return {number: holder.person for number in cards if (holder := holders.find(number))}


def stored_people(database: Path) -> dict[Identity, int]:
    """The person of each reading with a card in a gateway's database. Raises `StoreError`."""
    rows = read_rows(database, "select kiosk, boot, seq, person from presences")
    return {Identity(row["kiosk"], row["boot"], row["seq"]): row["person"] for row in rows}
