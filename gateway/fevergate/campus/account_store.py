"""Accounts and audit of the campus server, in its database, so that several servers share them."""

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

import sqlalchemy as sa
from sqlalchemy import text

from fevergate.campus.database import CampusDatabase
from fevergate.web_common.store import AuditedStore, Connection


class PeopleStore(AuditedStore):
    """Runs the statements of `web_common.accounts` on SQLite or PostgreSQL."""

    def __init__(self, database: CampusDatabase, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._thread = local()

    def clock(self) -> float:
        return self._now()

    def query(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
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


class _Bound:
    """A connection that accepts `?` and `:name` as parameters."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        if isinstance(parameters, dict):
            return self._connection.execute(text(sql), parameters)
        numbers = itertools.count()
        named = re.sub(r"\?", lambda _: f":p{next(numbers)}", sql)
        return self._connection.execute(
            text(named), {f"p{n}": value for n, value in enumerate(parameters)}
        )

    def rows(self, sql: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.execute(sql, arguments)]
