"""Database of the desk: looks that a guard kept, checks and calibrations. It does not store who was
measured.

It is separate from the gateway's database, which only the gateway's process writes, so that the
desk never delays a reading. Rows are added and never changed, with two exceptions: a guard's name
is deleted from a look after `persons_days`, and the look itself after `raw_days`.
"""

import sqlite3
import time
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import asdict
from sqlite_utils import Database, Migrations

from fevergate.desk import gateway_reader
from fevergate.desk.daily_check import Check
from fevergate.desk.gateway_reader import RaisedFever
from fevergate.desk.scan import Look
from fevergate.errors import StoreError
from fevergate.protocol.messages import CalibrationRecord
from fevergate.settings.gateway import Desk, GatewaySettings
from fevergate.storage.connection import (
    immediate_transaction,
    open_sound,
    read_rows,
)
from fevergate.storage.coverage_bits import DAY_S
from kiosk.calibration import Calibration

migrations = Migrations("fevergate-desk")


@migrations()
def first(db: Database) -> None:
    """Create tables of looks (some linked to a kiosk's fever), checks and calibrations."""
    db.conn.execute(
        """
        create table looks (
            id integer primary key, at real not null, "by" text not null, why text not null,
            kiosk text, boot integer, seq integer,
            sensor text not null, site text not null, calibrated integer not null,
            checked integer not null,
            verdict text not null, reason text not null, threshold_c real not null,
            object_c real not null, can_c real not null, skin_c real not null,
            body_c real not null, samples integer not null, scan_ms integer not null,
            pec_errors integer not null, bus_errors integer not null
        ) strict"""
    )
    db.conn.execute("create index looks_at on looks(at)")
    db.conn.execute(
        """
        create table checks (
            id integer primary key, at real not null, "by" text not null, sensor text not null,
            reference text not null, reference_c real not null, measured_c real not null,
            tolerance_c real not null, can_c real not null, pec_errors integer not null,
            bus_errors integer not null, passed integer not null
        ) strict"""
    )
    db.conn.execute("create index checks_at on checks(at)")
    db.conn.execute(
        """
        create table calibrations (
            sensor text not null, at real not null, "by" text not null, method text not null,
            offset_c real not null, gain real not null, can_over_air_c real not null,
            uncertainty_c real not null, primary key (sensor, at)
        ) strict, without rowid"""
    )


@migrations()
def supply_of_calibration(db: Database) -> None:
    """Add the supply voltage (V) that was set when the sensor was calibrated."""
    db.conn.execute("alter table calibrations add column supply_v real")


class DeskStore:
    """The desk's database, open until `close`; one transaction per call. Raises `StoreError`."""

    def __init__(self, settings: GatewaySettings, desk: Desk) -> None:
        self._settings = settings
        self._path = settings.path(desk.database)
        self._db = open_sound(self._path, migrations)

    def close(self) -> None:
        self._db.close()

    def add_look(self, look: Look, by: str, why: str, fever: RaisedFever | None) -> None:
        """Add a look, and delete looks and names that are too old."""
        row = {"at": time.time(), "by": by, "why": why} | asdict(look)
        if fever:
            row |= {"kiosk": fever.kiosk, "boot": fever.boot, "seq": fever.seq}
        self._add("looks", row)
        self._forget()

    def add_check(self, check: Check, by: str) -> None:
        """Add a check."""
        self._add("checks", {"at": time.time(), "by": by} | asdict(check))

    def add_calibration(self, record: CalibrationRecord) -> None:
        """Add a calibration, which then applies to its sensor."""
        self._add("calibrations", asdict(record))

    def _add(self, table: str, row: dict[str, Any]) -> None:
        try:
            with immediate_transaction(self._db.conn):
                self._db.table(table).insert(row)
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {error}") from error

    def _forget(self) -> None:
        """Delete old looks and names, by the time of the gateway's last deletion round, when the
        gateway's clock had been checked."""
        now = gateway_reader.believed_time(self._settings)
        if now is None:
            return
        keep = self._settings.retention
        with immediate_transaction(self._db.conn):
            self._db.conn.execute("delete from looks where at < ?", (now - keep.raw_days * DAY_S,))
            self._db.conn.execute(
                "update looks set \"by\" = '' where at < ? and \"by\" != ''",
                (now - keep.persons_days * DAY_S,),
            )


def newest(
    settings: GatewaySettings, desk: Desk, table: str, most: int, sensor: str | None = None
) -> list[dict[str, Any]]:
    """Up to `most` rows of `looks`, `checks` or `calibrations`, newest first, of one sensor or of
    all (None); empty if there is no database. Needs no write permission. Raises `StoreError`."""
    query = (
        f"select * from {table} where ?1 is null or sensor = ?1"  # noqa: S608 - a table's name
        " order by at desc limit ?2"
    )
    return read_rows(settings.path(desk.database), query, sensor, most)


def calibration_of(settings: GatewaySettings, desk: Desk, sensor: str) -> Calibration:
    """The newest calibration of this sensor; one that changes nothing if there is none. Raises
    `StoreError`."""
    for row in newest(settings, desk, "calibrations", 1, sensor):
        names = ("sensor", "offset_c", "gain", "can_over_air_c")
        return Calibration(**{name: row[name] for name in names})
    return Calibration()


class LastCheck(Struct, frozen=True, kw_only=True):
    """A check in the database; `difference_c` is measured minus reference temperature."""

    at: float
    by: str
    difference_c: float
    passed: bool

    def state(self, now: float) -> Literal["passed", "failed", "old"]:
        """State at `now` (Unix time, s). A check with a date in the future, from a wrong clock, is
        "old" too."""
        if not self.passed:
            return "failed"
        return "passed" if 0 <= now - self.at <= DAY_S else "old"


def last_check(settings: GatewaySettings, desk: Desk, sensor: str | None) -> LastCheck | None:
    """The newest check of a sensor, or of any sensor (None); None without a check. Raises
    `StoreError`."""
    for row in newest(settings, desk, "checks", 1, sensor):
        difference_c = row["measured_c"] - row["reference_c"]
        return LastCheck(
            at=row["at"], by=row["by"], difference_c=difference_c, passed=bool(row["passed"])
        )
    return None
