"""Deletes what is older than the settings allow: readings without a fever, and persons' names.

Counts, coverage and fevers are kept, so a day's log looks the same after years. Deletion runs in
short transactions of the writer's thread with pauses between them, so that it delays no reading.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from msgspec import Struct
from sqlite_utils import Database

from fevergate.settings.gateway import Retention
from fevergate.storage import meta
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.store import Store
from fevergate.system.periodic_thread import PeriodicThread

log = logging.getLogger(__name__)

BATCH_ROWS = 500
"""Rows of each kind deleted in one transaction."""

PAUSE_S = 0.05
"""Pause between two transactions."""

INTERVAL_S = 3600.0
FIRST_S = 120.0
"""Delay of the first round, since the gateway has other work at its start."""

LEAP_S = 30 * DAY_S
"""Advance of the clock since the last round beyond which it counts as a leap."""

DOUBT_S = 6 * 3600
"""How long the gateway must have run after a leap, summed over its runs, before anything is
deleted, even if the clock is believed. Network time that said 2099 for a moment must not make all
readings old."""

Submit = Callable[[Callable[[Store], Any]], "Future[Any]"]

_KEY = "(kiosk, boot, seq) in (select kiosk, boot, seq from"
_STEPS = {
    "readings": (
        "raw",
        f"delete from readings where {_KEY} readings"  # noqa: S608 - constants
        " where at < ? and verdict != 'fever' limit ?)",
    ),
    # With the conditions in this order SQLite uses the small index of undated readings.
    "undated": (
        "raw",
        f"delete from readings where {_KEY} readings"  # noqa: S608 - constants
        " where at is null and received_at < ? and verdict != 'fever' limit ?)",
    ),
    "names": (
        "persons",
        "update fevers set acknowledged_by = ''"  # noqa: S608 - constants
        f" where {_KEY} fevers where acknowledged_at < ? and acknowledged_by != '' limit ?)",
    ),
    "presences": (
        "persons",
        f"delete from presences where {_KEY} presences where at < ? limit ?)",  # noqa: S608
    ),
    "testers": (
        "persons",
        "update lamp_tests set by = '' where id in"
        " (select id from lamp_tests where at < ? and by != '' limit ?)",
    ),
    "rejected": (
        "persons",
        "delete from rejected where id in"
        " (select id from rejected where received_at < ? order by id limit ?)",
    ),
}


def step(store: Store, retention: Retention, now: float) -> dict[str, int]:
    """Delete at most `BATCH_ROWS` rows of each kind that are too old at `now` (Unix time, s);
    returns how many rows of each kind."""
    before = _before(retention, now)
    with store.transaction():
        return {
            name: store.db.conn.execute(statement, (before[kind], BATCH_ROWS)).rowcount
            for name, (kind, statement) in _STEPS.items()
        }


def last_round(database: Database) -> float | None:
    """Return the time of the last round (Unix time, s); other stores delete by this time, too."""
    at = meta.get(database, "housekept_at")
    return float(at) if at else None


def _note_round(store: Store, now: float) -> None:
    with store.transaction():
        meta.put(store.db, "housekept_at", now)
        store.db.execute("delete from meta where key = 'leapt_s'")


def _add_doubt(store: Store, run_s: float) -> float:
    """Add `run_s` to how long the gateway has run since a leap; returns the sum (s)."""
    with store.transaction():
        waited_s = float(meta.get(store.db, "leapt_s") or 0) + run_s
        meta.put(store.db, "leapt_s", waited_s)
    return waited_s


def _before(retention: Retention, now: float) -> dict[str, float]:
    return {
        "raw": now - retention.raw_days * DAY_S,
        "persons": now - retention.persons_days * DAY_S,
    }


class Kept(Struct, kw_only=True):
    """Date of the oldest reading without a fever (Unix time in s; None without any), and whether it
    should have been deleted."""

    oldest_at: float | None
    overdue: bool


def kept(database: Database, retention: Retention, now: float) -> Kept:
    """Return how far back readings go, to check that old ones are deleted."""
    row = database.execute(
        "select at from readings where at is not null and verdict != 'fever' order by at limit 1"
    ).fetchone()
    oldest_at = row[0] if row else None
    # What became too old in the last two hours is left to the next rounds.
    late = _before(retention, now)["raw"] - 2 * INTERVAL_S
    return Kept(oldest_at=oldest_at, overdue=oldest_at is not None and oldest_at < late)


class Housekeeper(PeriodicThread):
    """Deletes old rows each `INTERVAL_S`, in a thread of its own.

    `submit` runs work with the store in the writer's thread; `now` is Unix time (s), used only
    while `believed` returns true.
    """

    def __init__(
        self,
        retention: Retention,
        submit: Submit,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        believed: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__("retention", INTERVAL_S, first_s=FIRST_S)
        self._retention = retention
        self._submit = submit
        self._now = now
        self._monotonic = monotonic
        self._believed = believed
        self._doubted_at: float | None = None

    def tick(self) -> None:
        """Delete all that is too old."""
        if any(deleted := self.once().values()):
            log.info("too old, deleted: %s", deleted)

    def once(self) -> dict[str, int]:
        """Delete all that is too old; returns how many rows of each kind."""
        deleted = dict.fromkeys(_STEPS, 0)
        if not self._clock_is_believed():
            return deleted
        while not self.stopping.is_set():
            counts = self._submit(lambda store: step(store, self._retention, self._now())).result()
            for name, count in counts.items():
                deleted[name] += count
            if max(counts.values()) < BATCH_ROWS:
                break
            self.stopping.wait(PAUSE_S)
        return deleted

    def _clock_is_believed(self) -> bool:
        if not self._believed():
            return False
        now, up = self._now(), self._monotonic()
        last = self._submit(lambda store: last_round(store.db)).result()
        if last is not None and not last - DAY_S <= now <= last + LEAP_S:
            run_s = 0.0 if self._doubted_at is None else up - self._doubted_at
            self._doubted_at = up
            if self._submit(lambda store: _add_doubt(store, run_s)).result() < DOUBT_S:
                days = (now - last) / DAY_S
                log.warning("the clock leapt by %.0f days: nothing is deleted yet", days)
                return False
        self._doubted_at = None
        self._submit(lambda store: _note_round(store, now)).result()
        return True
