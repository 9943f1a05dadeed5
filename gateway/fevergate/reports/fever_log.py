"""One day's fevers, counts and coverage, out of the gateway's database.

A day begins at midnight in the campus's zone. Counts and coverage come from the daily rows;
in a zone that is off by half an hour, an hour belongs to the day in which it begins.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
from msgspec import Struct
from sqlite_utils import Database

from fevergate.protocol.messages import Identity
from fevergate.reports.kiosk_comparison import Blind, Unlike, blind, crowds, unlike
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage import clock_memory
from fevergate.storage.clock_memory import Doubt
from fevergate.storage.schema import struck
from fevergate.storage.strikes import Strike, read_strikes


class Fever(Struct, kw_only=True):
    """One fever. Times are UTC seconds; `dated` is false where `at` is when it arrived, since its
    kiosk gave no date, or one (`claimed_at`) that could not be."""

    gate: str
    kiosk: str
    boot: int
    seq: int
    at: float
    dated: bool
    skin_c: float | None
    body_c: float | None
    threshold_c: float | None
    ambient_c: float | None
    raised_at: float
    acknowledged_at: float | None
    acknowledged_by: str | None
    claimed_at: float | None = None

    @property
    def delay_s(self) -> float | None:
        """From the red light to its acknowledgement."""
        if self.acknowledged_at is None:
            return None
        return self.acknowledged_at - self.raised_at


def identity_of(fever: Fever) -> Identity:
    """What makes a fever that fever."""
    return Identity(fever.kiosk, fever.boot, fever.seq)


class KioskDay(Struct, kw_only=True):
    """One kiosk's day; `first_at` and `last_at` bound its service (UTC s), None if none. Of the
    watched minutes `late_minutes` are known by words alone that came long after."""

    gate: str
    kiosk: str
    normal: int = 0
    fever: int = 0
    retry: int = 0
    watched_minutes: int = 0
    late_minutes: int = 0
    fault_minutes: int = 0
    silences: int = 0
    first_at: float | None = None
    last_at: float | None = None


class Day(Struct, kw_only=True):
    """The log of one day."""

    date: str
    campus: str
    timezone: str
    covered: bool
    zero: bool
    fevers: list[Fever]
    """In order of time; some of them, where no more were asked for (`count`)."""
    kiosks: list[KioskDay]
    unlike: list[Unlike]
    """Kiosks whose crowd differs from their neighbours': drift, a dirty lens."""
    blind: list[Blind]
    """Kiosks that saw nobody while their neighbours were busy: watched, and yet no proof."""
    count: int = 0
    """How many fevers the day has."""
    lit: int = 0
    """Red lights of this day for fevers that are dated on another: this is no day of zero."""
    clock: list[Doubt] = []
    """When the gateway's clock was in doubt on this day."""
    strikes: list[Strike] = []
    """Hours that do not count, and those that count again."""
    struck: list[Fever] = []
    """Fevers of hours that do not count, as many as were asked for."""


def bounds(settings: GatewaySettings, day: date) -> tuple[date, float, float]:
    """`day`, and the UTC seconds from which and to which it lasts. (Which day it is, is not for the
    machine's clock to say: `clock_memory.today`.)"""
    start = datetime(day.year, day.month, day.day, tzinfo=settings.zone)
    return day, start.timestamp(), (start + timedelta(days=1)).timestamp()


