"""Turns changes in the gateway's store into items of the outbox, for the campus server.

Items are changed hours, the days they belong to, fevers, and a statement of each finished day. Each
is put into the outbox in the transaction that marks its rows as forwarded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlite_utils import Database

from fevergate.protocol.campus_messages import (
    DaySummary,
    FeverEvent,
    GatewayDay,
    HourSummary,
    KioskCount,
    Summary,
)
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.coverage_bits import day_bounds
from fevergate.storage.schema import struck
from fevergate.storage.store import Store
from fevergate.storage.strikes import spans_of

BATCH_ROWS = 200
"""Rows of each kind per transaction, so that the writer's thread is not held up."""

MAX_HOURS = 20_000
"""Hours that wait in the outbox: 83 days of ten kiosks. Older ones are dropped, since their day's
summary waits too; days and fevers are never dropped."""

GRACE_S = 300
"""Time after midnight from which a day counts as over: its last readings may come late."""

MAX_DAYS = 31
"""Days stated in one step; a gateway that was off for longer states the others in the next."""

_DROP_OLD_HOURS = """
    delete from outbox where (epoch, key) in (
        select epoch, key from outbox where key >= 'hour/' and key < 'hour0'
        order by payload ->> '$.hour' desc limit -1 offset ?)"""

_FEVERS = """
    select f.*, coalesce(r.at, r.received_at) as at, r.body_c, r.skin_c, r.threshold_c
    from fevers f join readings r using (kiosk, boot, seq)
    where f.revision > f.forwarded limit ?"""

_PUT = """
    insert into outbox(epoch, key, revision, payload, created_at)
    values ((select value from meta where key = 'epoch'), ?, ?, ?, ?)
    on conflict(epoch, key) do update set revision = excluded.revision, payload = excluded.payload,
        next_at = 0, refused = ''"""


def materialise(
    store: Store, settings: GatewaySettings, now: float, *, believed: bool = True
) -> bool:
    """Put one batch of changes into the outbox; returns whether there may be more.

    `now` is Unix time (s). With a clock that is not `believed`, no day is stated to be over.
    """
    zone = settings.zone
    with store.transaction():
        hours = list(
            store.db.query(
                "select h.kiosk, h.hour, gate, revision, watched, fault,"  # noqa: S608 - constants
                f" {struck('h')} as struck,"
                " h.normal - coalesce(i.normal, 0) as normal,"
                " h.fever - coalesce(i.fever, 0) as fever,"
                " h.retry - coalesce(i.retry, 0) as retry"
                " from hours h left join inherited i using (kiosk, hour)"
                " where revision > forwarded order by hour limit ?",
                (BATCH_ROWS,),
            )
        )
        fevers = list(store.db.query(_FEVERS, (BATCH_ROWS,)))
        touched = sorted({(row["kiosk"], _day(row["hour"], zone)) for row in hours})
        items: list[Summary] = [_hour(row) for row in hours]
        items += [day_summary(store.db, kiosk, day, zone) for kiosk, day in touched]
        items += [_fever(row) for row in fevers]
        days = {day for _, day in touched}
        stated = list(_days_over(store.db, settings, days, now)) if believed else []
        items += stated
        connection = store.db.conn
        # A fever belongs to no epoch's counts: an item under an earlier epoch is out of date.
        connection.executemany(
            "delete from outbox where key = ?", [(_fever(row).key,) for row in fevers]
        )
        connection.executemany(
            _PUT,
            [(item.key, item.revision, msgspec.json.encode(item).decode(), now) for item in items],
        )
        (waiting,) = connection.execute("select count(*) from outbox").fetchone()
        if waiting > MAX_HOURS:
            connection.execute(_DROP_OLD_HOURS, (MAX_HOURS,))
        connection.executemany(
            "update hours set forwarded = ? where kiosk = ? and hour = ?",
            [(row["revision"], row["kiosk"], row["hour"]) for row in hours],
        )
        connection.executemany(
            "update fevers set forwarded = ? where kiosk = ? and boot = ? and seq = ?",
            [(row["revision"], row["kiosk"], row["boot"], row["seq"]) for row in fevers],
        )
        connection.executemany(
            "insert or replace into stated values (?, ?)",
            [(day.date, day.revision) for day in stated],
        )
    return BATCH_ROWS in (len(hours), len(fevers)) or len(stated) >= MAX_DAYS


