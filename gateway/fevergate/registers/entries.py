"""Entries of all registers with their revisions, in the database of a gateway or campus server.

Personal values are encrypted, and forgotten by age; counts, sums and times stay.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from fevergate.crypto.field_encryption import Vault
from fevergate.errors import EntryError, NothingFoundError
from fevergate.registers.declarations import RegisterDeclaration, Registers
from fevergate.registers.entry_form import NewEntry, Value
from fevergate.storage.statements import Connection, JoinedStatements, Statements

MAX_ID = 2**53 - 1
"""Largest id: the largest integer that JSON readers agree on (RFC 8259, section 6)."""

MOST = 1000
"""Entries that are read at once, unless another limit is asked for."""

LARGEST_VALUE = 32503680000.0
"""No value of a field is as large: 1 January 3000 as Unix time (s)."""

FOREVER = 1e12
"""Later than any time (s)."""


class Entry(Struct, frozen=True, kw_only=True):
    """An entry of a register.

    Times are Unix time (s): `first_at` it was entered, `at` this revision was saved, from
    `opened_at` until `closed_at` it is open or holds (None: it has no end yet). `fields` has the
    personal values, too, until they are forgotten: those that `personal` names, whatever the
    register's declaration has become since. `gate` is empty for all gates or none.
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
class Entries:
    """The entries of the registers that are declared. Each method raises `StoreError` where names
    were encrypted with another key, and `NothingFoundError` for an unknown register or entry."""

    store: Statements
    vault: Vault
    registers: Registers
    ending: Callable[[str, int], None] = lambda _register, _id: None
    """Called with register and id before an entry is closed."""

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

    @contextmanager
    def together(self) -> Iterator["Entries"]:
        """The same entries within one transaction: whatever is changed by them stands together, or
        none of it."""
        with self.store.transaction() as connection:
            joined = JoinedStatements(self.store, connection)
            yield Entries(joined, self.vault, self.registers, self.ending)

    def add(self, register: str, new: NewEntry, by: str, id_: int | None = None) -> Entry:
        """Add an entry. With an id of `new_id` that exists already nothing is added: a form that
        was sent twice makes one entry."""
        declared, now = self.register(register), self.store.clock()
        id_ = new_id() if id_ is None else id_
        if not 0 < id_ <= MAX_ID:
            raise EntryError("id", "again")
        opened_at, closed_at = _span(declared, new, now)
        with self.store.transaction() as connection:
            values = (register, id_, 1, now, now, by, new.gate, *self._stored(declared, new))
            added = connection.execute(_INSERT, (*values, opened_at, closed_at))
            if added.rowcount:
                connection.execute(_INSERT_REVISION, (register, id_))
        return self.get(register, id_)

    def change(
        self, register: str, id_: int, new: NewEntry, by: str, revision: int, reason: str = ""
    ) -> list[str]:
        """Correct an entry of which the form showed `revision`; returns the names of the fields
        that changed. Once it is closed or its names are forgotten, `reason` says why; what was
        forgotten stays so. Raises `EntryError`."""
        declared = self.register(register)
        with self.store.transaction() as connection:
            before = self._expected(register, id_, revision)
            if not reason and (
                before.forgotten or (declared.open and before.closed_at is not None)
            ):
                raise EntryError("reason", "reason")
            if before.forgotten:
                new = msgspec.structs.replace(new, personal={})
            opened_at, closed_at = _span(declared, new, before.first_at)
            if declared.open:
                opened_at, closed_at = before.opened_at, before.closed_at
            stored = (*self._stored(declared, new), opened_at, closed_at)
            self._revise(connection, before, by, new.gate, stored)
        now = new.public | new.personal
        names = [name for name in declared.fields if now.get(name) != before.fields.get(name)]
        return [*names, *(["gate"] if new.gate != before.gate else [])]

    def close(self, register: str, id_: int, by: str, revision: int) -> None:
        """Close an entry that is open. Raises `EntryError`."""
        self._end(register, id_, by, revision, self.store.clock())

    def reopen(self, register: str, id_: int, by: str, revision: int) -> None:
        """Open an entry again that was closed by mistake. Raises `EntryError`."""
        self._end(register, id_, by, revision, None)

    def _end(self, register: str, id_: int, by: str, revision: int, at: float | None) -> None:
        declared = self.register(register)
        with self.store.transaction() as connection:
            before = self._expected(register, id_, revision)
            if not declared.open or (before.closed_at is None) == (at is None):
                raise EntryError("revision", "meanwhile")
            if at is not None:
                self.ending(register, id_)
            ((*stored, opened_at),) = self.store.query(
                "select fields, sealed, subject, amount, opened_at from entries"
                " where register = ? and id = ?",
                (register, id_),
            )
            self._revise(connection, before, by, before.gate, (*stored, opened_at, at))

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
        """Entries that were open, or held, at a time (Unix time, s), the oldest first; with `gate`
        those of this gate and of all gates."""
        return self._entries(
            "register = ? and opened_at <= ? and coalesce(closed_at, ?) > ?"
            " and (? = '' or gate in ('', ?)) order by opened_at, id limit ?",
            (register, at, FOREVER, at, gate, gate, MOST),
        )

    def between(self, register: str, begin: float, end: float) -> list[Entry]:
        """All entries that were open, or held, at any time from `begin` to `end` (Unix time, s),
        the oldest first."""
        return self._entries(
            "register = ? and opened_at <= ? and coalesce(closed_at, ?) >= ?"
            " order by opened_at, id",
            (register, end, FOREVER, begin),
        )

    def newest_holding(self, register: str, at: float) -> list[Entry]:
        """The newest `MOST` entries that were open, or held, at a time (Unix time, s), the oldest
        of them first."""
        return self._entries(
            "register = ? and opened_at <= ? and coalesce(closed_at, ?) > ?"
            " order by opened_at desc, id desc limit ?",
            (register, at, FOREVER, at, MOST),
        )[::-1]

    def open_by_gate(self, register: str, at: float, before: float = FOREVER) -> dict[str, int]:
        """How many entries were open, or held, at a time, and were so since before another (Unix
        time, s), by gate."""
        rows = self.store.query(
            "select gate, count(*) from entries where register = ? and opened_at <= ?"
            " and opened_at < ? and coalesce(closed_at, ?) > ? group by gate order by gate",
            (register, at, before, FOREVER, at),
        )
        return dict(rows)

    def unfinished(self, register: str, at: float, limit: int = MOST) -> list[Entry]:
        """Entries that are open, hold, or will hold after a time (Unix time, s), by begin."""
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
        """The sum of each place or choice that the register is summed by."""
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

    def forget(self, before: float) -> int:
        """Delete the personal values and the names of who entered them, in every revision, of
        entries older than `before` (Unix time, s); returns of how many.

        An entry's age counts from when it was first made; in a register that lasts from its end.
        """
        lasting = [register.name for register in self.registers.values() if register.lasts]
        forgotten = 0
        with self.store.transaction() as connection:
            for name in lasting:
                at = f"register = ? and coalesce(closed_at, {FOREVER}) < ?"
                forgotten += _forget(connection, at, (name, before))
            others = "".join(" and register <> ?" for _ in lasting)
            forgotten += _forget(connection, f"first_at < ?{others}", (before, *lasting))
        return forgotten

    def _expected(self, register: str, id_: int, revision: int) -> Entry:
        entry = self.get(register, id_)
        if entry.revision != revision:
            raise EntryError("revision", "meanwhile")
        return entry

    def _revise(
        self, connection: Connection, before: Entry, by: str, gate: str, stored: Iterable[Any]
    ) -> None:
        """Write a revision in place of `before`. Raises `EntryError` if there is one already."""
        key = (before.register, before.id)
        written = connection.execute(
            'update entries set revision = revision + 1, at = ?, "by" = ?, gate = ?, fields = ?,'
            " sealed = ?, subject = ?, amount = ?, opened_at = ?, closed_at = ?"
            " where register = ? and id = ? and revision = ?",
            (self.store.clock(), by, gate, *stored, *key, before.revision),
        )
        if not written.rowcount:
            raise EntryError("revision", "meanwhile")
        connection.execute(_INSERT_REVISION, key)

    def _stored(
        self, declared: RegisterDeclaration, new: NewEntry
    ) -> tuple[str, str, str, float | None]:
        """What is stored of values: fields, sealed, subject, amount."""
        sealed = self.vault.seal({name: str(value) for name, value in new.personal.items()})
        subject, amount = new.public.get(declared.each, ""), new.public.get(declared.sum)
        return (
            msgspec.json.encode(new.public).decode(),
            sealed,
            str(subject),
            amount if isinstance(amount, float) else None,
        )

    def _entries(self, where: str, arguments: tuple[Any, ...]) -> list[Entry]:
        rows = self.store.query(f"select {_COLUMNS} from entries where {where}", arguments)  # noqa: S608 - constants
        return [self._entry(row) for row in rows]

    def _entry(self, row: tuple[Any, ...]) -> Entry:
        *known, fields, sealed, forgotten = row
        values = msgspec.json.decode(fields, type=dict[str, Value])
        declared = self.registers.get(row[0])
        personal = self.vault.open(sealed)
        for name, text in personal.items():
            field = declared.fields.get(name) if declared else None
            numeric = field and field.type in ("number", "celsius", "time")
            values[name] = _number(text) if numeric else text
        names = ("register", "id", "revision", "first_at", "at", "by", "gate")
        entry = dict(zip((*names, "opened_at", "closed_at"), known, strict=True))
        return Entry(**entry, fields=values, forgotten=bool(forgotten), personal=tuple(personal))


