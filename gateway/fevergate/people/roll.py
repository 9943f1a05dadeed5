"""The roll of a day: who was expected, measured, excused or not measured, by unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from fevergate.people.marks import COUNT_FEVERS, FEVER_C, Kind
from fevergate.people.store import EXPECTED, among, is_among
from fevergate.storage.coverage_bits import day_bounds
from fevergate.storage.statements import Parameters
from fevergate.texts.translations import Say

State = Literal["unmeasured", "excused", "measured"]


class DayRoll(Struct, frozen=True, kw_only=True):
    """The figures of a day, of one unit or several. `measured`, `excused` and `unmeasured` count
    the expected people and add up to `expected`. `fevers` counts all people, expected or not, with
    a fever measured by hand or at the desk."""

    expected: int = 0
    measured: int = 0
    excused: int = 0
    unmeasured: int = 0
    fevers: int = 0

    def __add__(self, other: DayRoll) -> DayRoll:
        names = self.__struct_fields__
        return DayRoll(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def zero(self) -> bool:
        """Whether nobody is unmeasured, and nobody's measurement was a fever."""
        return not self.unmeasured and not self.fevers


class UnitRoll(Struct, frozen=True, kw_only=True):
    """The figures of a unit of a campus; an empty campus stands for any."""

    campus: str
    unit: str
    figures: DayRoll


class MarkedPerson(Struct, frozen=True, kw_only=True):
    """A person who was expected, and the person's mark of that day. `at` is a Unix time (s);
    `sealed` holds the reason for an excuse (`Marks.reason`)."""

    person: int
    campus: str
    unit: str
    kind: Kind
    clinical_c: float | None
    at: float | None
    by: str
    sealed: str

    @property
    def fever(self) -> bool:
        return self.clinical_c is not None and self.clinical_c >= FEVER_C


class Readable(Protocol):
    """The part of `Statements` that a reader needs."""

    def query(self, sql: str, arguments: Parameters = ()) -> list[tuple[Any, ...]]: ...

    def clock(self) -> float: ...


class Rolls:
    """Reads the roll of a day. With `campus`, only people whom the list names at that campus or at
    no campus are counted; if it is empty, everybody is."""

    def __init__(self, statements: Readable, zone: ZoneInfo, campus: str = "") -> None:
        self._statements = statements
        self._zone = zone
        self._campus = campus

    def today(self) -> date:
        """The local date."""
        return datetime.fromtimestamp(self._statements.clock(), self._zone).date()

    def day(self, day: date) -> DayRoll | None:
        """The figures of a day; None for a day without a list."""
        stored = self._statements.query(_SELECT_KEPT, (day.isoformat(),))
        if stored and stored[0][0] is not None:
            return DayRoll(**dict(zip(DayRoll.__struct_fields__, stored[0], strict=True)))
        source = self._source(day, None)
        if source is None:
            return None
        rows, values = source
        ((expected, excused, unmeasured),) = self._statements.query(
            f"select {_COUNTED} from ({rows}) r",  # noqa: S608 - constants
            values,
        )
        measured = expected - excused - unmeasured
        ((fevers,),) = self._statements.query(COUNT_FEVERS, (day.isoformat(), FEVER_C))
        return DayRoll(
            expected=expected,
            measured=measured,
            excused=excused,
            unmeasured=unmeasured,
            fevers=fevers,
        )

    def units(self, day: date, units: Sequence[str] | None = None) -> list[UnitRoll] | None:
        """The figures of a day by unit, for `units` (`is_among`) or for all units (None). Returns
        None if the day had no list or its marks are deleted."""
        source = self._source(day, units)
        if source is None:
            return None
        rows, values = source
        figures = {
            (campus, unit): DayRoll(
                expected=expected,
                measured=expected - excused - unmeasured,
                excused=excused,
                unmeasured=unmeasured,
            )
            for campus, unit, expected, excused, unmeasured in self._statements.query(
                _COUNT.format(rows=rows), values
            )
        }
        for campus, unit, count in self._fevers(day, units):
            unit_roll = figures.get((campus, unit), DayRoll())
            figures[campus, unit] = unit_roll + DayRoll(fevers=count)
        return [
            UnitRoll(campus=campus, unit=unit, figures=figures[campus, unit])
            for campus, unit in sorted(figures)
        ]

    def people(
        self,
        day: date,
        state: State,
        units: Sequence[str] | None = None,
        most: int = -1,
        skip: int = 0,
    ) -> list[MarkedPerson]:
        """People of `units` (None: of all units) who are in a state, in order of campus, unit and
        number; at most `most` (-1: all of them), after the first `skip`."""
        source = self._source(day, units)
        if source is None:
            return []
        rows, values = source
        limit = "limit :most offset :skip" if most >= 0 else ""
        people = self._statements.query(
            f'select person, campus, unit, kind, clinical_c, at, "by", sealed from ({rows}) r'  # noqa: S608
            f" where {_STATES[state]} order by campus, unit, person {limit}",
            values | ({"most": most, "skip": skip} if most >= 0 else {}),
        )
        return [
            MarkedPerson(**dict(zip(MarkedPerson.__struct_fields__, row, strict=True)))
            for row in people
        ]

    def fevers(self, begin: date, end: date) -> int:
        """How many fevers were measured by hand or at the desk from `begin` to `end`: the sum of
        the days' figures."""
        values = {"begin": begin.isoformat(), "end": end.isoformat(), "fever_c": FEVER_C}
        ((stored,),) = self._statements.query(_SUM_KEPT_FEVERS, values)
        ((marked,),) = self._statements.query(_COUNT_MARKED_FEVERS, values)
        return stored + marked

    def _source(self, day: date, units: Sequence[str] | None) -> tuple[str, dict[str, Any]] | None:
        """SQL, with its values, of the people who were expected on a day and of their marks; None
        if there is no list for the day."""
        values: dict[str, Any] = {"day": day.isoformat()}
        if self._is_closed(day):
            marked = "select 1 from marks where day = ? limit 1"
            if not self._statements.query(marked, (day.isoformat(),)):
                return None
            within, names = among("m", units)
            return _CLOSED + within, values | names
        if day > self.today() or not self._statements.query("select 1 from people_list"):
            return None
        if day < self.today() and day <= self._last_before():
            return None
        campus = ""
        if self._campus:
            campus, values = " and p.campus in ('', :campus)", values | {"campus": self._campus}
        _, end = day_bounds(day, self._zone)
        values["now"] = min(self._statements.clock(), math.nextafter(end, 0.0))
        within, names = among("p", units)
        return _OPEN.format(expected=EXPECTED + campus + within), values | names

    def _fevers(self, day: date, units: Sequence[str] | None) -> list[tuple[str, str, int]]:
        rows = self._statements.query(_COUNT_FEVERS, (day.isoformat(), FEVER_C))
        return [row for row in rows if is_among(units, *row[:2])]

    def _last_before(self) -> date:
        """The last closed day or, if no day is closed, the day before this list began."""
        if newest := self._newest_closed():
            return newest
        ((first_at,),) = self._statements.query("select first_at from people_list")
        return datetime.fromtimestamp(first_at, self._zone).date() - timedelta(days=1)

    def _is_closed(self, day: date) -> bool:
        newest = self._newest_closed()
        return newest is not None and day <= newest

    def _newest_closed(self) -> date | None:
        ((newest,),) = self._statements.query("select max(day) from roll_days")
        return date.fromisoformat(newest) if newest else None