def day_summary(database: Database, kiosk: str, day: str, zone: ZoneInfo) -> DaySummary:
    """Return the summary of a kiosk's `day` (YYYY-MM-DD). Its revision is the sum of its hours'
    revisions, which only grows."""
    (row,) = database.query("select * from days where kiosk = ? and date = ?", (kiosk, day))
    row |= _own(database, row, zone)
    row["struck"] = spans_of(database, *_day_bounds(day, zone)).get(kiosk, [])
    names = (name for name in DaySummary.__struct_fields__ if name in row)
    return DaySummary(**{name: row[name] for name in names})


def _days_over(
    database: Database, settings: GatewaySettings, touched: Iterable[str], now: float
) -> Iterator[GatewayDay]:
    """Yield the finished days that were not stated yet or have changed since, the oldest first."""
    today = datetime.fromtimestamp(now - GRACE_S, settings.zone).date()
    _withdraw(database, today)
    first = _first_day(database, today)
    (last,) = database.execute("select max(date) from stated").fetchone()
    new = date.fromisoformat(last) + timedelta(days=1) if last else first
    days = {day for day in touched if first.isoformat() <= day < today.isoformat()}
    while new < today and len(days) < MAX_DAYS:
        days.add(new.isoformat())
        new += timedelta(days=1)
    for day in sorted(days):
        if statement := _statement(database, settings, day):
            yield statement


def _withdraw(database: Database, today: date) -> None:
    """Withdraw statements of days that are not over, made by a clock that was ahead."""
    early = database.execute("delete from stated where date >= ?", (today.isoformat(),)).rowcount
    if early:
        database.execute(
            "delete from outbox where key >= ? and key < 'gateway_day0'",
            (f"gateway_day/{today.isoformat()}",),
        )


def _first_day(database: Database, today: date) -> date:
    """Return the first day to be stated: that of the first reading or of the first start, whichever
    is earlier. It is stored once and then kept."""
    row = database.execute("select value from meta where key = 'states_from'").fetchone()
    if row is None:
        (seen,) = database.execute("select min(date) from days").fetchone()
        row = (min(seen or today.isoformat(), today.isoformat()),)
        database.execute("insert into meta values ('states_from', ?)", row)
    return date.fromisoformat(row[0])


def _statement(database: Database, settings: GatewaySettings, day: str) -> GatewayDay | None:
    """Return the statement of a whole day, unless it was stated at this revision before."""
    gate_of = {kiosk: gate.name for gate in settings.gates for kiosk in gate.kiosks}
    counts = {kiosk: KioskCount(kiosk=kiosk, gate=gate) for kiosk, gate in gate_of.items()}
    revision = 1
    spans = spans_of(database, *_day_bounds(day, settings.zone))
    for row in database.query("select * from days where date = ?", (day,)):
        revision += row["revision"]
        # The settings prevail over the gate that the first reading noted.
        row |= _own(database, row, settings.zone)
        row["struck"] = spans.get(row["kiosk"], [])
        values = {name: row[name] for name in KioskCount.__struct_fields__}
        values["gate"] = gate_of.get(row["kiosk"], row["gate"])
        counts[row["kiosk"]] = KioskCount(**values)
    before = database.execute("select revision from stated where date = ?", (day,)).fetchone()
    if before and before[0] >= revision:
        return None
    return GatewayDay(date=day, revision=revision, kiosks=list(counts.values()))


def _own(database: Database, day: dict[str, Any], zone: ZoneInfo) -> dict[str, int]:
    """Return the counts of a kiosk's day without those that an earlier epoch has forwarded."""
    span = (day["kiosk"], *_day_bounds(day["date"], zone))
    sums = database.execute(_INHERITED, span).fetchone()
    return {
        name: day[name] - (before or 0)
        for name, before in zip(("normal", "fever", "retry"), sums, strict=True)
    }


_INHERITED = f"""
    select sum(normal), sum(fever), sum(retry) from inherited i
    where kiosk = ? and hour >= ? and hour < ? and not {struck("i")}"""  # noqa: S608 - constants


def _day_bounds(day: str, zone: ZoneInfo) -> tuple[float, float]:
    return day_bounds(date.fromisoformat(day), zone)


def _hour(row: dict[str, Any]) -> HourSummary:
    if row["struck"]:
        row |= dict.fromkeys(("normal", "fever", "retry", "watched", "fault"), 0)
    names = ("kiosk", "gate", "hour", "revision", "normal", "fever", "retry", "watched", "fault")
    return HourSummary(**{name: row[name] for name in names})


def _fever(row: dict[str, Any]) -> FeverEvent:
    names = ("kiosk", "gate", "boot", "seq", "revision", "at", "body_c", "skin_c", "threshold_c")
    return FeverEvent(
        **{name: row[name] for name in names},
        raised_at=row["raised_at"],
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"] or "",
    )


def _day(hour: float, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(hour, zone).date().isoformat()
