"""The web database with its audit: one connection, used by many threads in turn."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from fevergate.storage.connection import immediate_transaction, open_sound
from fevergate.web_common.schema import migrations

AUDIT_S = 400 * 86400.0
"""Age at which an audit entry is deleted."""

REPEATED_S = 60.0
"""A repeat of an audit entry within this time is counted in that entry."""


class StatementResult(Protocol):
    """Result of a statement, as sqlite3 and SQLAlchemy give it."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...


class Connection(Protocol):
    """Runs the statements of a transaction; parameters are `?`, or `:name` with a dict."""

    def execute(self, sql: str, parameters: Any = ..., /) -> StatementResult: ...


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
    def query(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query; each `?` takes an argument."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Connection]:
        """A transaction: committed at the end, rolled back on an exception."""

    @abstractmethod
    def clock(self) -> float:
        """Unix time (s)."""

    def note(self, user: str, action: str, what: str) -> None:
        """Add an audit entry. A repeat within a minute is counted in the entry before it, so that
        nobody can flood the audit; entries are deleted by age alone."""
        now = self.clock()
        with self.transaction() as connection:
            repeat = connection.execute(
                "update audit set times = times + 1 where id = (select max(id) from audit"
                ' where "user" = ? and action = ? and what = ? and at > ?)',
                (user, action, what, now - REPEATED_S),
            )
            if repeat.rowcount:
                return
            connection.execute(
                'insert into audit(at, "user", action, what) values (?, ?, ?, ?)',
                (now, user, action, what),
            )
            connection.execute("delete from audit where at < ?", (now - AUDIT_S,))

    def audit(self, limit: int, before: int | None = None) -> list[AuditEntry]:
        """At most `limit` audit entries, the newest first, with ids below `before`."""
        rows = self.query(
            'select id, at, "user", action, what, times from audit where id < ?'
            " order by id desc limit ?",
            (before if before is not None else 2**62, limit),
        )
        return [AuditEntry(*row) for row in rows]


class WebStore(AuditedStore):
    """The web database in SQLite; `query` and `transaction` exclude each other."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._lock = threading.RLock()
        self._now = now
        self._db = open_sound(path, migrations)

    def close(self) -> None:
        self._db.close()

    def clock(self) -> float:
        return self._now()

    def query(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, arguments).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._lock, immediate_transaction(self._db.conn):
            yield self._db.conn
