"""What is old goes, a little at a time: readings without a fever, and the names of persons.

Counts, coverage and fevers stay, so that a day's log looks the same after years. Each step is a
short transaction of the writer's, with a rest between, so that what arrives never waits for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from msgspec import Struct
from sqlite_utils import Database

from fevergate.settings.gateway import Retention
from fevergate.storage.store import Store

log = logging.getLogger(__name__)

STEP = 500
REST_S = 0.05
EVERY_S = 3600.0
FIRST_S = 120.0
"""After a start there is other work."""

DAY_S = 86400

LEAP_S = 30 * DAY_S
"""By how much the clock may have gone on since the last time before it is doubted."""

DOUBT_S = 6 * 3600
"""How long the gateway must run, all its runs together, after such a leap before anything goes by
it, even if it is believed: network time that said 2099 for a moment must not take all readings
for old."""

Submit = Callable[[Callable[[Store], Any]], "Future[Any]"]

_KEY = "(kiosk, boot, seq) in (select kiosk, boot, seq from"
_STEPS = {
    "readings": (
        "raw",
        f"delete from readings where {_KEY} readings"  # noqa: S608 - constants
        " where at < ? and verdict != 'fever' limit ?)",
    ),
    # In this order SQLite takes the small index of what was never dated.
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
    """Take away at most `STEP` of each kind of what is older than `retention` at `now` (UTC s);
    returns how many of each."""
    before = _before(retention, now)
    with store.transaction():
        return {
            name: store.db.conn.execute(statement, (before[kind], STEP)).rowcount
            for name, (kind, statement) in _STEPS.items()
        }


def believed(database: Database) -> float | None:
    """The time by which old things went last (UTC s), for others who let them go."""
    row = database.execute("select value from meta where key = 'housekept_at'").fetchone()
    return float(row[0]) if row else None


def _remember_time(store: Store, now: float) -> None:
    with store.transaction():
        store.db.execute("insert or replace into meta values ('housekept_at', ?)", (str(now),))
        store.db.execute("delete from meta where key = 'leapt_s'")


def _wait(store: Store, gone_s: float) -> float:
    """Count how long the gateway has run since a leap (s); returns that."""
    with store.transaction():
        row = store.db.execute("select value from meta where key = 'leapt_s'").fetchone()
        waited_s = (float(row[0]) if row else 0.0) + gone_s
        store.db.execute("insert or replace into meta values ('leapt_s', ?)", (str(waited_s),))
    return waited_s


def _before(retention: Retention, now: float) -> dict[str, float]:
    return {
        "raw": now - retention.raw_days * DAY_S,
        "persons": now - retention.persons_days * DAY_S,
    }


class Kept(Struct, kw_only=True):
    """How far back a gateway's readings go (UTC s, None: there are none), and whether some are
    older than they should be."""

    oldest_at: float | None
    overdue: bool


def kept(database: Database, retention: Retention, now: float) -> Kept:
    """What there is in the database, for whoever wants to know that old readings do go."""
    row = database.execute(
        "select at from readings where at is not null and verdict != 'fever' order by at limit 1"
    ).fetchone()
    oldest_at = row[0] if row else None
    # What became old in the last hours is for the next round.
    late = _before(retention, now)["raw"] - 2 * EVERY_S
    return Kept(oldest_at=oldest_at, overdue=oldest_at is not None and oldest_at < late)


class Housekeeper:
    """Runs in its own thread between `start` and `stop`."""

    def __init__(
        self,
        retention: Retention,
        submit: Submit,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        believed: Callable[[], bool] = lambda: True,
    ) -> None:
        self._retention = retention
        self._submit = submit
        self._now = now
        self._monotonic = monotonic
        self._believed = believed
        self._doubted_at: float | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, between two steps."""
        self._stopping.set()
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def once(self) -> dict[str, int]:
        """Take away all that is too old; returns how many of each kind."""
        gone = dict.fromkeys(_STEPS, 0)
        if not self._clock_is_believed():
            return gone
        while not self._stopping.is_set():
            done = self._submit(lambda store: step(store, self._retention, self._now())).result()
            for name, count in done.items():
                gone[name] += count
            if max(done.values()) < STEP:
                break
            self._stopping.wait(REST_S)
        return gone

    def _clock_is_believed(self) -> bool:
        if not self._believed():
            return False
        now, up = self._now(), self._monotonic()
        last = self._submit(lambda store: believed(store.db)).result()
        if last is not None and not last - DAY_S <= now <= last + LEAP_S:
            gone_s = 0.0 if self._doubted_at is None else up - self._doubted_at
            self._doubted_at = up
            if self._submit(lambda store: _wait(store, gone_s)).result() < DOUBT_S:
                log.warning("the clock leapt by %.0f days: nothing goes yet", (now - last) / DAY_S)
                return False
        self._doubted_at = None
        self._submit(lambda store: _remember_time(store, now)).result()
        return True

    def _run(self) -> None:
        wait_s = FIRST_S
        while not self._stopping.wait(wait_s):
            wait_s = EVERY_S
            try:
                if any(gone := self.once().values()):
                    log.info("too old, gone: %s", gone)
            except Exception:
                log.exception("what is old stays for now")
