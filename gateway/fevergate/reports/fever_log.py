"""The log of one day: its fevers, counts and coverage, read from the gateway's database.

A day begins at midnight in the campus's zone. Counts and coverage come from daily rows, which are
sums of hours: in a zone with an offset of half an hour, an hour belongs to the day in which it
begins.
"""

from datetime import date
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct
from sqlite_utils import Database

from fevergate.people.roll import DayRoll, Rolls
from fevergate.people.store import DATABASE
from fevergate.reports.fevers import Fever, Fevers, lit_for_other_days
from fevergate.reports.kiosk_comparison import (
    Blind,
    DeviatingKiosk,
    blind,
    crowds,
    deviating_kiosks,
)
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage import clock_memory
from fevergate.storage.clock_memory import Doubt
from fevergate.storage.connection import reading
from fevergate.storage.coverage_bits import day_bounds
from fevergate.storage.statements import Parameters
from fevergate.storage.strikes import Strike, read_strikes

MAX_FEVERS = 20_000
"""Most fevers of a day that `read_day` holds in memory by default. No gate sees so many people in a
day."""


class KioskDay(Struct, kw_only=True):
    """Counts and coverage of one kiosk on one day.

    `first_at` and `last_at` (Unix time, s) are the beginning and end of its service, None without
    service. `late_minutes`: minutes that it watched but reported long afterwards.
    """

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


class Drifted(Struct, frozen=True, kw_only=True):
    """A kiosk that reported a drift: how far its crowd was off at most (°C), and from when to when
    (Unix time, s; whole hours)."""

    kiosk: str
    gate: str
    drift_c: float
    begin: float
    end: float


class Day(Struct, kw_only=True):
    """The fever log of one day.

    `covered`: some kiosk watched. `zero`, a report of zero: the day is over and was covered, nobody
    had a fever, and everybody whom the list of people expects was measured or excused.
    `clear_until`: the Unix time (s) up to which a covered day that is not over has had no fever,
    whether or not people are still unmeasured; None for any other day.
    """

    date: str
    campus: str
    timezone: str
    covered: bool
    zero: bool
    fevers: list[Fever]
    """In order of time; at most as many as `read_day` was asked for."""
    kiosks: list[KioskDay]
    unlike: list[DeviatingKiosk]
    """Kiosks that read higher or lower than their neighbours: drift, or a dirty lens."""
    blind: list[Blind]
    """Kiosks that saw hardly anybody while a neighbour was busy, so that their zero is no proof."""
    drifted: list[Drifted] = []
    """Kiosks that reported a drift: their crowd read higher or lower than is usual for them."""
    count: int = 0
    """Number of fevers of the day; `fevers` may hold only some of them."""
    lit: int = 0
    """Red lights on this day for fevers that are dated on another day."""
    clock: list[Doubt] = []
    """Periods of this day in which the gateway's clock was in doubt."""
    strikes: list[Strike] = []
    """Hours that were struck, including strikes that were taken back."""
    struck: list[Fever] = []
    """Fevers in struck hours, at most as many as were asked for."""
    clear_until: float | None = None
    roll: DayRoll | None = None
    """How many people on the list were expected and measured; None if there is no list, or if it
    was not asked for."""

    @property
    def zero_but_unmeasured(self) -> bool:
        """Whether the day is over and would be `zero`, had everybody been measured."""
        fevers = self.count or self.lit or any(kiosk.fever for kiosk in self.kiosks)
        over = self.covered and not fevers and self.clear_until is None
        return bool(over and self.roll and self.roll.unmeasured and not self.roll.fevers)


class WholeDay(NamedTuple):
    """A day with empty lists of fevers, and all its fevers and struck fevers, to be read one by
    one."""

    day: Day
    fevers: Fevers
    struck: Fevers


