"""The web database with its audit: one connection, used by many threads in turn."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from msgspec import Struct

from fevergate.storage.statements import Connection, Parameters, SqliteStatements
from fevergate.web_common.audit_forgetting import without_others
from fevergate.web_common.schema import migrations

AUDIT_S = 400 * 86400.0
"""Age (s) at which an audit entry is deleted."""

FORGOTTEN_AT_ONCE = 500
"""Most entries that are processed in one transaction."""

REPEATED_S = 60.0
"""A repeat of an audit entry within this time (s) is counted in that entry."""


class AuditEntry(Struct, frozen=True):
    """One entry of the audit; `at` is a Unix time (s), `times` counts repeats within a minute."""

    id: int
    at: float
    user: str
    action: str
    what: str
    times: int = 1


class AuditedStore(ABC):
    """A database that holds accounts and the audit of who did or read what."""

    @abstractmethod
    def query(self, sql: str, arguments: Parameters = ()) -> list[tuple[Any, ...]]:
        """All rows of a query; each `?` takes an argument."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Connection]:
        """A transaction: committed at the end, rolled back on an exception."""

    @abstractmethod
    def clock(self) -> float:
        """Unix time (s)."""

    def note(self, user: str, action: str, text: str) -> None:
        """Add an audit entry. A repeat within a minute is counted in the first entry, so that
        nobody can flood the audit. Entries are deleted only by age."""
        now = self.clock()
        with self.transaction() as connection:
            repeat = connection.execute(
                "update audit set times = times + 1 where id = (select max(id) from audit"
                ' where "user" = ? and action = ? and what = ? and at > ?)',
                (user, action, text, now - REPEATED_S),
            )
            if repeat.rowcount:
                return
            connection.execute(
                'insert into audit(at, "user", action, what) values (?, ?, ?, ?)',
                (now, user, action, text),
            )
            connection.execute("delete from audit where at < ?", (now - AUDIT_S,))

    def forget_others(self, before: float) -> int:
        """Remove other people's names and their numbers in the list (`without_others`) from entries
        older than `before` (Unix time, s), which still say who did what. Returns the number of
        entries."""
        forgotten = 0
        while rows := self.query(
            "select id, action, what from audit where forgotten = 0 and at < ? order by at limit ?",
            (before, FORGOTTEN_AT_ONCE),
        ):
            with self.transaction() as connection:
                for id_, action, text in rows:
                    shortened = without_others(action, text)
                    forgotten += shortened != text
                    connection.execute(
                        "update audit set what = ?, forgotten = 1 where id = ?", (shortened, id_)
                    )
        return forgotten

    def audit(self, limit: int, before: int | None = None) -> list[AuditEntry]:
        """At most `limit` audit entries, the newest first, with ids below `before`."""
        rows = self.query(
            'select id, at, "user", action, what, times from audit where id < ?'
            " order by id desc limit ?",
            (before if before is not None else 2**62, limit),
        )
        return [AuditEntry(*row) for row in rows]


class WebStore(SqliteStatements, AuditedStore):
    """The web database in SQLite; `query` and `transaction` exclude each other."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        super().__init__(path, migrations, now)
