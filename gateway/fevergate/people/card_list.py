"""Finds the holder of a card or pass, and what the holder may do. The list is in memory, so that a
tap is answered without reading the disk."""

import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from fevergate.crypto.field_encryption import Vault
from fevergate.people.passes import PassList, has_table
from fevergate.people.store import IN_FORCE, LISTED, PERMIT, PERMITS, Permit
from fevergate.storage.connection import reading

CARD = "card"
"""Kind of the tags of cards (`Vault.tag`)."""

_LAST_TABLE = "people_list"
"""`people/schema.py` creates this table after the others that the list of cards is read from."""

CACHE_KB = 256
"""Database cache (KB) while the list is read."""

WIDTHS = {10: (1, 8, 10), 16: (1, 8, 16)}
"""Numbers of digits to which lists pad a card's number with leading zeros, by the digits' base."""


class CardHolder(NamedTuple):
    """A person with a card or a pass, and what the person may do.

    `person` is the number in the list. For a visitor it is below zero, and `entry_of` gives the
    visitor's entry.
    """

    person: int
    permit: Permit


class CardList:
    """The cards of a list of people that are in force now, by their tags, and visitors' passes.

    `refresh` reads the list if it has changed, or if a person's permit or time on the list has
    begun or ended. `find` can be called from any thread and reads no file. Tags are kept as
    integers of 64 bits; in a list of 20,000 cards, the chance that two cards share a tag is 1 in
    10^11. A card takes 16 bytes.
    """

    def __init__(self, path: Path, vault: Vault, base: int, now: Callable[[], float]) -> None:
        """`base` is the base (10 or 16) of the digits of the list's card numbers. Raises
        `StoreError` if the key of the tags is missing."""
        vault.tag(CARD, "")
        self._path = path
        self._vault = vault
        self._base = base
        self._now = now
        self._passes = PassList(vault, now)
        self._table = _NOBODY
        self._read: tuple[str, int] | None = None
        self._valid_from, self._valid_until = 0.0, 0.0

    def refresh(self) -> None:
        """Read the list if necessary. Raises `StoreError`. After an error, and while the database
        is being created, the list that was read before stays in force."""
        with reading(self._path) as database:
            connection = database.conn
            connection.execute(f"pragma cache_size = -{CACHE_KB}")
            connection.execute("begin")
            if has_table(connection, _LAST_TABLE):
                self._refresh(connection)
            self._passes.refresh(connection)

    def find(self, number: int) -> CardHolder | None:
        """The holder of a card or pass with a number; None if no list has it now. A visitor whose
        pass has ended is found too, but has to see the guard (permit `ask`)."""
        if visitor := self._passes.find(number):
            return CardHolder(-visitor.entry, "enter" if visitor.valid else "ask")
        digits = f"{number:d}" if self._base == 10 else f"{number:x}"
        table = self._table
        for text in dict.fromkeys(digits.zfill(width) for width in WIDTHS[self._base]):
            if holder := table.find(_short(self._vault.tag(CARD, text))):
                return holder
        return None

    def _refresh(self, connection: sqlite3.Connection) -> None:
        now = self._now()
        version = connection.execute("select list, revision from people_list").fetchone()
        if version == self._read and self._valid_from <= now < self._valid_until:
            return
        self._table = _Table(connection.execute(_SELECT, {"now": now}))
        before, after = connection.execute(_TIMES, {"now": now}).fetchone()
        self._valid_from, self._valid_until = before or 0.0, after or float("inf")
        self._read = version


class _Table:
    """Card holders by the tags of their cards: two parallel arrays, sorted by tag and never
    changed."""

    def __init__(self, rows: Iterable[tuple[str, int, Permit]]) -> None:
        """`rows` are tag, person and permit, sorted by tag."""
        self._tags, self._holders = array("Q"), array("q")
        for tag, person, permit in rows:
            self._tags.append(_short(tag))
            self._holders.append(person * len(PERMITS) + PERMITS.index(permit))

    def find(self, tag: int) -> CardHolder | None:
        """The holder of the card with a tag; None if there is none."""
        place = bisect_left(self._tags, tag)
        if place == len(self._tags) or self._tags[place] != tag:
            return None
        person, permit = divmod(self._holders[place], len(PERMITS))
        return CardHolder(person, PERMITS[permit])


_NOBODY = _Table(())


def has_cards(path: Path) -> bool:
    """Whether anybody on the list has a card, or a visitor has a pass. Raises `StoreError`."""
    if not path.exists():
        return False
    with reading(path) as database:
        return any(
            has_table(database.conn, table)
            and database.execute(f"select 1 from {table} limit 1").fetchone()  # noqa: S608
            for table in ("cards", "passes")
        )


def entry_of(person: int) -> int | None:
    """The id of a visitor's entry in the register; None for a person of the list."""
    return -person if person < 0 else None


def _short(tag: str) -> int:
    return int(tag[:16], 16)


_SELECT = f"""
    select c.tag, p.person, {PERMIT} from cards c cross join {LISTED}
    where c.person = p.person and (c.until is null or c.until > :now) and {IN_FORCE}
    order by c.tag"""  # noqa: S608 - constants
_TIMES = """
    select max(case when t <= :now then t end), min(case when t > :now then t end) from (
        select since t from people union all select until from people
        union all select at from overrides union all select until from overrides
        union all select until from cards)"""
"""SQL of the last time up to now, and of the first time after now, at which a permit, a card or a
time on the list begins or ends."""