def read_day(
    database: Database,
    settings: GatewaySettings,
    day: date | None = None,
    *,
    most: int = MAX_FEVERS,
    skip: int = 0,
    most_struck: int = 0,
    with_roll: bool = True,
) -> Day:
    """The log of `day`, by default today. It has every kiosk of the settings, with zero minutes
    watched if the kiosk was not heard.

    It holds at most `most` fevers after the first `skip`, and the first `most_struck` struck ones.
    Without `with_roll` the list of people is not read: `roll` is None, and `zero` is never true.
    """
    day = day or clock_memory.today(database, settings.zone)
    begin, end = day_bounds(day, settings.zone)
    fevers = Fevers(database, begin, end)
    count = len(fevers)
    kiosks = _kiosks(database, settings, day)
    day_crowds = crowds(database, settings, begin, end)
    covered = any(kiosk.watched_minutes for kiosk in kiosks)
    lit = lit_for_other_days(database, begin, end)
    strikes = read_strikes(database, begin, end)
    clear = covered and not count and not lit and not any(kiosk.fever for kiosk in kiosks)
    now = clock_memory.now(database)
    lasts = begin <= now < end
    roll = read_roll(settings, day, now) if with_roll else None
    clear = clear and not (roll and roll.fevers)
    return Day(
        date=day.isoformat(),
        campus=settings.campus,
        timezone=settings.timezone,
        covered=covered,
        zero=with_roll and clear and not lasts and not (roll and roll.unmeasured),
        clear_until=now if clear and lasts else None,
        fevers=fevers.page(most, skip),
        count=count,
        kiosks=kiosks,
        unlike=deviating_kiosks(day_crowds),
        blind=blind(settings, day_crowds),
        drifted=_drifted(database, begin, end),
        lit=lit,
        roll=roll,
        clock=clock_memory.doubts(database, begin, end),
        strikes=strikes,
        struck=Fevers(database, begin, end, struck=True).page(most_struck) if strikes else [],
    )


class _ListReader:
    """Queries `people.db`, which the running gateway may be writing; `now` is the present time
    (Unix time, s) for the queries."""

    def __init__(self, database: Database, now: float) -> None:
        self._database = database
        self._now = now

    def query(self, sql: str, arguments: Parameters = ()) -> list[tuple[Any, ...]]:
        return self._database.execute(sql, arguments).fetchall()

    def clock(self) -> float:
        return self._now


def read_roll(settings: GatewaySettings, day: date, now: float) -> DayRoll | None:
    """How many people on the list were expected and measured on a day, as of `now` (Unix time, s);
    None without a list. Raises `StoreError`."""
    path = settings.path(DATABASE)
    if not path.exists():
        return None
    with reading(path) as reader:
        return Rolls(_ListReader(reader, now), settings.zone, settings.campus).day(day)


def _drifted(database: Database, begin: float, end: float) -> list[Drifted]:
    rows = database.query(
        "select kiosk, gate, min(drift_c) as low, max(drift_c) as high,"
        " min(hour) as begin, max(hour) + 3600 as end from hours"
        " where drift_c is not null and hour >= ? and hour < ? group by kiosk order by kiosk",
        (begin, end),
    )
    return [
        Drifted(
            kiosk=row["kiosk"],
            gate=row["gate"],
            drift_c=max(row["low"], row["high"], key=abs),
            begin=row["begin"],
            end=row["end"],
        )
        for row in rows
    ]


def read_whole_day(
    database: Database, settings: GatewaySettings, day: date | None = None
) -> WholeDay:
    """The log of `day`, by default today, with all fevers. It begins a transaction on the
    connection, so that everything read through it from now on is the state of one moment."""
    database.execute("begin")
    day = day or clock_memory.today(database, settings.zone)
    begin, end = day_bounds(day, settings.zone)
    return WholeDay(
        read_day(database, settings, day, most=0),
        Fevers(database, begin, end),
        Fevers(database, begin, end, struck=True),
    )


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
        # A kiosk may have been moved to another gate since: the settings say where it is now.
        kiosk = row["kiosk"]
        gate = days[kiosk].gate if kiosk in days else row["gate"]
        days[kiosk] = msgspec.convert(row | {"gate": gate}, KioskDay)
    return list(days.values())
