"""Writes batches of readings to PostgreSQL: durably, and each reading once.

Rows go by binary COPY into a temporary table and from there into the tables. Measured, the client
spends a quarter of the time that arrays of parameters take, and a thirtieth of one row per
statement. Rows are inserted in order of their identity, so that collectors with the same readings
cannot deadlock.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import make_conninfo

from fevergate.collect.calendar import Calendar
from fevergate.collect.intake import (
    AT,
    COLUMNS,
    DAY,
    IDENTITY,
    RECEIVED_AT,
    UP_MS,
    CollectRejected,
    Item,
    Row,
    rejected,
)
from fevergate.collect.partitions import Partitions
from fevergate.collect.schema import prepare
from fevergate.collect.statements import (
    BOOTS,
    COPY,
    DATE_AT_ONCE,
    DATE_KEYS,
    DATE_READINGS,
    INSERT,
    REJECT,
    TRIM,
    UNDATED,
    UNDATED_LOCKED,
)
from fevergate.errors import CollectError, StoreError
from fevergate.protocol.messages import FIRST_AT, LAST_AT, ROOT
from fevergate.settings.collector import CollectSettings
from fevergate.settings.gateway import read_secret

log = logging.getLogger(__name__)

CONNECT_S = 5
STATEMENT_S = 60
"""Limit of a statement, and of waiting for a TCP acknowledgement; then we connect anew."""

REJECTED_A_BATCH = 100
"""Distinct rejected messages of one batch that are stored: garbage must not delay readings."""

TRIM_EVERY = 1000
"""Rejected messages after which the table `rejected` is trimmed."""

MAX_BOOTS = 100_000
"""Boots remembered in memory whose start is stored."""


class CollectStore:
    """Store over one connection, which is opened when needed and again after a failure.

    Every method may raise `StoreError`: the call may have had no effect, and can be repeated with
    the same arguments; or `CollectError`: repeating it cannot help.
    """

    def __init__(self, settings: CollectSettings, name: str) -> None:
        self._settings = settings
        self._name = name
        self.calendar = Calendar(settings.zone, settings.partitions.keep_days)
        self._connection: psycopg.Connection | None = None
        self._partitions: Partitions | None = None
        self._boots: dict[tuple[str, str, int], None] = {}
        self._untrimmed = 0
        self.new = 0
        """Readings that were not stored before."""
        self.repeats = 0
        self.dated = 0
        """Readings that came without a date and were dated later."""

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def commit(self, items: Sequence[Item]) -> None:
        """Write a batch durably. A reading that is stored already is only dated, if it was not."""
        refused = [item for item in items if isinstance(item, CollectRejected)]
        rows = _once(item for item in items if not isinstance(item, CollectRejected))
        with self._at_work() as connection:
            try:
                new = self._write(connection, rows)
            except psycopg.DataError:
                new, more = self._one_by_one(connection, rows)
                refused += more
            self._quarantine(connection, refused)
            self.new += new
            self.repeats += len(items) - len(refused) - new
            if new < len(rows) or any(row[AT] is None for row in rows) or self._new_boots(rows):
                self._date(connection, rows)
                for row in rows:
                    if row[AT] is not None:
                        self._remember(row)

    def housekeep(self, now: float) -> None:
        """Create partitions ahead, trim `rejected`, drop days older than `keep_days`."""
        wanted = self._settings.partitions
        today = self.calendar.day(now)
        with self._at_work() as connection:
            parts = self._parts()
            parts.ensure([today + timedelta(days=n) for n in range(wanted.ahead_days + 1)])
            self._trim(connection)
            if wanted.keep_days is None:
                return
            first = today - timedelta(days=wanted.keep_days)
            connection.execute("delete from boots where day < %s", [first])
            for day in parts.drop_before(first):
                log.info("dropped the readings of %s", day)

    @contextmanager
    def _at_work(self) -> Iterator[psycopg.Connection]:
        """Yield the connection; its errors close it and become a one-line `StoreError`."""
        try:
            if self._connection is None or self._connection.closed:
                self._connect()
            assert self._connection  # noqa: S101 - made above
            yield self._connection
        except (psycopg.Error, OSError) as error:
            self.close()
            raise StoreError(" ".join(str(error).split()) or type(error).__name__) from error

    def _connect(self) -> None:
        given = self._settings.database
        more: dict[str, Any] = {}
        if given.password_file:
            more["password"] = read_secret(self._settings.path(given.password_file))
        if given.ca:
            more |= {"sslmode": "verify-full", "sslrootcert": self._settings.path(given.ca)}
        try:
            where = make_conninfo(
                given.url,
                connect_timeout=CONNECT_S,
                application_name=f"fevergate-collect-{self._name}",
                tcp_user_timeout=STATEMENT_S * 1000,
                **more,
            )
        except psycopg.ProgrammingError as error:
            raise CollectError(f"database.url: {' '.join(str(error).split())}") from error
        connection = psycopg.connect(where, autocommit=True)
        try:
            connection.execute(
                "select set_config('statement_timeout', %s, false)", [f"{STATEMENT_S}s"]
            )
            # Acknowledged messages must be on disk; a stricter setting is kept.
            connection.execute(
                "select set_config('synchronous_commit', 'on', false)"
                " where current_setting('synchronous_commit') = 'off'"
            )
            prepare(connection, self._settings.timezone)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._partitions = Partitions(connection)
        self._boots.clear()  # may be another database than before

    def _parts(self) -> Partitions:
        assert self._partitions  # noqa: S101 - made with the connection
        return self._partitions

    def _write(self, connection: psycopg.Connection, rows: list[Row]) -> int:
        """Insert rows; returns how many were new."""
        if not rows:
            return 0
        days = {row[DAY] for row in rows}
        self._parts().ensure(days)
        try:
            return self._insert(connection, rows)
        except pg.CheckViolation:  # its partition was dropped meanwhile
            self._parts().forget()
            self._parts().ensure(days)
            return self._insert(connection, rows)

    def _insert(self, connection: psycopg.Connection, rows: list[Row]) -> int:
        with connection.transaction(), connection.cursor() as cursor:
            with cursor.copy(COPY) as copy:
                copy.set_types(list(COLUMNS.values()))
                for row in rows:
                    copy.write_row(row)
            cursor.execute(INSERT)
            new = cursor.rowcount
            if boots := self._new_boots(rows):
                cursor.executemany(
                    BOOTS,
                    [(*boot, *when) for boot, when in sorted(boots.items())],
                )
        return new

    def _one_by_one(
        self, connection: psycopg.Connection, rows: list[Row]
    ) -> tuple[int, list[CollectRejected]]:
        """Insert rows one by one; returns how many were new, and those that PostgreSQL refused."""
        new, refused = 0, []
        for row in rows:
            try:
                new += self._write(connection, [row])
            except psycopg.DataError as error:
                said = dict(zip(COLUMNS, row, strict=True))
                topic = f"{ROOT}/{said['campus']}/{said['kiosk']}/reading"
                reason = f"database: {' '.join(str(error).split())}"
                refused.append(rejected(topic, reason, repr(said).encode(), row[RECEIVED_AT]))
        return new, refused

    def _new_boots(self, rows: list[Row]) -> dict[tuple[str, str, int], tuple[float, date]]:
        """Start (Unix time, s) and day of boots in `rows` that are not remembered as stored."""
        return {
            row[:3]: (row[AT] - row[UP_MS] / 1000, row[DAY])
            for row in rows
            if row[AT] is not None and row[:3] not in self._boots
        }

    def _remember(self, row: Row) -> None:
        if len(self._boots) >= MAX_BOOTS:
            self._boots.clear()
        self._boots[row[:3]] = None

    def _date(self, connection: psycopg.Connection, rows: list[Row]) -> None:
        """Date the undated readings of these boots, and move each row to its day.

        The date is the reading's own where it came again with one, else the start of its boot plus
        its uptime. Runs after the commit in a transaction of its own: if two collectors receive the
        undated and the dated readings of a boot at the same time, the later one sees both.
        """
        own = {row[:4]: row[AT] for row in rows if row[AT] is not None}
        boots = [list(column) for column in zip(*{row[:3] for row in rows}, strict=True)]
        found: list[Any] = [None] * DATE_AT_ONCE if boots else []

        def dated(
            key: tuple[Any, ...], received_at: float, up_ms: int, booted_at: float
        ) -> tuple[float | None, date]:
            at: float | None = own.get(key, booted_at + up_ms / 1000)
            if at is not None and not FIRST_AT <= at <= LAST_AT:
                at = None  # the boot's start comes from hostile input
            return at, self.calendar.place(at, received_at)

        while len(found) == DATE_AT_ONCE:
            found = connection.execute(UNDATED, boots).fetchall()
            if not found:
                return
            # Partitions first: creating one waits for a lock, and must not hold row locks then.
            self._parts().ensure({dated(one[:4], *one[5:])[1] for one in found})
            with connection.transaction():
                found = connection.execute(UNDATED_LOCKED, boots).fetchall()
                moves = [(*dated(one[:4], *one[5:]), *one[:5]) for one in found]
                columns = ("at", "to", *IDENTITY, "day")
                given = {name: [move[n] for move in moves] for n, name in enumerate(columns)}
                connection.execute(DATE_READINGS, given)
                connection.execute(DATE_KEYS, given)
            self.dated += len(moves)

    def _quarantine(self, connection: psycopg.Connection, refused: list[CollectRejected]) -> None:
        """Store each distinct message with its number of occurrences, which is too high where a
        batch was repeated."""
        found: dict[bytes, tuple[CollectRejected, int]] = {}
        for one in refused:
            first, times = found.get(one.digest, (one, 0))
            found[one.digest] = first, times + 1
        kept = sorted(found.items())[:REJECTED_A_BATCH]
        if not kept:
            return
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(
                REJECT,
                [
                    (digest, times, one.topic, one.reason, one.head, one.size, *when)
                    for digest, (one, times) in kept
                    for when in [(one.received_at, one.received_at)]
                ],
            )
        self._untrimmed += len(kept)
        if self._untrimmed >= TRIM_EVERY:
            self._trim(connection)

    def _trim(self, connection: psycopg.Connection) -> None:
        self._untrimmed = 0
        connection.execute(TRIM)


def _once(rows: Iterable[Row]) -> list[Row]:
    """Each reading once, in order of identity; a dated copy is preferred to an undated one."""
    found: dict[Any, Row] = {}
    for row in rows:
        before = found.setdefault(row[:4], row)
        if before[AT] is None and row[AT] is not None:
            found[row[:4]] = row
    return [found[key] for key in sorted(found)]
