"""Writes each kind of record into the gateway's tables, within the caller's transaction."""

import sqlite3
from typing import Any

import msgspec

from fevergate.clock.judge import AHEAD_S, LATE_S, PAST_S
from fevergate.clock.votes import AGREE_S
from fevergate.protocol.messages import STORED, Applied, Identity, Verdict
from fevergate.storage.coverage_bits import HOUR_S, span_masks
from fevergate.storage.reading_batch import STAY_LATE, ReadingBatch
from fevergate.storage.records import (
    Acknowledged,
    HealthArrived,
    LampsTested,
    ReadingArrived,
    Record,
    Rejected,
    SettingsApplied,
    StatusArrived,
)

MAX_REJECTED = 10_000
"""Rejected messages kept; the oldest are deleted first, so that a flood cannot fill the disk."""

MAX_CALIBRATIONS = 1000
"""Most calibrations kept of one kiosk, those applied last: a stolen kiosk could invent more."""

MAX_BOOTS = 1024
"""Boots whose start time is cached; others are learnt again from their next date."""

MAX_EARLY = 1000
"""Acknowledgements kept in memory for fevers that are not stored yet."""

HEAD_BYTES = 256
"""Bytes kept of a rejected message."""

_SEEN = """
    insert into kiosks(kiosk, gate, last_seen, status, health)
    values (:kiosk, :gate, :at, coalesce(:status, ''), :health)
    on conflict(kiosk) do update set gate = excluded.gate,
        last_seen = max(last_seen, excluded.last_seen),
        status = coalesce(:status, status), health = coalesce(excluded.health, health)"""

# Keeps the hour's largest drift. The revision stays, so that nothing is forwarded again.
_DRIFTED = """
    update hours set drift_c = iif(abs(coalesce(drift_c, 0)) > abs(?1), drift_c, ?1)
    where kiosk = ?2 and hour = ?3"""

_DATE = """
    update readings set at = :began_at + up_ms / 1000.0
    where kiosk = :kiosk and boot = :boot and at is null and (
        :began_at + up_ms / 1000.0 between received_at - :past_s and received_at + :ahead_s
        or (:began_at + up_ms / 1000.0 <= :now + :agree_s
            and abs(:began_at + up_ms / 1000.0 - claimed_at) <= :agree_s))"""

_ACKNOWLEDGE = """
    update fevers set acknowledged_at = ?, acknowledged_by = ?, revision = revision + 1
    where acknowledged_at is null"""


