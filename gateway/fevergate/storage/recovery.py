"""What can still be read of a damaged database, put into the new one while that is at work.

The damaged file is only read. Rows come from both ends of each table, so that a bad page in the
middle costs what lies on it; readings are counted as they come in, as if they had just arrived,
and whatever is there already stays as it is.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from fevergate.errors import StoreError
from fevergate.storage import epochs
from fevergate.storage.connection import connect
from fevergate.storage.reading_batch import COLUMNS
from fevergate.storage.store import Store

log = logging.getLogger(__name__)

STEP = 512
"""Rows put in at once: what arrives meanwhile waits for no longer."""

REST_S = 0.02

TABLES = {
    "fevers": ("kiosk", "boot", "seq"),
    "strikes": ("id",),
    "hours": ("kiosk", "hour"),
    "kiosks": ("kiosk",),
    "calibrations": ("kiosk", "at", "sensor"),
    "applied": ("kiosk",),
    "readings": ("kiosk", "boot", "seq"),
}
"""What is worth it, and each one's key, in this order: whatever is red comes first."""

Row = tuple[Any, ...]
Submit = Callable[[Callable[[Store], Any]], "Future[Any]"]


def fevers(aside: Path, store: Store) -> int:
    """Take over the fevers, which decide what is red; returns how many could be read."""
    count = 0
    try:
        database = connect(aside, read_only=True)
    except StoreError as error:
        log.error("nothing can be read of it: %s", error)
        return 0
    try:
        for names, rows in _rows(database, "fevers"):
            store.adopt("fevers", names, rows)
            count += len(rows)
    finally:
        database.close()
    return count


class Salvage:
    """Runs in its own thread from `start` on; `done` is told how many rows came over."""

    def __init__(self, aside: Path, submit: Submit, done: Callable[[dict[str, int]], object]):
        self._aside = aside
        self._submit = submit
        self._done = done
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="salvage", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; the damaged file stays where it is."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        counts = dict.fromkeys(TABLES, 0)
        try:
            database = connect(self._aside, read_only=True)
        except StoreError as error:
            log.error("nothing can be read of it: %s", error)
        else:
            try:
                self._submit(lambda store: epochs.adopt(store, database)).result()
                for table in TABLES:
                    counts[table] = self._table(database, table)
            except Exception:
                log.exception("taking over what is left of %s", self._aside)
            finally:
                database.close()
        log.warning("taken over from %s: %s", self._aside.name, counts)
        self._done(counts)

    def _table(self, database: sqlite3.Connection, table: str) -> int:
        count = 0
        for names, rows in _rows(database, table):
            if self._stopping.is_set():
                break
            self._submit(lambda store, n=names, r=rows: store.adopt(table, n, r)).result()
            count += len(rows)
            self._stopping.wait(REST_S)
        return count


def _rows(database: sqlite3.Connection, table: str) -> Iterator[tuple[list[str], list[Row]]]:
    """Steps of rows with their columns' names, from the first on, then from the last one back."""
    key = TABLES[table]
    names = ", ".join(key)
    columns = _reading_columns(database) if table == "readings" else "*"
    for order, beyond in (("asc", ">"), ("desc", "<")):
        last: Row | None = None
        limit = STEP
        while True:
            where = f"where ({names}) {beyond} ({', '.join('?' * len(key))})" if last else ""
            by = ", ".join(f"{name} {order}" for name in key)
            try:
                cursor = database.execute(
                    f"select {columns} from {table} {where} order by {by} limit {limit}",  # noqa: S608
                    last or (),
                )
                found = [name for name, *_ in cursor.description]
                rows = cursor.fetchall()
            except sqlite3.DatabaseError as error:
                if limit > 1:
                    limit = max(1, limit // 8)  # up to the very row before the bad page
                    continue
                log.warning("%s of %s: %s", table, order, error)
                break  # from the other end, if this was the first
            if rows:
                yield found, rows
                last = tuple(rows[-1][found.index(name)] for name in key)
            if len(rows) < limit:
                return


def _reading_columns(database: sqlite3.Connection) -> str:
    """Those of a reading; what an older gateway did not have is null."""
    try:
        have = {row[1] for row in database.execute("pragma table_info(readings)")}
    except sqlite3.DatabaseError:
        have = set()
    return ", ".join(name if name in have or not have else f"null as {name}" for name in COLUMNS)
