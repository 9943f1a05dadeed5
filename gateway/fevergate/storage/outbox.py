"""Turns changes in the gateway's store into items of the outbox, for the campus server.

Items are changed hours, the days to which they belong, fevers, and a statement of each finished
day. Each item is put into the outbox in the transaction that marks its rows as forwarded.
"""

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
from fevergate.storage import meta
from fevergate.storage.coverage_bits import day_bounds
from fevergate.storage.schema import EPOCH, struck
from fevergate.storage.store import Store
from fevergate.storage.strikes import spans_of

BATCH_ROWS = 200
"""Rows of each kind per transaction, so that the writer's thread is not held up."""

MAX_HOURS = 20_000
"""Most hours that wait in the outbox: 83 days of ten kiosks. Older ones are dropped, since their
day's summary waits too; days and fevers are never dropped."""

GRACE_S = 300
"""Time after midnight from which a day counts as over: its last readings may come late."""

MAX_DAYS = 31
"""Most days stated in one step; a gateway that was off for longer states the other days in the next
steps."""

_DROP_OLD_HOURS = """
    delete from outbox where (epoch, key) in (
        select epoch, key from outbox where key >= 'hour/' and key < 'hour0'
        order by payload ->> '$.hour' desc limit -1 offset ?)"""

_HOURS = f"""
    select e.name as epoch_name, s.epoch, h.kiosk, h.hour, h.gate, s.revision, h.watched, h.fault,
        s.normal, s.fever, s.retry, {struck("h")} as struck
    from shares s join epochs e on e.id = s.epoch join hours h using (kiosk, hour)
    where s.revision > s.forwarded and e.whole order by hour limit ?"""  # noqa: S608 - constants

_FEVERS = """
    select e.name as epoch_name, f.*, coalesce(r.at, r.received_at) as at, r.body_c, r.skin_c,
        r.threshold_c
    from fevers f join readings r using (kiosk, boot, seq) join epochs e on e.id = r.epoch
    where f.revision > f.forwarded limit ?"""

_PUT = """
    insert into outbox(epoch, key, revision, payload, created_at) values (?, ?, ?, ?, ?)
    on conflict(epoch, key) do update set revision = excluded.revision, payload = excluded.payload,
        next_at = 0, refused = '', attempts = 0"""

Item = tuple[str, Summary]
"""The name of an epoch and a summary of what came in it."""


def materialise(
    store: Store, settings: GatewaySettings, now: float, *, believed: bool = True
) -> bool:
    """Put one batch of changes into the outbox; returns whether there may be more.

    `now` is Unix time (s). With a clock that is not `believed`, no day is stated to be over.
    """
    zone = settings.zone
    with store.transaction():
        hours = list(store.db.query(_HOURS, (BATCH_ROWS,)))
        fevers = list(store.db.query(_FEVERS, (BATCH_ROWS,)))
        touched = sorted(
            {
                (row["epoch"], row["epoch_name"], row["kiosk"], _day(row["hour"], zone))
                for row in hours
            }
        )
        items: list[Item] = [(row["epoch_name"], _hour(row)) for row in hours]
        items += [
            (name, day_summary(store.db, kiosk, day, zone, epoch))
            for epoch, name, kiosk, day in touched
        ]
        items += [(row["epoch_name"], _fever(row)) for row in fevers]
        stated: dict[str, int] = {}
        days = {day for *_, day in touched}
        connection = store.db.conn
        if believed:
            for day, revision in _days_over(store.db, settings, days, now):
                stated[day] = revision
                items += _statements(store.db, settings, day)
        else:  # stated anew once the clock is believed
            connection.executemany("delete from stated where date = ?", [(day,) for day in days])
        connection.executemany(
            _PUT,
            [
                (epoch, item.key, item.revision, msgspec.json.encode(item).decode(), now)
                for epoch, item in items
            ],
        )
        (waiting,) = connection.execute("select count(*) from outbox").fetchone()
        if waiting > MAX_HOURS:
            connection.execute(_DROP_OLD_HOURS, (MAX_HOURS,))
        connection.executemany(
            "update shares set forwarded = ? where kiosk = ? and hour = ? and epoch = ?",
            [(row["revision"], row["kiosk"], row["hour"], row["epoch"]) for row in hours],
        )
        connection.executemany(
            "update fevers set forwarded = ? where kiosk = ? and boot = ? and seq = ?",
            [(row["revision"], row["kiosk"], row["boot"], row["seq"]) for row in fevers],
        )
        connection.executemany("insert or replace into stated values (?, ?)", stated.items())
    return BATCH_ROWS in (len(hours), len(fevers)) or len(stated) >= MAX_DAYS


