"""The pages' own database: opened once, used from many threads, one at a time."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from sqlite_utils import Database

from fevergate.database import Immediate, connect
from fevergate.errors import StoreError
from fevergate.web.schema import migrations

MAX_AUDIT = 200_000
"""Looks that are kept; a year of a busy gate."""


class Noted(Struct, frozen=True):
    """One line of the audit; `at` is UTC s."""

    id: int
    at: float
    user: str
    action: str
    what: str


class WebStore:
    """`query` reads, `transaction` writes; neither ever runs beside another."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._lock = threading.RLock()
        self._now = now
        self._db = Database(connect(path, read_only=False))
        try:
            self._db.conn.execute("pragma journal_mode = wal")
            migrations.apply(self._db)
        except sqlite3.Error as error:
            self._db.close()
            raise StoreError(f"{path}: {error}") from error
        path.chmod(0o600)  # names and telephones

    def close(self) -> None:
        self._db.close()

    def query(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows."""
        with self._lock:
            return self._db.execute(sql, arguments).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing."""
        with self._lock, Immediate(self._db.conn):
            yield self._db.conn

    def note(self, user: str, action: str, what: str) -> None:
        """Write down who did or looked at what."""
        with self.transaction() as connection:
            connection.execute(
                "insert into audit(at, user, action, what) values (?, ?, ?, ?)",
                (self._now(), user, action, what),
            )
            connection.execute(
                "delete from audit where id <= (select max(id) from audit) - ?", (MAX_AUDIT,)
            )

    def audit(self, most: int, before: int | None = None) -> list[Noted]:
        """What was noted, the newest first, of what came before that number."""
        rows = self.query(
            "select id, at, user, action, what from audit where id < ? order by id desc limit ?",
            (before if before is not None else 2**62, most),
        )
        return [Noted(*row) for row in rows]
