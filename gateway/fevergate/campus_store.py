"""What the gateways have sent, once each, at the highest revision that came.

Idempotent by key: gateways may repeat, reorder and arrive late.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from sqlite_utils import Database, Migrations

from fevergate.errors import CampusError
from fevergate.minutes import count
from fevergate.summaries import DaySummary, FeverEvent, HourSummary, Summary

migrations = Migrations("campus")

DAY_S = 86_400


@migrations()
def items(db: Database) -> None:
    """One row for each summary or fever; `at` is when what it speaks of began (UTC s)."""
    db.conn.execute(
        """
        create table items (
            campus text not null, gateway text not null, key text not null,
            kind text not null, at real not null, revision integer not null,
            payload text not null, received_at real not null,
            primary key (campus, gateway, key)
        ) strict, without rowid"""
    )
    db.conn.execute("create index items_at on items(kind, at)")


@dataclass
class KioskToday:
    """One kiosk's day so far."""

    kiosk: str
    gate: str
    normal: int = 0
    fever: int = 0
    retry: int = 0
    watched_minutes: int = 0
    fault_minutes: int = 0


@dataclass
class CampusToday:
    """The last of one campus."""

    campus: str
    heard_at: float
    kiosks: list[KioskToday] = field(default_factory=list)
    fevers: list[FeverEvent] = field(default_factory=list)

    @property
    def screened(self) -> int:
        return sum(kiosk.normal + kiosk.fever for kiosk in self.kiosks)

    @property
    def unacknowledged(self) -> int:
        return sum(fever.acknowledged_at is None for fever in self.fevers)


@dataclass(frozen=True)
class Received:
    """How much has arrived: readings in hourly summaries, and fever events."""

    readings: int
    fevers: int


class CampusStore:
    """The campus server's database; every call may come from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            connection = sqlite3.connect(
                path, timeout=30, check_same_thread=False, isolation_level=None
            )
            connection.execute("pragma journal_mode = wal")
            # A gateway forgets what we say that we hold.
            connection.execute("pragma synchronous = full")
            self.db = Database(connection)
            migrations.apply(self.db)
        except sqlite3.Error as error:
            raise CampusError(f"{path}: {error}") from error

    def close(self) -> None:
        self.db.close()

    def keep(self, campus: str, gateway: str, items: Sequence[Summary]) -> list[str]:
        """Commit a delivery; returns the keys that are held now.

        Raises `CampusError` where the disk refuses; then nothing of it is kept.
        """
        rows = [
            (
                campus,
                gateway,
                item.key,
                type(item).__struct_config__.tag,
                _at(item),
                item.revision,
                msgspec.json.encode(item).decode(),
                time.time(),
            )
            for item in items
        ]
        with self._lock:
            try:
                self.db.conn.execute("begin immediate")
                self.db.conn.executemany(
                    "insert into items values (?, ?, ?, ?, ?, ?, ?, ?)"
                    " on conflict(campus, gateway, key) do update set"
                    " at = excluded.at, revision = excluded.revision,"
                    " payload = excluded.payload, received_at = excluded.received_at"
                    " where excluded.revision > revision",
                    rows,
                )
                self.db.conn.execute("commit")
            except sqlite3.Error as error:
                if self.db.conn.in_transaction:
                    self.db.conn.execute("rollback")
                raise CampusError(f"{self._path}: {error}") from error
        return [item.key for item in items]

    def today(self, zone: ZoneInfo, now: float | None = None) -> list[CampusToday]:
        """The current day of every campus that was ever heard of."""
        moment = datetime.fromtimestamp(time.time() if now is None else now, zone)
        start = moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        with self._lock:
            heard = list(
                self.db.execute(
                    "select campus, max(received_at) from items group by campus order by campus"
                )
            )
            rows = list(
                self.db.execute(
                    "select campus, kind, payload from items"
                    " where kind in ('hour', 'fever') and at >= ? order by at",
                    (start,),
                )
            )
        campuses = {campus: CampusToday(campus, heard_at) for campus, heard_at in heard}
        kiosks: dict[tuple[str, str], KioskToday] = {}
        for campus, kind, payload in rows:
            if kind == "fever":
                event = msgspec.json.decode(payload, type=FeverEvent)
                campuses[campus].fevers.append(event)
                continue
            hour = msgspec.json.decode(payload, type=HourSummary)
            today = kiosks.get((campus, hour.kiosk))
            if today is None:
                today = kiosks[campus, hour.kiosk] = KioskToday(hour.kiosk, hour.gate)
                campuses[campus].kiosks.append(today)
            today.normal += hour.normal
            today.fever += hour.fever
            today.retry += hour.retry
            today.watched_minutes += count(hour.watched)
            today.fault_minutes += count(hour.fault)
        return list(campuses.values())


def _at(item: Summary) -> float:
    match item:
        case HourSummary():
            return item.hour
        case FeverEvent():
            return item.at
        case DaySummary():
            # The day's own zone is the gateway's; to file it, the date is enough.
            return (date.fromisoformat(item.date) - date(1970, 1, 1)).days * DAY_S


def received(path: Path) -> Received:
    """Count what a campus server holds, beside the running server."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        readings = connection.execute(
            "select coalesce(sum(payload ->> 'normal' + payload ->> 'fever'"
            " + payload ->> 'retry'), 0) from items where kind = 'hour'"
        ).fetchone()[0]
        fevers = connection.execute("select count(*) from items where kind = 'fever'").fetchone()[0]
    finally:
        connection.close()
    return Received(int(readings), fevers)
