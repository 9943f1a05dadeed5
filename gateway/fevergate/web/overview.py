"""Sums over many days: people by hour, day and gate, temperatures, coverage."""

import json
from datetime import date, datetime, timedelta

from msgspec import Struct
from sqlite_utils import Database

from fevergate.errors import PeriodError
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.coverage_bits import day_bounds
from fevergate.storage.schema import struck
from fevergate.web_common.dates import TERM_DAYS, Period


class Counts(Struct, kw_only=True):
    """People by verdict."""

    normal: int = 0
    fever: int = 0
    retry: int = 0

    def add(self, normal: int, fever: int, retry: int) -> None:
        self.normal += normal
        self.fever += fever
        self.retry += retry


class HourCount(Counts, kw_only=True):
    """People of an hour of day (0 to 23, local), over all days of the period."""

    hour: int


class GateCount(Counts, kw_only=True):
    """People of a gate."""

    gate: str


class DayCount(Counts, kw_only=True):
    """People of a day; `watched`: number of kiosks that watched."""

    date: str
    watched: int = 0


class Degrees(Struct, frozen=True):
    """Number of people by temperature, rounded to a tenth (°C, axillary equivalent)."""

    body_c: float
    people: int


class Overview(Struct, kw_only=True):
    """The sums of a period, `begin` and `end` inclusive; an empty `gate` means all. `term`: the
    days of a period of at least `TERM_DAYS`, for the calendar."""

    campus: str
    gate: str
    begin: str
    end: str
    kiosks: int
    hours: list[HourCount]
    temperatures: list[Degrees]
    days: list[DayCount]
    gates: list[GateCount]
    term: list[DayCount]

    @property
    def total(self) -> Counts:
        """The sums over the period."""
        total = Counts()
        for day in self.days:
            total.add(day.normal, day.fever, day.retry)
        return total


def read_overview(
    database: Database, settings: GatewaySettings, span: Period, gate: str = ""
) -> Overview:
    """Read the sums of a period. Raises `PeriodError` for an unknown gate."""
    kiosks = [
        kiosk for place in settings.gates if gate in ("", place.name) for kiosk in place.kiosks
    ]
    if not kiosks:
        raise PeriodError("gate")
    term_begin = min(span.begin, span.end - timedelta(days=TERM_DAYS - 1))
    if not gate:
        # Kiosks that have been removed since then count too, as in the log.
        rows = database.execute(
            "select distinct kiosk from days where date between ? and ?",
            (term_begin.isoformat(), span.end.isoformat()),
        )
        kiosks = sorted({*kiosks, *(kiosk for (kiosk,) in rows)})
    term = _days(database, kiosks, term_begin, span.end)
    begin, end = day_bounds(span.begin, settings.zone, span.end)
    return Overview(
        campus=settings.campus,
        gate=gate,
        begin=span.begin.isoformat(),
        end=span.end.isoformat(),
        kiosks=len(kiosks),
        hours=_hours(database, settings, kiosks, begin, end),
        temperatures=_temperatures(database, kiosks, begin, end),
        days=[day for day in term if day.date >= span.begin.isoformat()],
        gates=_gates(database, settings, kiosks, span),
        term=term,
    )


def _hours(
    database: Database, settings: GatewaySettings, kiosks: list[str], begin: float, end: float
) -> list[HourCount]:
    hours = [HourCount(hour=hour) for hour in range(24)]
    rows = database.execute(
        "select hour, sum(normal), sum(fever), sum(retry) from hours h"  # noqa: S608 - constants
        " where hour >= ? and hour < ? and kiosk in (select value from json_each(?))"
        f" and not {struck('h')} group by hour",
        (begin, end, json.dumps(kiosks)),
    )
    for at, *counts in rows:
        hours[datetime.fromtimestamp(at, settings.zone).hour].add(*counts)
    return hours


def _temperatures(database: Database, kiosks: list[str], begin: float, end: float) -> list[Degrees]:
    rows = database.execute(
        "select tenth, sum(shown) as people from temperatures t"  # noqa: S608 - constants
        " where hour >= ? and hour < ? and kiosk in (select value from json_each(?))"
        f" and not {struck('t')} group by tenth having people > 0 order by tenth",
        (begin, end, json.dumps(kiosks)),
    )
    people = dict(rows)
    if not people:
        return []
    # Temperatures that nobody had are shown as gaps.
    return [
        Degrees(tenth / 10, people.get(tenth, 0)) for tenth in range(min(people), max(people) + 1)
    ]


def _days(database: Database, kiosks: list[str], begin: date, end: date) -> list[DayCount]:
    length = (end - begin).days + 1
    names = ((begin + timedelta(days=n)).isoformat() for n in range(length))
    days = {name: DayCount(date=name) for name in names}
    for name, normal, fever, retry, watched in database.execute(
        "select date, sum(normal), sum(fever), sum(retry), sum(watched_minutes > 0) from days"
        " where date between ? and ? and kiosk in (select value from json_each(?)) group by date",
        (begin.isoformat(), end.isoformat(), json.dumps(kiosks)),
    ):
        days[name].add(normal, fever, retry)
        days[name].watched = watched
    return list(days.values())


def _gates(
    database: Database, settings: GatewaySettings, kiosks: list[str], span: Period
) -> list[GateCount]:
    # A kiosk's gate in the settings takes precedence over the gate stored with a day.
    counts_of: dict[str, GateCount] = {
        gate.name: GateCount(gate=gate.name) for gate in settings.gates
    }
    gate_of: dict[str, str] = {kiosk: gate.name for gate in settings.gates for kiosk in gate.kiosks}
    gates: set[str] = {gate_of[kiosk] for kiosk in kiosks if kiosk in gate_of}
    for kiosk, gate, *counts in database.execute(
        "select kiosk, max(gate), sum(normal), sum(fever), sum(retry) from days"
        " where date between ? and ? and kiosk in (select value from json_each(?)) group by kiosk",
        (span.begin.isoformat(), span.end.isoformat(), json.dumps(kiosks)),
    ):
        name: str = gate_of.get(kiosk) or gate
        counts_of.setdefault(name, GateCount(gate=name)).add(*counts)
        gates.add(name)
    return [count for name, count in counts_of.items() if name in gates]