def read_day(
    database: Database,
    settings: GatewaySettings,
    day: date | None = None,
    *,
    most: int = -1,
    skip: int = 0,
    most_struck: int = 0,
) -> Day:
    """The log of `day`, by default today. A kiosk that never spoke is in it, uncovered.

    Its fevers are held in memory, 0.8 kB each: all of them, or at most `most` behind the
    first `skip`. One kiosk can make 190,000 in a day (`flood`).
    """
    day, begin, end = bounds(settings, day or clock_memory.today(database, settings.zone))
    fevers = read_fevers(database, begin, end, most, skip)
    count = len(fevers)
    if most >= 0:
        ((count,),) = database.execute(_COUNT, (begin, end))
    kiosks = _kiosks(database, settings, day)
    found = crowds(database, settings, begin, end)
    covered = any(kiosk.watched_minutes for kiosk in kiosks)
    (lit,) = database.execute(_LIT, (begin, end, begin, end)).fetchone()
    strikes = read_strikes(database, begin, end)
    return Day(
        date=day.isoformat(),
        campus=settings.campus,
        timezone=settings.timezone,
        covered=covered,
        zero=covered and not count and not lit and not any(kiosk.fever for kiosk in kiosks),
        fevers=fevers,
        count=count,
        kiosks=kiosks,
        unlike=unlike(found),
        blind=blind(settings, found),
        lit=lit,
        clock=clock_memory.doubts(database, begin, end),
        strikes=strikes,
        struck=_struck(database, begin, end, most_struck) if strikes and most_struck else [],
    )


def read_fevers(
    database: Database, begin: float, end: float, most: int = -1, skip: int = 0
) -> list[Fever]:
    """The fevers from `begin` to `end` (UTC s) that are not struck, in order of time: all of them,
    or at most `most` behind the first `skip`."""
    rows = database.query(
        f"{_FEVERS} and not {_IS_STRUCK} order by 5, 2, 3, 4 limit ? offset ?",
        (begin, end, most, skip),
    )
    return [msgspec.convert(row, Fever, strict=False) for row in rows]


def read_fever(database: Database, identity: Identity) -> Fever | None:
    """One that is stored, struck or not."""
    where = "where r.kiosk = ? and r.boot = ? and r.seq = ? and r.verdict = 'fever'"
    for row in database.query(f"{FEVER} {where}", tuple(identity)):
        return msgspec.convert(row, Fever, strict=False)
    return None


def _struck(database: Database, begin: float, end: float, most: int) -> list[Fever]:
    rows = database.query(f"{_FEVERS} and {_IS_STRUCK} order by 5 limit ?", (begin, end, most))
    return msgspec.convert(list(rows), list[Fever], strict=False)


FEVER = """
    select f.gate, f.kiosk, f.boot, f.seq, coalesce(r.at, r.received_at) as at,
           r.at is not null as dated, r.skin_c, r.body_c, r.threshold_c, r.ambient_c,
           f.raised_at, f.acknowledged_at, f.acknowledged_by,
           r.claimed_at
    from readings r join fevers f using (kiosk, boot, seq)"""
"""SQL: fevers, as `Fever` has them."""
# In this shape SQLite takes the partial index of fevers by time.
_FEVERS = f"""{FEVER}
    where r.verdict = 'fever'
      and coalesce(r.at, r.received_at) >= ? and coalesce(r.at, r.received_at) < ?"""
_IS_STRUCK = struck("r", "coalesce(r.at, r.received_at)")
_COUNT = f"""
    select count(*) from readings r join fevers f using (kiosk, boot, seq)
    where r.verdict = 'fever'
      and coalesce(r.at, r.received_at) >= ? and coalesce(r.at, r.received_at) < ?
      and not {_IS_STRUCK}"""  # noqa: S608 - constants

_LIT = f"""
    select count(*) from fevers f join readings r using (kiosk, boot, seq)
    where f.raised_at >= ? and f.raised_at < ?
      and not (coalesce(r.at, r.received_at) >= ? and coalesce(r.at, r.received_at) < ?)
      and not {_IS_STRUCK}"""  # noqa: S608 - constants


def _kiosks(database: Database, settings: GatewaySettings, day: date) -> list[KioskDay]:
    days = {
        kiosk: KioskDay(gate=gate.name, kiosk=kiosk)
        for gate in settings.gates
        for kiosk in gate.kiosks
    }
    names = ", ".join(KioskDay.__struct_fields__)
    for row in database.query(
        f"select {names} from days where date = ? order by kiosk",  # noqa: S608 - field names
        (day.isoformat(),),
    ):
        # The settings know better than the first reading at which gate it stands.
        kiosk = row["kiosk"]
        gate = days[kiosk].gate if kiosk in days else row["gate"]
        days[kiosk] = msgspec.convert(row | {"gate": gate}, KioskDay)
    return list(days.values())
