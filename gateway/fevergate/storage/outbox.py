"""What changed in the gateway's store, as items for the campus server.

Written into the outbox in the transaction that marks it as taken: hours, the days that they belong
to, fevers, and the word that a day is over.
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
from fevergate.storage.schema import struck
from fevergate.storage.store import Store
from fevergate.storage.strikes import spans_of

STEP = 200
"""Rows taken into the outbox in one transaction: the store's thread is not held up."""

MOST_HOURS = 20_000
"""Hours that wait for the campus server: ten kiosks' 83 days. Older ones are then told by their
day's summary alone, which always waits, as every fever does."""

GRACE_S = 300
"""How long after midnight a day is over: the last readings are on their way."""

MOST_DAYS = 31
"""Days that are stated in one step; what a gateway that was off for longer owes comes after."""

_MERGE = """
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
    """Take one step of what changed into the outbox; whether there may be more.

    By a clock that is not `believed` no day is over.
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
                (STEP,),
            )
        )
        fevers = list(store.db.query(_FEVERS, (STEP,)))
        touched = sorted({(row["kiosk"], _day(row["hour"], zone)) for row in hours})
        items: list[Summary] = [_hour(row) for row in hours]
        items += [day_summary(store.db, kiosk, day, zone) for kiosk, day in touched]
        items += [_fever(row) for row in fevers]
        days = {day for _, day in touched}
        stated = list(_days_over(store.db, settings, days, now)) if believed else []
        items += stated
        connection = store.db.conn
        # A fever is not counted by epochs: what an earlier one has to say of it is out of date.
        connection.executemany(
            "delete from outbox where key = ?", [(_fever(row).key,) for row in fevers]
        )
        connection.executemany(
            _PUT,
            [(item.key, item.revision, msgspec.json.encode(item).decode(), now) for item in items],
        )
        (waiting,) = connection.execute("select count(*) from outbox").fetchone()
        if waiting > MOST_HOURS:
            connection.execute(_MERGE, (MOST_HOURS,))
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
    return STEP in (len(hours), len(fevers)) or len(stated) >= MOST_DAYS


def day_summary(database: Database, kiosk: str, day: str, zone: ZoneInfo) -> DaySummary:
    """A kiosk's `day` (YYYY-MM-DD); its revision is the sum of its hours', which only grows."""
    (row,) = database.query("select * from days where kiosk = ? and date = ?", (kiosk, day))
    row |= _own(database, row, zone)
    row["struck"] = spans_of(database, *_bounds(day, zone)).get(kiosk, [])
    names = (name for name in DaySummary.__struct_fields__ if name in row)
    return DaySummary(**{name: row[name] for name in names})


def _days_over(
    database: Database, settings: GatewaySettings, touched: Iterable[str], now: float
) -> Iterator[GatewayDay]:
    """The days that are over and were not stated yet, or changed since; the oldest first."""
    over = datetime.fromtimestamp(now - GRACE_S, settings.zone).date()  # the day that is not
    _take_back(database, over)
    first = _first(database, over)
    (last,) = database.execute("select max(date) from stated").fetchone()
    new = date.fromisoformat(last) + timedelta(days=1) if last else first
    wanted = {day for day in touched if first.isoformat() <= day < over.isoformat()}
    while new < over and len(wanted) < MOST_DAYS:
        wanted.add(new.isoformat())
        new += timedelta(days=1)
    for day in sorted(wanted):
        found = _stated(database, settings, day)
        if found:
            yield found


def _take_back(database: Database, over: date) -> None:
    """What was stated by a clock that was ahead is not: it is said when it is so."""
    early = database.execute("delete from stated where date >= ?", (over.isoformat(),)).rowcount
    if early:
        database.execute(
            "delete from outbox where key >= ? and key < 'gateway_day0'",
            (f"gateway_day/{over.isoformat()}",),
        )


def _first(database: Database, today: date) -> date:
    """The first day that there is something to say of: the first that anything was seen on, or
    that of the first start; noted once."""
    row = database.execute("select value from meta where key = 'states_from'").fetchone()
    if row is None:
        (seen,) = database.execute("select min(date) from days").fetchone()
        row = (min(seen or today.isoformat(), today.isoformat()),)
        database.execute("insert into meta values ('states_from', ?)", row)
    return date.fromisoformat(row[0])


def _stated(database: Database, settings: GatewaySettings, day: str) -> GatewayDay | None:
    """All of a day, unless it was said at this revision before."""
    gate_of = {kiosk: gate.name for gate in settings.gates for kiosk in gate.kiosks}
    counts = {kiosk: KioskCount(kiosk=kiosk, gate=gate) for kiosk, gate in gate_of.items()}
    revision = 1
    spans = spans_of(database, *_bounds(day, settings.zone))
    for row in database.query("select * from days where date = ?", (day,)):
        revision += row["revision"]
        # The settings know better than the first reading at which gate it stands.
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
    """A kiosk's day without what an earlier epoch of this gateway has forwarded."""
    span = (day["kiosk"], *_bounds(day["date"], zone))
    sums = database.execute(_INHERITED, span).fetchone()
    return {
        name: day[name] - (before or 0)
        for name, before in zip(("normal", "fever", "retry"), sums, strict=True)
    }


_INHERITED = f"""
    select sum(normal), sum(fever), sum(retry) from inherited i
    where kiosk = ? and hour >= ? and hour < ? and not {struck("i")}"""  # noqa: S608 - constants


def _bounds(day: str, zone: ZoneInfo) -> tuple[float, float]:
    """From when to when a day lasts, UTC s."""
    begin = datetime.fromisoformat(day).replace(tzinfo=zone)
    return begin.timestamp(), (begin + timedelta(days=1)).timestamp()


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
