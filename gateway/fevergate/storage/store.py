"""The gateway's memory on disk: every reading once, committed before anybody is told so.

One `Store` writes (from the writer's thread); whoever reads opens `connection.open_reader`.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from fevergate.errors import StoreError
from fevergate.protocol.messages import Identity, Stored
from fevergate.storage.connection import Immediate, connect, is_damage, set_aside
from fevergate.storage.daily_rollup import Rollup
from fevergate.storage.reading_batch import Arrivals
from fevergate.storage.record_writer import Keeper
from fevergate.storage.records import (
    ReadingArrived,
    Record,
)
from fevergate.storage.schema import migrations
from fevergate.storage.sequence_set import Held

log = logging.getLogger(__name__)

DEFAULT_ZONE = ZoneInfo("Asia/Shanghai")

MAX_BOOTS = 1024
"""Boots that are remembered in memory; the others are looked up again."""

_ADOPTED = ("kiosk", "hour", "gate", "watched", "fault", "revision")
_ADOPT_HOUR = """
    insert into hours(kiosk, hour, gate, watched, fault, revision) values (?, ?, ?, ?, ?, ?)
    on conflict(kiosk, hour) do update set watched = watched | excluded.watched,
        fault = fault | excluded.fault, revision = max(revision, excluded.revision) + 1"""

Touched = dict[tuple[str, int], list[int]]
"""Sequence numbers by kiosk and boot."""


def open_store(path: Path, zone: ZoneInfo) -> tuple[Store, Path | None]:
    """The store at `path`; one that is damaged is set aside, never overwritten, and an empty one
    begun. Returns it, and where the damaged one is. Raises `StoreError`.
    """
    try:
        return Store(path, zone), None
    except StoreError as error:
        if not is_damage(error):
            raise
        aside = set_aside(path)
        return Store(path, zone), aside


def waiting(db: Database) -> list[tuple[str, Identity, float]]:
    """Unacknowledged fevers as (gate, identity, raised_at), the oldest first."""
    return [
        (gate, Identity(kiosk, boot, seq), raised_at)
        for gate, kiosk, boot, seq, raised_at in db.execute(
            "select gate, kiosk, boot, seq, raised_at from fevers"
            " where acknowledged_at is null order by raised_at"
        )
    ]


def raised(db: Database) -> Iterator[Identity]:
    """All fevers that were ever raised, the oldest boots first."""
    for row in db.execute("select kiosk, boot, seq from fevers order by boot, seq"):
        yield Identity(*row)


class Store:
    """The one writer. Every method may raise `StoreError`; then nothing of that call is kept."""

    def __init__(self, path: Path, zone: ZoneInfo = DEFAULT_ZONE) -> None:
        self.path = path
        self.zone = zone
        self._held: dict[tuple[str, int], Held] = {}
        self._closed = True
        self._open()

    def _open(self) -> None:
        self.db = Database(connect(self.path, read_only=False))
        try:
            self.db.conn.execute("pragma journal_mode = wal")
            # What is written is the newest of each kiosk: a quarter of a megabyte holds it.
            self.db.conn.execute("pragma cache_size = -256")
            # A power cut must not take back what a kiosk was told it may forget.
            self.db.conn.execute("pragma synchronous = full")
            migrations.apply(self.db)
            self._arrivals = Arrivals(self.db.conn)
            self._keeper = Keeper(self.db.conn, self._arrivals)
            self._rollup = Rollup(self.db, self.zone)
            self._rollup.adopt_zone()
            with self.transaction():
                # SQLite opens a file that it cannot write, and says so only here.
                self.db.execute("update meta set value = value where key = 'timezone'")
        except sqlite3.Error as error:
            self.db.close()
            raise StoreError(f"{self.path}: {error}") from error
        self._closed = False

    def close(self) -> None:
        self._closed = True
        self.db.close()

    def reopen(self) -> None:
        """Open the same file again: one that was opened while the card could not be written stays
        read-only for whoever opened it. Where that fails, the next `commit` tries again."""
        self.close()
        self.forget()
        self._open()

    def renew(self) -> Path:
        """Set a damaged database aside, and begin an empty one; returns where the old one is."""
        aside = set_aside(self.path)
        # Renamed first: closing writes what is in the log beside into the file, wherever that is.
        self.reopen()
        return aside

    def forget(self) -> None:
        """What is remembered of the file is read from it again."""
        self._held.clear()
        self._keeper.forget()

    def commit(self, batch: Sequence[Record]) -> Touched:
        """Write a batch in one durable transaction.

        Returns the readings in it, by kiosk and boot. A repeat is a no-op. Raises `StoreError`
        alone, whatever was the cause.
        """
        touched: Touched = {}
        if self._closed:
            self._open()
        try:
            with self.transaction():
                for record in batch:
                    self._keeper.write(record)
                self._keeper.flush()
                self._rollup.refresh()
            for record in batch:
                if isinstance(record, ReadingArrived):
                    kiosk, boot, seq = record.reading.identity
                    self._held_of(kiosk, boot).add(seq)
                    touched.setdefault((kiosk, boot), []).append(seq)
        except Exception as error:  # whatever a record makes some library raise
            self.forget()  # what was learnt from a batch that did not land must not be believed
            raise StoreError(f"{self.path}: {type(error).__name__}: {error}") from error
        return touched

    def stored(self, touched: Touched) -> list[tuple[str, Stored]]:
        """For each kiosk the messages that say what is held, above all of what was touched."""
        try:
            return [
                (kiosk, stored)
                for (kiosk, boot), seqs in touched.items()
                for stored in self._held_of(kiosk, boot).stored(boot, seqs)
            ]
        except Exception as error:
            raise StoreError(f"{self.path}: {error}") from error

    def transaction(self) -> Immediate:
        """`with store.transaction():` - all of it or nothing, and never a late 'locked'."""
        return Immediate(self.db.conn)

    def refresh_days(self) -> None:
        """Make the days of touched hours anew; within a transaction."""
        self._rollup.refresh()

    def waiting(self) -> list[tuple[str, Identity, float]]:
        """Unacknowledged fevers as (gate, identity, raised_at), the oldest first."""
        return waiting(self.db)

    def raised(self) -> Iterator[Identity]:
        """All fevers that were ever raised, the oldest boots first."""
        return raised(self.db)

    def adopt(self, table: str, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Take over rows of a damaged database; what is here already stays. Readings are of
        `reading_batch.COLUMNS`, and counted; of hours only coverage and revision are taken. A row
        that cannot be taken is left out. Raises what keeps any from being written."""
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
                        self._arrivals.add(row)
                    self._arrivals.flush()
                    self._rollup.refresh()
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
            self.forget()  # of this file there is more now than was known

    def _held_of(self, kiosk: str, boot: int) -> Held:
        held = self._held.get((kiosk, boot))
        if held is None or held.outdated:
            rows = self.db.execute(
                "select seq from readings where kiosk = ? and boot = ? order by seq", (kiosk, boot)
            )
            self._held.pop((kiosk, boot), None)
            while len(self._held) >= MAX_BOOTS:
                del self._held[next(iter(self._held))]
            held = self._held[kiosk, boot] = Held()
            for (seq,) in rows:
                held.add(seq)
                if held.full:  # all others are higher
                    break
            rows.close()
        return held
