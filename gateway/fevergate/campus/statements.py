"""`Statements` on the campus server's database, SQLite or PostgreSQL."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

import sqlalchemy as sa
from sqlalchemy import text

from fevergate.campus.database import CampusDatabase
from fevergate.storage.statements import Connection, Parameters


class CampusStatements:
    """Runs the statements of stores that also exist at gateways (`storage.statements`)."""

    def __init__(self, database: CampusDatabase, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._thread = local()

    def clock(self) -> float:
        return self._now()

    def query(self, sql: str, arguments: Parameters = ()) -> list[tuple[Any, ...]]:
        within: _Bound | None = getattr(self._thread, "within", None)
        if within:  # the transaction must see its own writes
            return within.rows(sql, arguments)
        with self._database.read() as connection:
            return _Bound(connection).rows(sql, arguments)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._database.write() as connection:
            self._thread.within = _Bound(connection)
            try:
                yield self._thread.within
            finally:
                self._thread.within = None


class BoundStatements:
    """Runs the same statements within one transaction of the campus server's database."""

    def __init__(self, connection: sa.Connection, now: Callable[[], float]) -> None:
        self._bound = _Bound(connection)
        self._now = now

    def clock(self) -> float:
        return self._now()

    def query(self, sql: str, arguments: Parameters = ()) -> list[tuple[Any, ...]]:
        return self._bound.rows(sql, arguments)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        yield self._bound


class _Bound:
    """A connection that accepts `?` and `:name` as parameters."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        return self._connection.execute(_named(sql), _values(parameters))

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> None:
        if values := [_values(part) for part in parameters]:
            self._connection.execute(_named(sql), values)

    def rows(self, sql: str, arguments: Parameters) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.execute(sql, arguments)]


def _named(sql: str) -> sa.TextClause:
    numbers = itertools.count()
    return text(re.sub(r"\?", lambda _: f":p{next(numbers)}", sql))


def _values(parameters: Any) -> dict[str, Any]:
    if isinstance(parameters, dict):
        return parameters
    return {f"p{number}": value for number, value in enumerate(parameters)}
