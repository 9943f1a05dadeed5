"""Copies what can be read of a damaged database into the new one while the gateway works.

The damaged file is only read. Each table is read from both ends, so that a bad page costs only the
rows on it. Copied readings are counted like new ones, and rows that exist already are kept.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from fevergate.errors import StoreError
from fevergate.storage import epochs
from fevergate.storage.connection import connect
from fevergate.storage.reading_batch import COLUMNS
from fevergate.storage.store import Store
from fevergate.system.periodic_thread import PeriodicThread

log = logging.getLogger(__name__)

BATCH_ROWS = 512
"""Rows copied in one transaction; new readings have to wait for it."""

PAUSE_S = 0.02
"""Pause between two batches."""

TABLES = {
    "fevers": ("kiosk", "boot", "seq"),
    "strikes": ("id",),
    "hours": ("kiosk", "hour"),
    "kiosks": ("kiosk",),
    "calibrations": ("kiosk", "at", "sensor"),
    "applied": ("kiosk",),
    "readings": ("kiosk", "boot", "seq"),
    "shares": ("kiosk", "hour", "epoch"),
}
"""Tables to copy, in this order, with their keys; fevers first, since they decide what is red."""

OF_EPOCH = {
    "readings": ", ".join((*COLUMNS, "epoch")),
    "shares": "kiosk, hour, revision, forwarded, epoch",
}
"""Tables of which only these columns are copied; the last column is the number of an epoch."""

Row = tuple[Any, ...]
Submit = Callable[[Callable[[Store], Any]], "Future[Any]"]


def fevers(aside: Path, store: Store) -> int:
    """Copy the fevers, which decide what is red; returns how many could be read."""
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


class Salvage(PeriodicThread):
    """Copies a damaged database in a thread of its own; calls `done` with the rows copied by
    table."""

    def __init__(self, aside: Path, submit: Submit, done: Callable[[dict[str, int]], object]):
        super().__init__("salvage", 0.0)
        self._aside = aside
        self._submit = submit
        self._done = done

    def run(self) -> None:
        """Copy every table once, or until `stop`; the damaged file is kept."""
        counts = dict.fromkeys(TABLES, 0)
        try:
            database = connect(self._aside, read_only=True)
        except StoreError as error:
            log.error("nothing can be read of it: %s", error)
        else:
            try:
                numbers = self._submit(lambda store: epochs.adopt_epochs(store, database)).result()
                for table in TABLES:
                    counts[table] = self._copy(database, table, numbers)
                if not self.stopping.is_set():
                    self._submit(lambda store: epochs.forward_adopted(store, numbers)).result()
            except Exception:
                log.exception("taking over what is left of %s", self._aside)
            finally:
                database.close()
        log.warning("taken over from %s: %s", self._aside.name, counts)
        self._done(counts)

    def _copy(self, database: sqlite3.Connection, table: str, numbers: dict[int, int]) -> int:
        count = 0
        for names, rows in _rows(database, table):
            if self.stopping.is_set():
                break
            if table in OF_EPOCH:
                unknown = numbers[epochs.UNKNOWN]
                rows = [(*row[:-1], numbers.get(row[-1], unknown)) for row in rows]
            self._submit(lambda store, n=names, r=rows: store.adopt(table, n, r)).result()
            count += len(rows)
            self.stopping.wait(PAUSE_S)
        return count


def _rows(database: sqlite3.Connection, table: str) -> Iterator[tuple[list[str], list[Row]]]:
    """Yield batches of (column names, rows): from the first row on, and from the last one back if a
    page is bad."""
    key = TABLES[table]
    names = ", ".join(key)
    columns = OF_EPOCH.get(table, "*")
    for order, beyond in (("asc", ">"), ("desc", "<")):
        last: Row | None = None
        limit = BATCH_ROWS
        while True:
            where = f"where ({names}) {beyond} ({', '.join('?' * len(key))})" if last else ""
            by = ", ".join(f"{name} {order}" for name in key)
            try:
                cursor = database.execute(
                    f"select {columns} from {table} {where} order by {by} limit {limit}",  # noqa: S608
                    last or (),
                )
                fields = [name for name, *_ in cursor.description]
                rows = cursor.fetchall()
            except sqlite3.DatabaseError as error:
                if limit > 1:
                    limit = max(1, limit // 8)  # to reach the last row before the bad page
                    continue
                log.warning("%s of %s: %s", table, order, error)
                break
            if rows:
                yield fields, rows
                last = tuple(rows[-1][fields.index(name)] for name in key)
            if len(rows) < limit:
                return
