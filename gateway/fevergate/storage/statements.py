"""SQL statements of stores that a gateway has in SQLite, a campus server in SQLite or PostgreSQL.

Such a store is written once, against `Statements`: portable SQL (`insert ... on conflict ... do
update`, no feature of one database alone), with parameters as `?`, or as `:name` with a dict.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlite_utils import Migrations

from fevergate.storage.connection import immediate_transaction, open_sound

Parameters = tuple[Any, ...] | dict[str, Any]
"""Values for each `?` of a statement, or by name for each `:name`."""


class StatementResult(Protocol):
    """Result of a statement, as sqlite3 and SQLAlchemy give it."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...


class Connection(Protocol):
    """Runs the statements of a transaction."""

    def execute(self, sql: str, parameters: Any = ..., /) -> StatementResult: ...

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> object:
        """Run a statement once for each of many parameters."""
        ...


class Statements(Protocol):
    """A database: reads at any time, writes in transactions, which cannot be nested."""

    def query(self, sql: str, arguments: Parameters = ()) -> list[tuple[Any, ...]]:
        """All rows of a query. Within a transaction of this thread, the query sees what it has
        written."""
        ...

    def transaction(self) -> AbstractContextManager[Connection]:
        """A transaction: committed at the end, rolled back on an exception."""
        ...

    def clock(self) -> float:
        """Unix time (s)."""
        ...


class SqliteStatements:
    """`Statements` on a small SQLite file, readable to its owner only: one connection, used by many
    threads in turn. A damaged file is set aside, its readable rows are kept (`open_sound`).

    Raises `StoreError` where the file cannot be opened.
    """

    def __init__(
        self, path: Path, migrations: Migrations, now: Callable[[], float] = time.time
    ) -> None:
        self._lock = threading.RLock()
        self._now = now
        self._db = open_sound(path, migrations)

    def close(self) -> None:
        self._db.close()

    def clock(self) -> float:
        return self._now()

    def query(self, sql: str, arguments: Parameters = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, arguments).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._lock, immediate_transaction(self._db.conn):
            yield self._db.conn


class JoinedStatements:
    """`Statements` within a transaction that has begun, for code that opens transactions itself."""

    def __init__(self, store: Statements, connection: Connection) -> None:
        self._store = store
        self._connection = connection
        self.clock = store.clock

    def query(self, sql: str, arguments: Parameters = ()) -> list[tuple[Any, ...]]:
        return self._store.query(sql, arguments)  # sees what its thread's transaction wrote

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        yield self._connection