def new_id() -> int:
    """A random id for an entry that is about to be made."""
    return secrets.randbelow(MAX_ID) + 1


def _number(text: str) -> Value:
    """A number that was encrypted; a text stays one, since the field may have been of another
    type."""
    try:
        value = float(text)
    except ValueError:
        return text
    return value if abs(value) < LARGEST_VALUE else text  # not for what is no number, either


def _span(declared: RegisterDeclaration, new: NewEntry, now: float) -> tuple[float, float | None]:
    """From and until when an entry is open, or holds."""
    begin, end = new.public.get(declared.begin), new.public.get(declared.end)
    if declared.begin or declared.end:
        opened_at = begin if isinstance(begin, float) else 0.0 if declared.begin else now
        return opened_at, end if isinstance(end, float) else None
    return now, None if declared.open else now


def _forget(connection: Connection, where: str, arguments: tuple[Any, ...]) -> int:
    connection.execute(f"{_FORGET_REVISIONS} and {where})", arguments)
    return connection.execute(f"{_FORGET} and {where}", arguments).rowcount


_FORGET = "update entries set sealed = '', \"by\" = '', forgotten = 1 where forgotten = 0"
_FORGET_REVISIONS = """
    update entry_revisions set sealed = '', "by" = '', forgotten = 1 where exists (
        select 1 from entries where entries.register = entry_revisions.register
        and entries.id = entry_revisions.id and entries.forgotten = 0"""
_COLUMNS = (
    'register, id, revision, first_at, at, "by", gate, opened_at, closed_at, fields, sealed,'
    " forgotten"
)
_STORED = (
    'register, id, revision, first_at, at, "by", gate, fields, sealed, subject, amount, opened_at,'
    " closed_at"
)
_INSERT = f"""
    insert into entries({_STORED}, forgotten) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
    on conflict (register, id) do nothing"""  # noqa: S608 - field names
_INSERT_REVISION = f"""
    insert into entry_revisions({_STORED}, forgotten)
    select {_STORED}, forgotten from entries where register = ? and id = ?"""  # noqa: S608 - field names
