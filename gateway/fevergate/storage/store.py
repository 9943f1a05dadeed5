"""The gateway's store: each reading is stored once, and committed before its kiosk is told.

One `Store`, in the writer's thread, writes; all others read through `connection.open_reader`.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from fevergate.errors import StoreError
from fevergate.protocol.messages import Identity, Stored
from fevergate.storage.connection import (
    connect,
    immediate_transaction,
    is_damage,
    migrate,
    set_aside,
)
from fevergate.storage.daily_rollup import DailyRollup
from fevergate.storage.reading_batch import ReadingBatch
from fevergate.storage.record_writer import RecordWriter
from fevergate.storage.records import ReadingArrived, Record
from fevergate.storage.schema import begin_epoch, migrations
from fevergate.storage.sequence_set import SequenceSet

log = logging.getLogger(__name__)

DEFAULT_ZONE = ZoneInfo("Asia/Shanghai")

MAX_BOOTS = 1024
"""Boots whose stored sequence numbers are cached; others are read again from the database."""

_ADOPTED = ("kiosk", "hour", "gate", "watched", "fault", "revision")
_ADOPT_HOUR = """
    insert into hours(kiosk, hour, gate, watched, fault, revision) values (?, ?, ?, ?, ?, ?)
    on conflict(kiosk, hour) do update set watched = watched | excluded.watched,
        fault = fault | excluded.fault, revision = max(revision, excluded.revision) + 1"""

_OF_EPOCH = ("epoch", "kiosk", "boot", "seq")
_ADOPT_EPOCH = "update readings set epoch = ? where kiosk = ? and boot = ? and seq = ?"
_ADOPT_SHARE = """
    update shares set revision = max(revision, :revision),
        forwarded = case :forwarded when :revision then max(revision, :revision) else 0 end
    where kiosk = :kiosk and hour = :hour and epoch = :epoch"""

Touched = dict[tuple[str, int], list[int]]
"""Sequence numbers by kiosk and boot."""


def open_store(path: Path, zone: ZoneInfo) -> tuple[Store, Path | None]:
    """Open the store at `path`; a damaged one is set aside and an empty one created.

    Returns the store and the path of the damaged one, if any. Raises `StoreError`.
    """
    try:
        return Store(path, zone), None
    except StoreError as error:
        if not is_damage(error):
            raise
        aside = set_aside(path)
        return Store(path, zone), aside


def waiting_fevers(db: Database) -> list[tuple[str, Identity, float]]:
    """Return the unacknowledged fevers as (gate, identity, raised_at in Unix time), the oldest
    first."""
    return [
        (gate, Identity(kiosk, boot, seq), raised_at)
        for gate, kiosk, boot, seq, raised_at in db.execute(
            "select gate, kiosk, boot, seq, raised_at from fevers"
            " where acknowledged_at is null order by raised_at"
        )
    ]


def raised_fevers(db: Database) -> Iterator[Identity]:
    """Yield all fevers that were ever raised, the oldest boots first."""
    for row in db.execute("select kiosk, boot, seq from fevers order by boot, seq"):
        yield Identity(*row)


class Store:
    """The writing side of the database. A method that raises `StoreError` has changed nothing."""

    def __init__(self, path: Path, zone: ZoneInfo = DEFAULT_ZONE) -> None:
        self.path = path
        self.zone = zone
        self._sequences: dict[tuple[str, int], SequenceSet] = {}
        self._closed = True
        self._open()

    def _open(self) -> None:
        self.db = Database(connect(self.path, read_only=False))
        try:
            self.db.conn.execute("pragma journal_mode = wal")
            # 256 KiB, because writes touch the newest rows of each kiosk only.
            self.db.conn.execute("pragma cache_size = -256")
            # A power cut must not undo a commit: the kiosk has deleted its reading by then.
            self.db.conn.execute("pragma synchronous = full")
            migrate(self.db, migrations)
            self._readings = ReadingBatch(self.db.conn)
            self._records = RecordWriter(self.db.conn, self._readings)
            self._rollup = DailyRollup(self.db, self.zone)
            self._rollup.adopt_zone()
            with self.transaction():
                # SQLite opens even a file that it cannot write: this write shows whether it can.
                begin_epoch(self.db.conn)
        except (StoreError, sqlite3.Error) as error:
            self.db.close()
            raise StoreError(f"{self.path}: {error}") from error
        self._closed = False

    def close(self) -> None:
        """Close the database."""
        self._closed = True
        self.db.close()

    def reopen(self) -> None:
        """Open the same file again, because a connection opened while the card was read-only stays
        read-only. If it fails, the next `commit` tries again."""
        self.close()
        self.forget()
        self._open()

    def renew(self) -> Path:
        """Set a damaged database aside and create an empty one; returns the old one's path."""
        aside = set_aside(self.path)
        # Closing writes the log into the file, so the file is renamed before.
        self.reopen()
        return aside

    def forget(self) -> None:
        """Drop all that is cached of the database."""
        self._sequences.clear()
        self._records.forget()

    def commit(self, batch: Sequence[Record]) -> Touched:
        """Write a batch in one durable transaction; returns its readings by kiosk and boot.

        A repeated reading, health or acknowledgement changes no figures. Raises `StoreError` for
        any error.
        """
        touched: Touched = {}
        if self._closed:
            self._open()
        try:
            with self.transaction():
                for record in batch:
                    self._records.write(record)
                self._records.flush()
                self._rollup.refresh()
            for record in batch:
                if isinstance(record, ReadingArrived):
                    kiosk, boot, seq = record.reading.identity
                    self._sequences_of(kiosk, boot).add(seq)
                    touched.setdefault((kiosk, boot), []).append(seq)
        except Exception as error:  # a record's values may make any library raise
            self.forget()  # the caches include the batch that was rolled back
            raise StoreError(f"{self.path}: {type(error).__name__}: {error}") from error
        return touched

    def stored(self, touched: Touched) -> list[tuple[str, Stored]]:
        """Return (kiosk, message) pairs that tell each kiosk which readings are stored."""
        try:
            return [
                (kiosk, stored)
                for (kiosk, boot), seqs in touched.items()
                for stored in self._sequences_of(kiosk, boot).stored(boot, seqs)
            ]
        except Exception as error:
            raise StoreError(f"{self.path}: {error}") from error

    def transaction(self) -> AbstractContextManager[None]:
        """Return a context manager for one transaction; the write lock is taken at its begin."""
        return immediate_transaction(self.db.conn)

    def refresh_days(self) -> None:
        """Compute the days of changed hours anew, within the caller's transaction."""
        self._rollup.refresh()

    def adopt(self, table: str, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows of a damaged database; rows that exist already are kept.

        Readings have the columns `reading_batch.COLUMNS` and the number of their epoch, and are
        counted; of hours only coverage and revision are taken, of shares only what was forwarded. A
        row that cannot be inserted is logged and left out. Raises `sqlite3.OperationalError` if no
        row can be written.
        """
        try:
            self._adopt(table, names, rows)
        except (sqlite3.OperationalError, sqlite3.NotSupportedError):
            raise
        except Exception as error:
            if len(rows) == 1:
                log.warning("left out of %s: %s: %s", table, type(error).__name__, error)
                return
            middle = len(rows) // 2
            self.adopt(table, names, rows[:middle])
            self.adopt(table, names, rows[middle:])

    def _adopt(self, table: str, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        try:
            with self.transaction():
                if table == "readings":
                    for row in rows:
                        self._readings.add(row[:-1])
                    self._readings.flush()
                    # Also for readings redelivered meanwhile: the campus server has counted them
                    # in the old epoch.
                    at = [names.index(name) for name in _OF_EPOCH]
                    self.db.conn.executemany(_ADOPT_EPOCH, [[row[n] for n in at] for row in rows])
                    self._rollup.refresh()
                elif table == "shares":
                    self.db.conn.executemany(
                        _ADOPT_SHARE, [dict(zip(names, row, strict=True)) for row in rows]
                    )
                elif table == "hours":
                    at = [names.index(name) for name in _ADOPTED]
                    self.db.conn.executemany(_ADOPT_HOUR, [[row[n] for n in at] for row in rows])
                    self._rollup.refresh()
                else:
                    places = ", ".join("?" * len(names))
                    self.db.conn.executemany(
                        f"insert or ignore into {table}({', '.join(names)}) values ({places})",  # noqa: S608 - a table's own columns
                        rows,
                    )
        finally:
            self.forget()  # the caches lack the new rows

    def _sequences_of(self, kiosk: str, boot: int) -> SequenceSet:
        sequences = self._sequences.get((kiosk, boot))
        if sequences is None or sequences.outdated:
            rows = self.db.execute(
                "select seq from readings where kiosk = ? and boot = ? order by seq", (kiosk, boot)
            )
            self._sequences.pop((kiosk, boot), None)
            while len(self._sequences) >= MAX_BOOTS:
                del self._sequences[next(iter(self._sequences))]
            sequences = self._sequences[kiosk, boot] = SequenceSet()
            for (seq,) in rows:
                sequences.add(seq)
                if sequences.full:  # the rows are in order, so all further numbers are higher
                    break
            rows.close()
        return sequences
