"""Writes batches of readings to PostgreSQL: durably, and each reading once.

Rows are copied by binary COPY into a temporary table and from there into the tables. As measured,
the client needs a quarter of the time for arrays of parameters, and a thirtieth of the time for one
row per statement. Rows are inserted in order of their identity, so that collectors with the same
readings cannot deadlock.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg import errors as pg

from fevergate.collect import statements
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
from fevergate.errors import CollectError, StoreError
from fevergate.protocol.messages import FIRST_AT, LAST_AT
from fevergate.protocol.topics import ROOT
from fevergate.settings.collector import CollectSettings
from fevergate.settings.settings_file import read_secret

log = logging.getLogger(__name__)

CONNECT_S = 5
STATEMENT_S = 60
"""Time limit for a statement and for a TCP acknowledgement; after it, we connect again."""

REJECTED_A_BATCH = 100
"""Most distinct rejected messages stored from one batch: invalid messages must not delay readings.
"""

TRIM_EVERY = 1000
"""Number of rejected messages after which the table `rejected` is trimmed."""

MAX_BOOTS = 100_000
"""Most boots that are remembered in memory because their start is stored."""


class CollectStore:
    """Store over one connection, which is opened when needed and again after a failure.

    Every method may raise `StoreError` or `CollectError`. After `StoreError`, the call may have had
    no effect and can be repeated with the same arguments; after `CollectError`, repeating it cannot
    help.
    """

    def __init__(self, settings: CollectSettings, name: str) -> None:
        self._settings = settings
        self._name = name
        self.calendar = Calendar(settings.zone, settings.partitions.keep_days)
        self._partitions: Partitions | None = None
        self._boots: dict[tuple[str, str, int], None] = {}
        self._untrimmed = 0
        self.new = 0
        """Number of readings that were not stored before."""
        self.repeats = 0
        self.dated = 0
        """Number of readings that came without a date and were dated later."""

    def close(self) -> None:
        if self._partitions:
            self._partitions.connection.close()
            self._partitions = None

    def commit(self, items: Sequence[Item]) -> None:
        """Write a batch durably. If a reading is stored already, only its missing date is added."""
        refused = [item for item in items if isinstance(item, CollectRejected)]
        rows = _once(item for item in items if not isinstance(item, CollectRejected))
        with self._connected() as partitions:
            try:
                new = self._write(partitions, rows)
            except psycopg.DataError:
                new, refusals = self._one_by_one(partitions, rows)
                refused += refusals
            self._quarantine(partitions.connection, refused)
            self.new += new
            self.repeats += len(items) - len(refused) - new
            if new < len(rows) or any(row[AT] is None for row in rows) or self._new_boots(rows):
                self._date(partitions, rows)
                if len(self._boots) >= MAX_BOOTS:
                    self._boots.clear()
                self._boots |= {row[:3]: None for row in rows if row[AT] is not None}

    def housekeep(self, now: float) -> None:
        """Create partitions for the coming days, trim `rejected`, and drop days older than
        `keep_days`; `now` is Unix time (s)."""
        settings = self._settings.partitions
        today = self.calendar.day(now)
        with self._connected() as partitions:
            partitions.ensure([today + timedelta(days=n) for n in range(settings.ahead_days + 1)])
            self._trim(partitions.connection)
            if settings.keep_days is None:
                return
            first = today - timedelta(days=settings.keep_days)
            partitions.connection.execute("delete from boots where day < %s", [first])
            for day in partitions.drop_before(first):
                log.info("dropped the readings of %s", day)

    @contextmanager
    def _connected(self) -> Iterator[Partitions]:
        """Yield the connection with its partitions. An error of the connection closes it and
        becomes a `StoreError` of one line."""
        try:
            if self._partitions is None or self._partitions.connection.closed:
                self._partitions = Partitions(self._connect())
                self._boots.clear()  # the new connection may lead to another database
            yield self._partitions
        except (psycopg.Error, OSError) as error:
            self.close()
            raise StoreError(" ".join(str(error).split()) or type(error).__name__) from error

    def _connect(self) -> psycopg.Connection:
        database = self._settings.database
        options: dict[str, Any] = {}
        if database.password_file:
            options["password"] = read_secret(self._settings.path(database.password_file))
        if database.ca:
            options |= {"sslmode": "verify-full", "sslrootcert": self._settings.path(database.ca)}
        try:
            connection = psycopg.connect(
                database.url,
                autocommit=True,
                connect_timeout=CONNECT_S,
                application_name=f"fevergate-collect-{self._name}",
                tcp_user_timeout=STATEMENT_S * 1000,
                **options,
            )
        except psycopg.ProgrammingError as error:
            raise CollectError(f"database.url: {' '.join(str(error).split())}") from error
        try:
            connection.execute(
                "select set_config('statement_timeout', %s, false)", [f"{STATEMENT_S}s"]
            )
            # Messages must be on disk before they are acknowledged; a stricter setting is kept.
            connection.execute(
                "select set_config('synchronous_commit', 'on', false)"
                " where current_setting('synchronous_commit') = 'off'"
            )
            prepare(connection, self._settings.timezone)
        except BaseException:
            connection.close()
            raise
        return connection

    def _write(self, partitions: Partitions, rows: list[Row]) -> int:
        """Insert rows; returns the number of new ones."""
        if not rows:
            return 0
        days = {row[DAY] for row in rows}
        partitions.ensure(days)
        try:
            return self._insert(partitions.connection, rows)
        except pg.CheckViolation:  # a row's partition was dropped meanwhile
            partitions.forget()
            partitions.ensure(days)
            return self._insert(partitions.connection, rows)

    def _insert(self, connection: psycopg.Connection, rows: list[Row]) -> int:
        with connection.transaction(), connection.cursor() as cursor:
            with cursor.copy(statements.COPY) as copy:
                copy.set_types(list(COLUMNS.values()))
                for row in rows:
                    copy.write_row(row)
            cursor.execute(statements.INSERT)
            new = cursor.rowcount
            if boots := self._new_boots(rows):
                cursor.executemany(
                    statements.BOOTS, [(*boot, *times) for boot, times in sorted(boots.items())]
                )
        return new

    def _one_by_one(
        self, partitions: Partitions, rows: list[Row]
    ) -> tuple[int, list[CollectRejected]]:
        """Insert rows one by one; returns the number of new rows, and the rows that PostgreSQL
        refused."""
        new, refused = 0, []
        for row in rows:
            try:
                new += self._write(partitions, [row])
            except psycopg.DataError as error:
                values = dict(zip(COLUMNS, row, strict=True))
                topic = f"{ROOT}/{values['campus']}/{values['kiosk']}/reading"
                reason = f"database: {' '.join(str(error).split())}"
                refused.append(rejected(topic, reason, repr(values).encode(), row[RECEIVED_AT]))
        return new, refused

    def _new_boots(self, rows: list[Row]) -> dict[tuple[str, str, int], tuple[float, date]]:
        """Start (Unix time, s) and day of boots in `rows` that are not remembered as stored."""
        return {
            row[:3]: (row[AT] - row[UP_MS] / 1000, row[DAY])
            for row in rows
            if row[AT] is not None and row[:3] not in self._boots
        }

    def _date(self, partitions: Partitions, rows: list[Row]) -> None:
        """Date the undated readings of the boots in `rows`, and move each reading to its day.

        If a reading came again with a date, it gets that date, otherwise the start of its boot plus
        its uptime. This runs after the commit, in a transaction of its own: if two collectors
        receive the undated and the dated readings of a boot at the same time, the later collector
        sees both.
        """
        connection = partitions.connection
        at_of = {row[:4]: row[AT] for row in rows if row[AT] is not None}
        boots = [list(column) for column in zip(*{row[:3] for row in rows}, strict=True)]

        def dated(
            key: tuple[Any, ...], received_at: float, up_ms: int, booted_at: float
        ) -> tuple[float | None, date]:
            at: float | None = at_of.get(key, booted_at + up_ms / 1000)
            if at is not None and not FIRST_AT <= at <= LAST_AT:
                at = None  # the boot's start comes from hostile input
            return at, self.calendar.place(at, received_at)

        while boots and (undated := connection.execute(statements.UNDATED, boots).fetchall()):
            # Partitions first: creating one waits for a lock; no row locks may be held meanwhile.
            partitions.ensure({dated(row[:4], *row[5:])[1] for row in undated})
            with connection.transaction():
                undated = connection.execute(statements.UNDATED_LOCKED, boots).fetchall()
                moves = [(*dated(row[:4], *row[5:]), *row[:5]) for row in undated]
                columns = ("at", "to", *IDENTITY, "day")
                values = {name: [move[n] for move in moves] for n, name in enumerate(columns)}
                connection.execute(statements.DATE_READINGS, values)
                connection.execute(statements.DATE_KEYS, values)
            self.dated += len(moves)
            if len(undated) < statements.DATE_AT_ONCE:
                return

    def _quarantine(self, connection: psycopg.Connection, refused: list[CollectRejected]) -> None:
        """Store each distinct rejected message with its number of occurrences. The number is too
        high if a batch was repeated."""
        times = Counter(item.digest for item in refused)
        first = {item.digest: item for item in reversed(refused)}
        items = sorted(first.items())[:REJECTED_A_BATCH]
        if not items:
            return
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(
                statements.REJECT,
                [asdict(item) | {"times": times[digest]} for digest, item in items],
            )
        self._untrimmed += len(items)
        if self._untrimmed >= TRIM_EVERY:
            self._trim(connection)

    def _trim(self, connection: psycopg.Connection) -> None:
        self._untrimmed = 0
        connection.execute(statements.TRIM)


def _once(rows: Iterable[Row]) -> list[Row]:
    """Return each reading once, in order of identity, and prefer a dated copy to an undated one."""
    readings: dict[Any, Row] = {}
    for row in rows:
        before = readings.setdefault(row[:4], row)
        if before[AT] is None and row[AT] is not None:
            readings[row[:4]] = row
    return [readings[key] for key in sorted(readings)]
