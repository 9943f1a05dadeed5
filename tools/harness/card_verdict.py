"""Whose each reading must be, by what people did at the kiosks, beside whose it is stored as."""

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
    """A reading, the visit in which it was answered, and the card then tapped last, or None."""

    identity: Identity
    visit: Visit
    card: int | None


def owners(visits: Mapping[str, Sequence[Visit]], shown: Iterable[Shown]) -> list[Owned]:
    """Whose each reading is, by kiosk: of whoever saw its lamp, and the alarm for somebody who did
    not come back of whoever was asked to. Readings that nobody saw are left out."""
    seen = {
        (kiosk, answered_ms): visit
        for kiosk, of_kiosk in visits.items()
        for visit in of_kiosk
        for answered_ms in visit.answered_ms
        if answered_ms is not None
    }
    owned: list[Owned] = []
    asked: dict[str, Owned] = {}  # by kiosk: who was last asked to confirm
    for answer in shown:
        kiosk = answer.identity.kiosk
        if answer.reason == UNCONFIRMED:
            if kiosk in asked:
                owned.append(asked[kiosk]._replace(identity=answer.identity))
        elif visit := seen.get((kiosk, answer.lit_ms)):
            owned.append(Owned(answer.identity, visit, card_of(visit, answer.lit_ms)))
            if answer.reason == CONFIRM:
                asked[kiosk] = owned[-1]
    return owned


def card_of(visit: Visit, at_ms: float) -> int | None:
    """The card that was tapped last before a time."""
    return next((tap for tap, tapped_ms in reversed(visit.tapped) if tapped_ms < at_ms), None)


class Pairing(NamedTuple):
    """`tapped`: visits in which a card was tapped before an answer; `paired`: those of them with a
    reading that is stored as the holder's, for a final verdict spends the tap. `mispaired`:
    readings stored as somebody else's."""

    tapped: int
    paired: int
    mispaired: int


def judge_cards(
    owned: Sequence[Owned], people: Mapping[int, int], stored: Mapping[Identity, int]
) -> Pairing:
    """Compare; `people` is the list's person of each card, `stored` the person of each reading."""
    tapped: dict[int, bool] = {}
    mispaired = 0
    for identity, visit, card in owned:
        person = None if card is None else people[card]
        mispaired += stored.get(identity, person) != person
        if card is not None:
            tapped[id(visit)] = tapped.get(id(visit), False) or stored.get(identity) == person
    return Pairing(len(tapped), sum(tapped.values()), mispaired)


def people_of(folder: Path, base: int, cards: Iterable[int]) -> dict[int, int]:
    """The person of each card on a gateway's list; `base`: of the list's card numbers. Raises
    `StoreError`."""
    holders = CardList(folder / DATABASE, Vault(folder / KEY), base, time.time)
    holders.refresh()
    return {number: holder.person for number in cards if (holder := holders.find(number))}


def stored_people(database: Path) -> dict[Identity, int]:
    """Whose each reading with a card is, in a gateway's database. Raises `StoreError`."""
    rows = read_rows(database, "select kiosk, boot, seq, person from presences")
    return {Identity(row["kiosk"], row["boot"], row["seq"]): row["person"] for row in rows}
