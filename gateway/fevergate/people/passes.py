"""Visitors' passes: random numbers in QR codes, each for an open entry of a register.

A pass is stored in `people.db` like a card: its code is sealed, so that it can be shown again, and
its tag serves to find it. It ends with its entry or at its own time, and is never valid again. Its
tag stays, for readings that arrive late, until names are erased.
"""

import secrets
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from fevergate.crypto.field_encryption import Vault
from fevergate.storage.statements import Statements

REGISTER = "visitors"
"""The register whose open entries can have passes."""

FIRST = 1 << 63
"""The smallest number of a pass; cards' numbers are smaller (firmware, `card_reader.py`)."""

_KIND = "pass"
"""Kind of the tags of passes (`Vault.tag`)."""

_CODE = "code"


class Pass(NamedTuple):
    """A pass that has not ended: the text of its QR code, and the end of its validity (Unix time,
    s)."""

    code: str
    until: float


class Passes:
    """The passes in `people.db`. Each method raises `StoreError`."""

    def __init__(self, statements: Statements, vault: Vault) -> None:
        self._statements = statements
        self._vault = vault

    def get(self, entry: int) -> Pass | None:
        """The valid pass of an entry; None if there is none."""
        rows = self._statements.query(
            "select sealed, until from passes"
            " where entry = ? and ended_at is null and until > ? order by id desc limit 1",
            (entry, self._statements.clock()),
        )
        return Pass(self._vault.open(rows[0][0])[_CODE], rows[0][1]) if rows else None

    def issue(self, entry: int, until: float) -> Pass:
        """The valid pass of an entry; if there is none, a new one that is valid until a Unix time
        (s)."""
        if visitor_pass := self.get(entry):
            return visitor_pass
        number = FIRST | secrets.randbits(63)
        code = code_of(number)
        row = (self._vault.tag(_KIND, code), entry, until, self._vault.seal({_CODE: code}))
        with self._statements.transaction() as connection:
            connection.execute(
                "insert into passes(tag, entry, until, sealed, made_at) values (?, ?, ?, ?, ?)",
                (*row, self._statements.clock()),
            )
        return Pass(code, until)

    def end(self, entry: int) -> None:
        """End the passes of an entry; this takes effect at the next tap."""
        with self._statements.transaction() as connection:
            connection.execute(
                "update passes set ended_at = ?, sealed = '' where entry = ? and ended_at is null",
                (self._statements.clock(), entry),
            )

    def forget(self, before: float) -> int:
        """Delete passes made before a Unix time (s); returns how many."""
        with self._statements.transaction() as connection:
            result = connection.execute("delete from passes where made_at < ?", (before,))
        return result.rowcount


class VisitorPass(NamedTuple):
    """A pass that was found by its number: the id of its entry, and whether it is valid now."""

    entry: int
    valid: bool


class PassList:
    """All passes in memory, by their tags; `find` can be called from any thread."""

    def __init__(self, vault: Vault, now: Callable[[], float]) -> None:
        self._vault = vault
        self._now = now
        self._passes: dict[str, tuple[int, float]] = {}
        self._read: tuple[int, ...] | None = None

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Read the passes if they have changed. Raises `sqlite3.Error`."""
        if not has_table(connection, "passes"):
            return
        # Ids only rise, and an ended pass stays ended, so these three figures change with every
        # change of the table.
        version = connection.execute(
            "select coalesce(max(id), 0), count(*), count(ended_at) from passes"
        ).fetchone()
        if version == self._read:
            return
        self._passes = {
            tag: (entry, until)
            for tag, entry, until in connection.execute(
                "select tag, entry, case when ended_at is null then until else 0 end from passes"
            )
        }
        self._read = version

    def find(self, number: int) -> VisitorPass | None:
        """The pass with a number, even if it has ended; None if there is none."""
        if number < FIRST or not self._passes:
            return None
        entry = self._passes.get(self._vault.tag(_KIND, code_of(number)))
        return VisitorPass(entry[0], self._now() < entry[1]) if entry else None


def code_of(number: int) -> str:
    """A pass's number as text for its QR code: V and 16 hex digits."""
    return f"V{number:016X}"


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Whether a database has a table. It may lack one while it is being created, or until a page
    opens it for the first time after an upgrade."""
    return bool(
        connection.execute("select 1 from sqlite_master where name = ?", (name,)).fetchone()
    )
