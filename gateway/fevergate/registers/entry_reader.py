"""Reads the entries of all registers, in the database of a gateway or campus server."""

from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from fevergate.crypto.field_encryption import Vault
from fevergate.errors import NothingFoundError
from fevergate.registers.declarations import RegisterDeclaration, Registers
from fevergate.registers.entry_form import Value
from fevergate.storage.statements import Statements

MOST = 1000
"""At most this many entries are read at once, unless another limit is given."""

LARGEST_VALUE = 32503680000.0
"""Every value of a field is smaller than this: 1 January 3000 as Unix time (s)."""

FOREVER = 1e12
"""Later than any time (s)."""


class Entry(Struct, frozen=True, kw_only=True):
    """An entry of a register.

    Times are Unix time (s). It was entered at `first_at`, and this revision was saved at `at`. It
    is open (until somebody closes it) or valid (by its own times) from `opened_at` until
    `closed_at` (None: it has no end yet). `fields` has the personal values, too, until they are
    forgotten; `personal` names them, even if the register's declaration has changed since. `gate`
    is empty for an entry of all gates or of none.
    """

    register: str
    id: int
    revision: int
    first_at: float
    at: float
    by: str
    gate: str
    fields: dict[str, Value]
    opened_at: float
    closed_at: float | None
    forgotten: bool = False
    personal: tuple[str, ...] = ()


@dataclass
class EntryReader:
    """Reads the entries of the registers that are declared. Each method raises `StoreError` if
    names were encrypted with another key, and `NothingFoundError` for an unknown register or
    entry."""

    store: Statements
    vault: Vault
    registers: Registers

    def register(self, name: str) -> RegisterDeclaration:
        """A register by its name."""
        try:
            return self.registers[name]
        except KeyError:
            raise NothingFoundError(f"register {name!r}") from None

    @property
    def now(self) -> float:
        """The store's time (Unix time, s)."""
        return self.store.clock()

    def get(self, register: str, id_: int) -> Entry:
        """An entry as it is now."""
        rows = self._entries("register = ? and id = ?", (register, id_))
        if not rows:
            raise NothingFoundError(f"{register} {id_}")
        return rows[0]

    def history(self, register: str, id_: int) -> list[Entry]:
        """All revisions of an entry, the newest first."""
        rows = self.store.query(
            f"select {_COLUMNS} from entry_revisions"  # noqa: S608 - field names
            " where register = ? and id = ? order by revision desc",
            (register, id_),
        )
        return [self._entry(row) for row in rows]

    def holding(self, register: str, at: float, gate: str = "") -> list[Entry]:
        """Entries that were open or valid at a time (Unix time, s), the oldest first; with `gate`,
        only entries of this gate and of all gates."""
        return self._entries(
            "register = ? and opened_at <= ? and coalesce(closed_at, ?) > ?"
            " and (? = '' or gate in ('', ?)) order by opened_at, id limit ?",
            (register, at, FOREVER, at, gate, gate, MOST),
        )

    def between(self, register: str, begin: float, end: float) -> list[Entry]:
        """All entries that were open or valid at any time from `begin` to `end` (Unix time, s),
        the oldest first."""
        return self._entries(
            "register = ? and opened_at <= ? and coalesce(closed_at, ?) >= ?"
            " order by opened_at, id",
            (register, end, FOREVER, begin),
        )

    def newest_holding(self, register: str, at: float) -> list[Entry]:
        """The newest `MOST` entries that were open or valid at a time (Unix time, s), the oldest
        of them first."""
        return self._entries(
            "register = ? and opened_at <= ? and coalesce(closed_at, ?) > ?"
            " order by opened_at desc, id desc limit ?",
            (register, at, FOREVER, at, MOST),
        )[::-1]

    def open_by_gate(self, register: str, at: float, before: float = FOREVER) -> dict[str, int]:
        """How many entries were open or valid at a time and had begun before another time (both
        Unix time, s), by gate."""
        rows = self.store.query(
            "select gate, count(*) from entries where register = ? and opened_at <= ?"
            " and opened_at < ? and coalesce(closed_at, ?) > ? group by gate order by gate",
            (register, at, before, FOREVER, at),
        )
        return dict(rows)

    def unfinished(self, register: str, at: float, limit: int = MOST) -> list[Entry]:
        """Entries that are open or valid at a time (Unix time, s) or begin later, by begin."""
        return self._entries(
            "register = ? and coalesce(closed_at, ?) > ? order by opened_at, id limit ?",
            (register, FOREVER, at, limit),
        )

    def entered(
        self, register: str, begin: float, end: float, limit: int = MOST, skip: int = 0
    ) -> list[Entry]:
        """Entries first made from `begin` until before `end` (Unix time, s), the newest first."""
        return self._entries(
            "register = ? and first_at >= ? and first_at < ?"
            " order by first_at desc, id limit ? offset ?",
            (register, begin, end, limit, skip),
        )

    def count(self, register: str, begin: float, end: float) -> int:
        """How many entries were first made from `begin` until before `end` (Unix time, s)."""
        ((count,),) = self.store.query(
            "select count(*) from entries where register = ? and first_at >= ? and first_at < ?",
            (register, begin, end),
        )
        return count

    def sums(self, register: str) -> dict[str, float]:
        """The sum of all amounts for each place or choice to which amounts were entered."""
        rows = self.store.query(
            "select subject, sum(amount) from entries where register = ? group by subject",
            (register,),
        )
        return {subject: round(amount or 0.0, 3) for subject, amount in rows}

    def last(self, register: str) -> dict[str, float]:
        """The time (Unix time, s) of the last entry of each place or choice that has one."""
        rows = self.store.query(
            "select subject, max(first_at) from entries where register = ? group by subject",
            (register,),
        )
        return dict(rows)

    def _entries(self, where: str, arguments: tuple[Any, ...]) -> list[Entry]:
        rows = self.store.query(f"select {_COLUMNS} from entries where {where}", arguments)  # noqa: S608 - constants
        return [self._entry(row) for row in rows]

    def _entry(self, row: tuple[Any, ...]) -> Entry:
        *columns, fields, sealed, forgotten = row
        values = msgspec.json.decode(fields, type=dict[str, Value])
        declared = self.registers.get(row[0])
        personal = self.vault.open(sealed)
        for name, text in personal.items():
            field = declared.fields.get(name) if declared else None
            numeric = field and field.type in ("number", "celsius", "time")
            values[name] = _number(text) if numeric else text
        names = ("register", "id", "revision", "first_at", "at", "by", "gate")
        entry = dict(zip((*names, "opened_at", "closed_at"), columns, strict=True))
        return Entry(**entry, fields=values, forgotten=bool(forgotten), personal=tuple(personal))


def _number(text: str) -> Value:
    """A number that was encrypted. A text that is no number stays a text, since the field may have
    had another type."""
    try:
        value = float(text)
    except ValueError:
        return text
    return value if abs(value) < LARGEST_VALUE else text  # NaN stays a text, too


_COLUMNS = (
    'register, id, revision, first_at, at, "by", gate, opened_at, closed_at, fields, sealed,'
    " forgotten"
)