def day_summary(database: Database, kiosk: str, day: str, zone: ZoneInfo, epoch: int) -> DaySummary:
    """Return the summary of a kiosk's `day` (YYYY-MM-DD) in an epoch. Its revision is the sum of
    its hours' revisions, which only grows."""
    (row,) = database.query("select * from days where kiosk = ? and date = ?", (kiosk, day))
    row |= _shares(database, row, zone, epoch)
    row["struck"] = spans_of(database, *_day_bounds(day, zone)).get(kiosk, [])
    names = (name for name in DaySummary.__struct_fields__ if name in row)
    return DaySummary(**{name: row[name] for name in names})


def _days_over(
    database: Database, settings: GatewaySettings, touched: Iterable[str], now: float
) -> Iterator[tuple[str, int]]:
    """Yield each finished day that was not stated yet or has changed since, with its revision, the
    oldest first."""
    today = datetime.fromtimestamp(now - GRACE_S, settings.zone).date()
    _withdraw(database, today)
    first = _first_day(database, today)
    days = {day for day in touched if first.isoformat() <= day < today.isoformat()}
    # Not only days after the last stated one: a kiosk's backlog may have had a later day stated
    # while earlier days were still missing.
    stated = {day for (day,) in database.execute("select date from stated")}
    begin = min([first, *map(date.fromisoformat, stated)])
    for number in range((today - begin).days):
        if len(days) >= MAX_DAYS:
            break
        day = (begin + timedelta(days=number)).isoformat()
        if day not in stated:
            days.add(day)
    for day in sorted(days):
        (revision,) = database.execute(
            "select 1 + coalesce(sum(revision), 0) from days where date = ?", (day,)
        ).fetchone()
        before = database.execute("select revision from stated where date = ?", (day,)).fetchone()
        if before is None or before[0] < revision:
            yield day, revision


def _withdraw(database: Database, today: date) -> None:
    """Withdraw statements of days that are not over, made by a clock that was ahead."""
    early = database.execute("delete from stated where date >= ?", (today.isoformat(),)).rowcount
    if early:
        database.execute(
            "delete from outbox where key >= ? and key < 'gateway_day0'",
            (f"gateway_day/{today.isoformat()}",),
        )


def _first_day(database: Database, today: date) -> date:
    """Return the first day to be stated: the day of the first reading or of the first start,
    whichever is earlier. It is stored once and then kept."""
    first = meta.get(database, "states_from")
    if first is None:
        (earliest,) = database.execute("select min(date) from days").fetchone()
        first = min(earliest or today.isoformat(), today.isoformat())
        meta.put(database, "states_from", first)
    return date.fromisoformat(first)


def _statements(database: Database, settings: GatewaySettings, day: str) -> Iterator[Item]:
    """Yield the statement of a whole day for the present epoch, and for each other epoch in which
    counts of that day came."""
    gate_of = {kiosk: gate.name for gate in settings.gates for kiosk in gate.kiosks}
    begin, end = _day_bounds(day, settings.zone)
    spans = spans_of(database, begin, end)
    days = list(database.query("select * from days where date = ?", (day,)))
    for epoch, name in database.execute(_EPOCHS, (begin, end)).fetchall():
        counts = {kiosk: KioskCount(kiosk=kiosk, gate=gate) for kiosk, gate in gate_of.items()}
        revision = 1
        for row in days:
            kiosk = row["kiosk"]
            values: dict[str, Any] = row | _shares(database, row, settings.zone, epoch)
            revision += values["revision"]
            values["struck"] = spans.get(kiosk, [])
            # The settings prevail over the gate that the first reading noted.
            values["gate"] = gate_of.get(kiosk, row["gate"])
            counts[kiosk] = KioskCount(
                **{field: values[field] for field in KioskCount.__struct_fields__}
            )
        yield name, GatewayDay(date=day, revision=revision, kiosks=list(counts.values()))


_EPOCHS = f"""
    select id, name from epochs where whole and (id = {EPOCH}
        or id in (select epoch from shares where hour >= ? and hour < ?))"""  # noqa: S608 - constants


def _shares(database: Database, day: dict[str, Any], zone: ZoneInfo, epoch: int) -> dict[str, int]:
    """Return an epoch's counts of a kiosk's day, and their revision."""
    span = (day["kiosk"], *_day_bounds(day["date"], zone), epoch)
    sums = database.execute(_SHARES, span).fetchone()
    names = ("normal", "fever", "retry", "revision")
    return {name: total or 0 for name, total in zip(names, sums, strict=True)}


_SHARES = f"""
    select sum(normal * counts), sum(fever * counts), sum(retry * counts), sum(revision)
    from (select s.*, not {struck("s")} as counts from shares s
          where kiosk = ? and hour >= ? and hour < ? and epoch = ?)"""  # noqa: S608 - constants


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
