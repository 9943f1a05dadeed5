"""Entries of all registers with their revisions, in the database of a gateway or campus server.

Personal values are encrypted, and forgotten by age; counts, sums and times stay.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from fevergate.errors import EntryError
from fevergate.registers.declarations import RegisterDeclaration
from fevergate.registers.entry_form import NewEntry
from fevergate.registers.entry_reader import FOREVER, Entry, EntryReader
from fevergate.storage.statements import Connection, JoinedStatements

MAX_ID = 2**53 - 1
"""Largest id: the largest integer that JSON readers agree on (RFC 8259, section 6)."""


@dataclass
class Entries(EntryReader):
    """Reads and changes the entries of the registers that are declared; `EntryReader` says what
    each method raises."""

    ending: Callable[[str, int], None] = lambda _register, _id: None
    """Called with register and id before an entry is closed."""

    @contextmanager
    def together(self) -> Iterator["Entries"]:
        """The same entries within one transaction: either all changes made through them are stored,
        or none."""
        with self.store.transaction() as connection:
            joined = JoinedStatements(self.store, connection)
            yield Entries(joined, self.vault, self.registers, self.ending)

    def add(self, register: str, new: NewEntry, by: str, id_: int | None = None) -> Entry:
        """Add an entry. If an entry with this id (of `new_id`) exists already, nothing is added: a
        form that is sent twice makes one entry."""
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
        """Correct an entry whose form showed `revision`; returns the names of the fields that
        changed. An entry that is closed or whose names are forgotten needs a `reason`. Forgotten
        values stay forgotten. Raises `EntryError`."""
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

    def forget(self, before: float) -> int:
        """Delete the personal values of entries older than `before` (Unix time, s), and the names
        of the people who entered them, in every revision; returns the number of entries.

        An entry's age counts from when it was first made, or, in a register with `lasts`, from its
        end.
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
        """Replace `before` by a new revision. Raises `EntryError` if `before` is not the newest."""
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
        """The columns in which an entry's values are stored: fields, sealed, subject, amount."""
        sealed = self.vault.seal({name: str(value) for name, value in new.personal.items()})
        subject, amount = new.public.get(declared.each, ""), new.public.get(declared.sum)
        return (
            msgspec.json.encode(new.public).decode(),
            sealed,
            str(subject),
            amount if isinstance(amount, float) else None,
        )


def new_id() -> int:
    """A random id for an entry that is about to be made."""
    return secrets.randbelow(MAX_ID) + 1


def _span(declared: RegisterDeclaration, new: NewEntry, now: float) -> tuple[float, float | None]:
    """When an entry opens or takes effect, and when it ends (Unix time, s; None: no end yet)."""
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
