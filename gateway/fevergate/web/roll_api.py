"""The roll for programs and for tutors: figures of a day, who was not measured, marks by hand."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from msgspec import Meta, Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request

from fevergate.errors import MarkError
from fevergate.people.marks import MAX_MARKS, NewMark
from fevergate.people.roll import DayRoll, UnitRoll
from fevergate.texts.word_tables import ERRORS
from fevergate.web.api_part import ApiPart, PageNumber, Short, limits
from fevergate.web.context import Shared
from fevergate.web.openapi import Date, Done, Operations
from fevergate.web_common.dates import parse_day
from fevergate.web_common.middleware import actor_of
from fevergate.web_common.roll_pages import noted, units_of
from fevergate.web_common.roll_sheet import RollReader, RollRow

operation = Operations()


class RollAnswer(Struct):
    """Figures of a day for the requested units; `figures` is null for a day without a list."""

    date: str
    figures: DayRoll | None
    units: list[UnitRoll]


class NewMarks(Struct, forbid_unknown_fields=True):
    """At most 500 marks of a day. Each has `clinical_c` (°C, armpit), or it has `excused` or
    `take_back` with a reason."""

    date: Date
    marks: Annotated[list[NewMark], Meta(max_length=MAX_MARKS)]


class RollApi(ApiPart):
    """The operations below /api/v1/roll."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._reader = RollReader(shared.people, shared.marks, shared.roll)

    @operation(
        *("GET", "/roll", "roll", "Figures of a day: expected, measured, excused, unmeasured"),
        query={"date": Date, "unit": Short},
        errors=(400,),
    )
    def roll(self, request: Request) -> RollAnswer:
        day, units = self._day_and_units(request)
        figures = self._shared.roll.units(day, units)
        total = None if figures is None else sum((row.figures for row in figures), DayRoll())
        return RollAnswer(date=day.isoformat(), figures=total, units=figures or [])

    @operation(
        *("GET", "/roll/people", "roll", "People of a day: unmeasured, excused or measured"),
        query={
            "date": Date,
            "unit": Short,
            "state": Annotated[str, Meta(pattern=r"^(unmeasured|excused|measured)\Z")],
            "page": PageNumber,
        },
        errors=(400,),
    )
    def roll_people(self, request: Request) -> list[RollRow]:
        """At most 1000 on a page, in order."""
        day, units = self._day_and_units(request)
        state: Any = request.query_params.get("state", "unmeasured")
        rows = self._reader.rows(day, state, units, *limits(request))
        unit = request.query_params.get("unit", "")
        self._note(request, "look at roll", f"{day} {unit}".strip())
        return rows

    @operation(
        *("POST", "/roll/marks", "roll", "Enter who was measured or excused, all or nothing"),
        errors=(400, 413),
    )
    def enter_roll(self, request: Request, body: NewMarks) -> Done:
        day, units = parse_day(body.date), _units(request)
        try:
            changes = self._shared.marks.enter(day, body.marks, actor_of(request), units=units)
        except MarkError as error:
            raise HTTPException(400, f"{error.person}: {ERRORS[error.reason]}") from None
        if changes:
            self._note(request, "enter roll", f"{day}: {noted(changes)}")
        return Done()

    def _day_and_units(self, request: Request) -> tuple[date, Sequence[str] | None]:
        """The day and the units of a query. Raises `PeriodError`, `HTTPException` 403."""
        text, unit = request.query_params.get("date"), request.query_params.get("unit", "")
        allowed = _units(request)
        if unit and allowed is not None and unit not in allowed:
            raise HTTPException(403, "expected one of the tutor's own units")
        day = parse_day(text) if text else self._shared.clock.today()
        return day, [unit] if unit else allowed


def _units(request: Request) -> Sequence[str] | None:
    """The units whose roll the request may read; None: all."""
    return None if request.state.token else units_of(request.state.session)
