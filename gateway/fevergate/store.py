"""The gateway's memory on disk: every reading once, committed before anybody is told so.

One `Store` writes (from the writer's thread); whoever reads opens `database.open_reader`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlite_utils import Database

from fevergate.arrivals import Arrivals
from fevergate.database import Immediate, connect
from fevergate.errors import StoreError
from fevergate.held import Held
from fevergate.minutes import span_masks
from fevergate.protocol import Applied, Identity, Stored, Verdict
from fevergate.records import (
    Acknowledged,
    HealthArrived,
    ReadingArrived,
    Record,
    Rejected,
    SettingsApplied,
    StatusArrived,
)
from fevergate.rollup import Rollup
from fevergate.schema import migrations

MAX_REJECTED = 10_000
"""Quarantined messages kept; the oldest go first, so that a flood cannot fill the disk."""

DEFAULT_ZONE = ZoneInfo("Asia/Shanghai")

MAX_BOOTS = 1024
"""Boots that are remembered in memory; the others are looked up again."""

MAX_EARLY = 1000
"""Acknowledgements kept of fevers that are not stored yet."""

HEAD_BYTES = 256
"""How much of a rejected message is kept."""

_SEEN = """
    insert into kiosks(kiosk, gate, last_seen, status, health)
    values (:kiosk, :gate, :at, coalesce(:status, ''), :health)
    on conflict(kiosk) do update set gate = excluded.gate,
        last_seen = max(last_seen, excluded.last_seen),
        status = coalesce(:status, status), health = coalesce(excluded.health, health)"""

_ACKNOWLEDGE = """
    update fevers set acknowledged_at = ?, acknowledged_by = ?, revision = revision + 1
    where acknowledged_at is null"""

Touched = dict[tuple[str, int], list[int]]
"""Sequence numbers by kiosk and boot."""


class Store:
    """The one writer. Every method may raise `StoreError`; then nothing of that call is kept."""

    def __init__(self, path: Path, zone: ZoneInfo = DEFAULT_ZONE) -> None:
        self.path = path
        self.db = Database(connect(path, read_only=False))
        try:
            self.db.conn.execute("pragma journal_mode = wal")
            # A power cut must not take back what a kiosk was told it may forget.
            self.db.conn.execute("pragma synchronous = full")
            migrations.apply(self.db)
            self._arrivals = Arrivals(self.db.conn)
            self._rollup = Rollup(self.db, zone)
            self._rollup.adopt_zone()
        except sqlite3.Error as error:
            self.db.close()
            raise StoreError(f"{path}: {error}") from error
        self._held: dict[tuple[str, int], Held] = {}
        self._clock: dict[tuple[str, int], float] = {}
        self._last_words: dict[str, dict[str, Any]] = {}
        self._early: dict[Identity, tuple[float, str]] = {}

    def close(self) -> None:
        self.db.close()

    def commit(self, batch: Sequence[Record]) -> Touched:
        """Write a batch in one durable transaction.

        Returns the readings in it, by kiosk and boot. A repeat is a no-op.
        """
        try:
            with self.transaction():
                for record in batch:
                    self._write(record)
                self._flush()
                self._rollup.refresh()
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            # What was learnt from a batch that did not land must not be believed.
            self._held.clear()
            self._clock.clear()
            self._arrivals.forget()
            self._last_words.clear()
            raise StoreError(f"{self.path}: {error}") from error
        touched: Touched = {}
        for record in batch:
            if isinstance(record, ReadingArrived):
                kiosk, boot, seq = record.reading.identity
                self._held_of(kiosk, boot).add(seq)
                touched.setdefault((kiosk, boot), []).append(seq)
        return touched

    def stored(self, touched: Touched) -> list[tuple[str, Stored]]:
        """For each kiosk the messages that say what is held, above all of what was touched."""
        return [
            (kiosk, stored)
            for (kiosk, boot), seqs in touched.items()
            for stored in self._held_of(kiosk, boot).stored(boot, seqs)
        ]

    def transaction(self) -> Immediate:
        """`with store.transaction():` - all of it or nothing, and never a late 'locked'."""
        return Immediate(self.db.conn)

    def waiting(self) -> list[tuple[str, Identity, float]]:
        """Unacknowledged fevers as (gate, identity, raised_at), the oldest first."""
        return [
            (gate, Identity(kiosk, boot, seq), raised_at)
            for gate, kiosk, boot, seq, raised_at in self.db.execute(
                "select gate, kiosk, boot, seq, raised_at from fevers"
                " where acknowledged_at is null order by raised_at"
            )
        ]

    def raised(self) -> Iterator[Identity]:
        """All fevers that were ever raised, the oldest boots first."""
        for row in self.db.execute("select kiosk, boot, seq from fevers order by boot, seq"):
            yield Identity(*row)

    def _held_of(self, kiosk: str, boot: int) -> Held:
        held = self._held.get((kiosk, boot))
        if held is None:
            rows = self.db.execute(
                "select seq from readings where kiosk = ? and boot = ? order by seq", (kiosk, boot)
            )
            while len(self._held) >= MAX_BOOTS:
                del self._held[next(iter(self._held))]
            held = self._held[kiosk, boot] = Held(seq for (seq,) in rows)
        return held

    def _write(self, record: Record) -> None:
        match record:
            case ReadingArrived():
                self._write_reading(record)
            case HealthArrived():
                self._write_health(record)
            case StatusArrived(kiosk, status, received_at, gate):
                self._seen(kiosk, gate, received_at, status=status)
            case SettingsApplied(applied, received_at, gate):
                self._write_applied(applied, received_at)
                self._seen(applied.kiosk, gate, received_at)
            case Rejected(topic, reason, payload, received_at):
                self.db.conn.execute(
                    "insert into rejected(received_at, topic, reason, head, size)"
                    " values (?, ?, ?, ?, ?)",
                    (received_at, topic[:256], reason, payload[:HEAD_BYTES], len(payload)),
                )
                self.db.conn.execute(
                    "delete from rejected where id <= (select max(id) from rejected) - ?",
                    (MAX_REJECTED,),
                )
            case Acknowledged():
                self._write_acknowledged(record)

    def _write_acknowledged(self, record: Acknowledged) -> None:
        done = (record.at, record.by)
        for identity in record.fevers:
            cursor = self.db.conn.execute(
                f"{_ACKNOWLEDGE} and kiosk = ? and boot = ? and seq = ?", (*done, *identity)
            )
            if not cursor.rowcount:
                # A guard's word overtakes what waits for the disk.
                while len(self._early) >= MAX_EARLY:
                    del self._early[next(iter(self._early))]
                self._early.setdefault(identity, done)
        if record.gate is not None:
            self.db.conn.execute(
                f"{_ACKNOWLEDGE} and gate = ? and raised_at <= ?", (*done, record.gate, record.at)
            )

    def _write_reading(self, record: ReadingArrived) -> None:
        _, kiosk, boot, seq, at, up_ms, verdict, *rest = msgspec.structs.astuple(record.reading)
        if at is not None:
            self._date((kiosk, boot), at, up_ms)
        elif (began_at := self._clock.get((kiosk, boot))) is not None:
            at = began_at + up_ms / 1000
        row = (kiosk, boot, seq, at, up_ms, verdict.value, *rest, record.received_at, record.gate)
        self._arrivals.add(row)
        if verdict is Verdict.FEVER:
            seen_to = self._early.get(record.reading.identity, (None, None))
            raised_at = record.raised_at or record.received_at
            self.db.conn.execute(
                "insert or ignore into fevers"
                "(kiosk, boot, seq, gate, raised_at, acknowledged_at, acknowledged_by)"
                " values (?, ?, ?, ?, ?, ?, ?)",
                (kiosk, boot, seq, record.gate, raised_at, *seen_to),
            )
        self._seen(kiosk, record.gate, record.received_at)

    def _flush(self) -> None:
        """Write what was gathered of this batch."""
        self._arrivals.flush()
        self.db.conn.executemany(_SEEN, self._last_words.values())
        self._last_words.clear()

    def _write_applied(self, applied: Applied, received_at: float) -> None:
        self.db.conn.execute(
            "insert or replace into applied(kiosk, version, error, answered_at)"
            " values (?, ?, ?, ?)",
            (applied.kiosk, applied.version, applied.error, received_at),
        )
        if applied.calibration:
            # It is applied anew after each connection; the first time counts.
            row = msgspec.structs.asdict(applied.calibration)
            self.db.conn.execute(
                "insert or ignore into calibrations values"
                " (:kiosk, :sensor, :at, :by, :method, :offset_c, :gain, :can_over_air_c,"
                " :uncertainty_c, :applied_at)",
                row | {"kiosk": applied.kiosk, "applied_at": received_at},
            )

    def _write_health(self, record: HealthArrived) -> None:
        health = record.health
        if health.at is not None:
            self._date((health.kiosk, health.boot), health.at, health.up_ms)
            if health.watched_s:
                for hour, mask in span_masks(health.at - health.watched_s, health.at):
                    self._cover(health.kiosk, record.gate, hour, watched=mask)
            if health.state != "ok":
                for hour, mask in span_masks(health.at, health.at):
                    self._cover(health.kiosk, record.gate, hour, fault=mask)
        self._seen(
            health.kiosk,
            record.gate,
            record.received_at,
            health=msgspec.json.encode(health).decode(),
        )

    def _cover(self, kiosk: str, gate: str, hour: int, *, watched: int = 0, fault: int = 0) -> None:
        self.db.conn.execute(
            "insert into hours(kiosk, hour, gate, watched, fault, revision)"
            " values (?, ?, ?, ?, ?, 1) on conflict(kiosk, hour) do update set"
            " revision = revision + (watched | excluded.watched != watched"
            " or fault | excluded.fault != fault),"
            " watched = watched | excluded.watched, fault = fault | excluded.fault",
            (kiosk, hour, gate, watched, fault),
        )

    def _date(self, boot: tuple[str, int], at: float, up_ms: int) -> None:
        """Learn when a boot began, and date what it said before its clock was set."""
        began_at = at - up_ms / 1000
        if boot not in self._clock:
            while len(self._clock) >= MAX_BOOTS:
                del self._clock[next(iter(self._clock))]
            self._flush()  # it may be among these
            self.db.conn.execute(
                "update readings set at = ? + up_ms / 1000.0"
                " where kiosk = ? and boot = ? and at is null",
                (began_at, *boot),
            )
        self._clock[boot] = began_at

    def _seen(
        self,
        kiosk: str,
        gate: str,
        at: float,
        *,
        status: str | None = None,
        health: str | None = None,
    ) -> None:
        word = self._last_words.setdefault(
            kiosk, {"kiosk": kiosk, "at": at, "status": None, "health": None}
        )
        word["gate"] = gate
        word["at"] = max(at, word["at"])
        word["status"] = status or word["status"]
        word["health"] = health or word["health"]