def in_words(figures: DayRoll, say: Say) -> str:
    """The figures of a day as one sentence."""
    values = msgspec.structs.asdict(figures)
    text = say(
        "Expected {expected}, measured {measured}, excused {excused}, not measured {unmeasured}.",
        **values,
    )
    if figures.fevers:
        text += say(" Fevers measured by hand or at the desk: {fevers}.", **values)
    return text


_STATES: dict[State, str] = {
    "unmeasured": "kind = 'none'",
    "excused": "kind = 'excused'",
    "measured": "kind in ('hand', 'desk', 'card', 'gate')",
}
_KIND = """case when m.kind in ('hand', 'desk', 'gate') then m.kind
        when x.kind = 'card' then 'card' when x.kind = 'measured' then 'gate'
        when m.kind = 'excused' or x.kind = 'excused' then 'excused' else 'none' end as kind"""
"""SQL of the kind of a person's mark: a measurement takes precedence over an excuse, and a mark
made here over one made at another gateway."""
_OPEN = f"""
    select e.person, e.campus, e.unit, {_KIND}, m.clinical_c, m.at,
           coalesce(m."by", '') as "by", coalesce(m.sealed, '') as sealed
    from ({{expected}}) e left join marks m on m.day = :day and m.person = e.person
    left join marks_elsewhere x on x.day = :day and x.person = e.person"""  # noqa: S608 - constants
_CLOSED = f"""
    select m.person, m.campus, m.unit, {_KIND}, m.clinical_c, m.at, m."by", m.sealed
    from marks m left join marks_elsewhere x on x.day = m.day and x.person = m.person
    where m.day = :day and m.expected = 1"""  # noqa: S608 - constants
_COUNTED = """count(*), coalesce(sum(case when kind = 'excused' then 1 else 0 end), 0),
        coalesce(sum(case when kind = 'none' then 1 else 0 end), 0)"""
_COUNT = f"select campus, unit, {_COUNTED} from ({{rows}}) r group by campus, unit"  # noqa: S608
_SUM_KEPT_FEVERS = """
    select coalesce(sum(fevers), 0) from roll_days where day between :begin and :end"""
"""SQL of the fevers of days whose marks are deleted."""
_COUNT_MARKED_FEVERS = """
    select count(*) from marks where day between :begin and :end and clinical_c >= :fever_c"""
_COUNT_FEVERS = """
    select coalesce(nullif(m.campus, ''), p.campus, ''), coalesce(nullif(m.unit, ''), p.unit, ''),
           count(*)
    from marks m left join people p on p.person = m.person
    where m.day = ? and m.clinical_c >= ? group by 1, 2"""
_SELECT_KEPT = "select expected, measured, excused, unmeasured, fevers from roll_days where day = ?"
