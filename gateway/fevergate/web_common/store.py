"""The pages' own database: opened once, used from many threads, one at a time."""

from __future__ import annotations

import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct
from sqlite_utils import Database

from fevergate.errors import StoreError
from fevergate.storage.connection import Immediate, connect, open_sound
from fevergate.web_common.schema import migrations

AUDIT_S = 400 * 86400.0
REPEATED_S = 60.0


class Result(Protocol):
    """What a statement did."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...


class Connection(Protocol):
    """What a transaction writes with: `?`, or `:name` and a dict."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Result: ...


class Noted(Struct, frozen=True):
    """One line of the audit; `at` is UTC s, `times` how often within a minute."""

    id: int
    at: float
    user: str
    action: str
    what: str
    times: int = 1


class Notebook(ABC):
    """What accounts are kept in, and who did or looked at what."""

    @abstractmethod
    def query(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows; `?` for each argument."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Connection]:
        """All of it or nothing."""

    @abstractmethod
    def clock(self) -> float:
        """UTC s."""

    def note(self, user: str, action: str, what: str) -> None:
        """Write down who did or looked at what. The same again within a minute is counted in one
        line, so that nobody can push out what was noted before; it goes by age."""
        now = self.clock()
        with self.transaction() as connection:
            again = connection.execute(
                "update audit set times = times + 1 where id = (select max(id) from audit"
                ' where "user" = ? and action = ? and what = ? and at > ?)',
                (user, action, what, now - REPEATED_S),
            )
            if again.rowcount:
                return
            connection.execute(
                'insert into audit(at, "user", action, what) values (?, ?, ?, ?)',
                (now, user, action, what),
            )
            connection.execute("delete from audit where at < ?", (now - AUDIT_S,))

    def audit(self, most: int, before: int | None = None) -> list[Noted]:
        """What was noted, the newest first, of what came before that number."""
        rows = self.query(
            'select id, at, "user", action, what, times from audit where id < ?'
            " order by id desc limit ?",
            (before if before is not None else 2**62, most),
        )
        return [Noted(*row) for row in rows]


class WebStore(Notebook):
    """`query` reads, `transaction` writes; neither ever runs beside another."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._lock = threading.RLock()
        self._now = now
        self._db = open_sound(path, lambda: _open(path))
        path.chmod(0o600)  # names and telephones

    def close(self) -> None:
        self._db.close()

    def clock(self) -> float:
        return self._now()

    def query(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, arguments).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._lock, Immediate(self._db.conn):
            yield self._db.conn


def _open(path: Path) -> Database:
    database = Database(connect(path, read_only=False))
    try:
        database.conn.execute("pragma journal_mode = wal")
        migrations.apply(database)
    except sqlite3.Error as error:
        database.close()
        raise StoreError(f"{path}: {error}") from error
    return database
