"""Whose a card or pass is and what that person may do, in memory: a tap is answered without the
disk."""

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
"""The table of the list that is made last (`people/schema.py`)."""

CACHE_KB = 256
"""Pages of the database that are kept while the list is read."""

WIDTHS = {10: (1, 8, 10), 16: (1, 8, 16)}
"""Digits to which lists fill up a card's number with zeros, by the base of the digits."""


class CardHolder(NamedTuple):
    """Somebody with a card or a pass, and what they may do.

    `person` is their number in the list; below zero it is a visitor's, `entry_of` their entry.
    """

    person: int
    permit: Permit


class CardList:
    """The cards of a list of people that can be in force now, by their tags, and visitors' passes.

    `refresh` reads the list where it has changed, or where somebody's permit or time on the list
    begins or ends; `find` can be called from any thread and reads no file. Tags are kept as whole
    numbers of 64 bits: of 20,000 cards, two share one in one of 10^11 lists. A card takes 16 bytes.
    """

    def __init__(self, path: Path, vault: Vault, base: int, now: Callable[[], float]) -> None:
        """`base`: of the digits of the list's card numbers, 10 or 16. Raises `StoreError` without
        the key of the tags."""
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
        """Read the list if need be. Raises `StoreError`; what was read before stays in force, also
        while a database is being made."""
        with reading(self._path) as database:
            connection = database.conn
            connection.execute(f"pragma cache_size = -{CACHE_KB}")
            connection.execute("begin")
            if has_table(connection, _LAST_TABLE):
                self._refresh(connection)
            self._passes.refresh(connection)

    def find(self, number: int) -> CardHolder | None:
        """Whose a card is, by its number; None for one that is on no list, or not now. A visitor
        whose pass has ended is known, and has to see the guard."""
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
    """Holders by the tags of their cards: two arrays side by side, sorted by tag, never changed."""

    def __init__(self, rows: Iterable[tuple[str, int, Permit]]) -> None:
        """`rows` by rising tags: tag, person, permit."""
        self._tags, self._holders = array("Q"), array("q")
        for tag, person, permit in rows:
            self._tags.append(_short(tag))
            self._holders.append(person * len(PERMITS) + PERMITS.index(permit))

    def find(self, tag: int) -> CardHolder | None:
        """Whose card has a tag; None where nobody's has."""
        place = bisect_left(self._tags, tag)
        if place == len(self._tags) or self._tags[place] != tag:
            return None
        person, permit = divmod(self._holders[place], len(PERMITS))
        return CardHolder(person, PERMITS[permit])


_NOBODY = _Table(())


def has_cards(path: Path) -> bool:
    """Whether anybody has a card on the list of people, or a pass. Raises `StoreError`."""
    if not path.exists():
        return False
    with reading(path) as database:
        return any(
            has_table(database.conn, table)
            and database.execute(f"select 1 from {table} limit 1").fetchone()  # noqa: S608
            for table in ("cards", "passes")
        )


def entry_of(person: int) -> int | None:
    """The id of a visitor's entry in the register; None for somebody of the list."""
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
"""The last time up to now, and the first one after it, at which anything begins or ends."""