class RecordWriter:
    """Writes records; readings are gathered in a `ReadingBatch` until `flush`."""

    def __init__(self, connection: sqlite3.Connection, readings: ReadingBatch) -> None:
        self._connection = connection
        self._readings = readings
        self._boot_began_at: dict[tuple[str, int], float] = {}
        self._last_seen: dict[str, dict[str, Any]] = {}
        self._early: dict[Identity, tuple[float, str]] = {}

    def forget(self) -> None:
        """Drop what was gathered and learnt, after a rollback."""
        self._boot_began_at.clear()
        self._last_seen.clear()
        self._readings.forget()

    def write(self, record: Record) -> None:
        """Write a record; a repeated reading, health or acknowledgement changes no figures."""
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
                self._connection.execute(
                    "insert into rejected(received_at, topic, reason, head, size)"
                    " values (?, ?, ?, ?, ?)",
                    (received_at, topic[:256], reason, payload[:HEAD_BYTES], len(payload)),
                )
                self._connection.execute(
                    "delete from rejected where id <= (select max(id) from rejected) - ?",
                    (MAX_REJECTED,),
                )
            case Acknowledged():
                self._write_acknowledged(record)
            case LampsTested(gate, by, at, whole):
                self._connection.execute(
                    "insert into lamp_tests(gate, at, by, whole) values (?, ?, ?, ?)",
                    (gate, at, by, whole),
                )

    def _write_acknowledged(self, record: Acknowledged) -> None:
        acknowledged = (record.at, record.by)
        for identity in record.fevers:
            cursor = self._connection.execute(
                f"{_ACKNOWLEDGE} and kiosk = ? and boot = ? and seq = ?",
                (*acknowledged, *identity),
            )
            if not cursor.rowcount:
                # The fever is not stored yet, or was acknowledged before (then this has no effect).
                while len(self._early) >= MAX_EARLY:
                    del self._early[next(iter(self._early))]
                self._early.setdefault(identity, acknowledged)
        if record.gate is not None:
            self._connection.execute(f"{_ACKNOWLEDGE} and gate = ?", (*acknowledged, record.gate))

    def _write_reading(self, record: ReadingArrived) -> None:
        fields = msgspec.structs.astuple(record.reading)[STORED]
        kiosk, boot, seq, at, up_ms, verdict, *rest = fields
        if at is not None:
            self._date((kiosk, boot), at, up_ms)
        elif (began_at := self._boot_began_at.get((kiosk, boot))) is not None:
            at = began_at + up_ms / 1000
            if not record.received_at - PAST_S <= at <= record.received_at + AHEAD_S:
                at = None
        arrival = (record.received_at, record.gate, record.claimed_at)
        self._readings.add((kiosk, boot, seq, at, up_ms, verdict.value, *rest, *arrival))
        if record.person is not None:
            self._connection.execute(
                "insert or ignore into presences(kiosk, boot, seq, at, gate, person, verdict)"
                " values (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(kiosk, boot, seq, record.received_at if at is None else at),
                    *(record.gate, record.person, verdict.value),
                ),
            )
        if verdict is Verdict.FEVER:
            acknowledged = self._early.get(record.reading.identity, (None, None))
            raised_at = record.raised_at or record.received_at
            self._connection.execute(
                "insert or ignore into fevers"
                "(kiosk, boot, seq, gate, raised_at, acknowledged_at, acknowledged_by)"
                " values (?, ?, ?, ?, ?, ?, ?)",
                (kiosk, boot, seq, record.gate, raised_at, *acknowledged),
            )
        self._seen(kiosk, record.gate, record.received_at)

    def flush(self) -> None:
        """Write what was gathered; to be called before the transaction ends."""
        self._readings.flush()
        self._connection.executemany(_SEEN, self._last_seen.values())
        self._last_seen.clear()

    def _write_applied(self, applied: Applied, received_at: float) -> None:
        self._connection.execute(
            "insert or replace into applied(kiosk, version, error, answered_at)"
            " values (?, ?, ?, ?)",
            (applied.kiosk, applied.version, applied.error, received_at),
        )
        if applied.calibration:
            # Applied again after each connection; the row of the first application stays.
            row = msgspec.structs.asdict(applied.calibration)
            new = self._connection.execute(
                "insert or ignore into calibrations values"
                " (:kiosk, :sensor, :at, :by, :method, :offset_c, :gain, :can_over_air_c,"
                " :uncertainty_c, :applied_at, :supply_v)",
                row | {"kiosk": applied.kiosk, "applied_at": received_at},
            )
            if new.rowcount:
                self._connection.execute(
                    "delete from calibrations where (kiosk, at, sensor) in"
                    " (select kiosk, at, sensor from calibrations where kiosk = ?"
                    " order by applied_at desc limit -1 offset ?)",
                    (applied.kiosk, MAX_CALIBRATIONS),
                )

    def _write_health(self, record: HealthArrived) -> None:
        health = record.health
        if health.at is not None:
            self._date((health.kiosk, health.boot), health.at, health.up_ms)
        at = health.at if record.at is None else record.at
        if at is not None:
            if health.watched_s:
                late = record.received_at - at > LATE_S
                for hour, mask in span_masks(at - health.watched_s, at):
                    self._cover(health.kiosk, record.gate, hour, watched=mask, late=late)
            if health.fault or health.state != "ok":
                for hour, mask in span_masks(at, at):
                    self._cover(health.kiosk, record.gate, hour, fault=mask)
            if health.drift and health.drift_c is not None:
                hour = int(at // HOUR_S) * HOUR_S
                self._connection.execute(_DRIFTED, (health.drift_c, health.kiosk, hour))
        self._seen(
            health.kiosk,
            record.gate,
            record.received_at,
            health=msgspec.json.encode(health).decode(),
        )

    def _cover(
        self,
        kiosk: str,
        gate: str,
        hour: int,
        *,
        watched: int = 0,
        fault: int = 0,
        late: bool = False,
    ) -> None:
        self._connection.execute(
            "insert into hours(kiosk, hour, gate, watched, fault, late, revision)"  # noqa: S608
            " values (?, ?, ?, ?, ?, ?, 1) on conflict(kiosk, hour) do update set"
            " revision = revision + (watched | excluded.watched != watched"
            " or fault | excluded.fault != fault"
            " or excluded.watched & ~excluded.late & late != 0),"
            f" watched = watched | excluded.watched, fault = fault | excluded.fault, {STAY_LATE}",
            (kiosk, hour, gate, watched, fault, watched if late else 0),
        )

    def _date(self, boot: tuple[str, int], at: float, up_ms: int) -> None:
        """Learn when a boot began (`at` minus uptime), and date its earlier, undated readings.

        A reading gets the date that its uptime gives if this is plausible for its time of arrival.
        It also gets that date if it is not after `at` and agrees with the date that was refused
        (`claimed_at`): then our clock was wrong, and with it the time of arrival.
        """
        began_at = at - up_ms / 1000
        if boot not in self._boot_began_at:
            while len(self._boot_began_at) >= MAX_BOOTS:
                del self._boot_began_at[next(iter(self._boot_began_at))]
            self.flush()  # some of the boot's readings may still be gathered
            self._connection.execute(
                _DATE,
                {
                    "kiosk": boot[0],
                    "boot": boot[1],
                    "began_at": began_at,
                    "now": at,
                    "ahead_s": AHEAD_S,
                    "past_s": PAST_S,
                    "agree_s": AGREE_S,
                },
            )
        self._boot_began_at[boot] = began_at

    def _seen(
        self,
        kiosk: str,
        gate: str,
        at: float,
        *,
        status: str | None = None,
        health: str | None = None,
    ) -> None:
        row = self._last_seen.setdefault(
            kiosk, {"kiosk": kiosk, "at": at, "status": None, "health": None}
        )
        row["gate"] = gate
        row["at"] = max(at, row["at"])
        row["status"] = status or row["status"]
        row["health"] = health or row["health"]
