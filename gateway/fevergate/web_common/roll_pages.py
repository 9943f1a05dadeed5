"""Pages of the roll: who on the list of people was measured on a day and who was not, by unit; and
entries by hand."""

import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import BinaryIO, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.errors import MarkError
from fevergate.people.marks import MAX_REASON, Change, Marks, NewMark
from fevergate.people.roll import DayRoll, Rolls, UnitRoll, in_words
from fevergate.people.store import PeopleStore
from fevergate.texts.translations import translator
from fevergate.web_common.accounts import Session
from fevergate.web_common.dates import parse_day
from fevergate.web_common.downloads import kind_of
from fevergate.web_common.exports import write_csv
from fevergate.web_common.middleware import ROLL, session_of
from fevergate.web_common.page_maker import PAGE, Site, last_page, page_of
from fevergate.web_common.roll_sheet import AT_KIOSKS, KINDS, RollReader
from fevergate.web_common.routes import Form, get, post, whole_number
from fevergate.web_common.sheet_files import write_sheet

MAX_FIELDS = 2 * PAGE + 10
"""Most fields of a submitted form: two for each person of a page, and ten others."""

MAX_DONE = 500
"""Most people that a unit's page lists as measured, and as many as excused."""


class NamedCampus(NamedTuple):
    """A campus's name in the reader's language, and its figures of a day."""

    title: str
    figures: DayRoll


class Told(NamedTuple):
    """Names of those who are told of a fever at once; None if the campus server tells the contacts
    in its own settings."""

    names: list[str] | None


@dataclass(frozen=True, kw_only=True)
class RollSite:
    """What the pages of the roll need from a gateway or campus server."""

    people: PeopleStore
    marks: Marks
    roll: Rolls
    zone: ZoneInfo
    now: Callable[[], float]
    """Unix time (s)."""
    name: str
    """Used in the names of exported files."""
    title: Callable[[str], str]
    """Name of the campus or institution in a language."""
    days: int
    """Days for which marks are kept."""
    campuses: Callable[[str, str], str] | None = None
    """At a campus server: title of a campus, from the language and the campus's name in the list of
    people. None at a gateway."""
    entered: Callable[[date], object] = lambda _day: None
    """Called with a day whose marks were changed."""
    told: Callable[[Collection[str]], list[str] | None] = lambda _campuses: []
    """Names of those who are told at once of a fever at the given campuses; None: see `Told`."""


class RollPages:
    """/roll and its files, for tutors and administrators."""

    def __init__(self, pages: Site, site: RollSite) -> None:
        self._pages = pages
        self._site = site
        self._reader = RollReader(site.people, site.marks, site.roll)
        self.routes = [
            get(ROLL, self.roll),
            post(ROLL, self.enter, MAX_FIELDS),
            post(f"{ROLL}/take-back", self.take_back),
            get(f"{ROLL}.{{kind:str}}", self.file),
        ]

    def roll(self, request: Request) -> Response:
        """Show the figures by unit; for one unit, who was not measured."""
        query = request.query_params
        return self._page(request, query.get("date"), query.get("unit", ""))

    def _page(
        self,
        request: Request,
        day_text: str | None,
        unit: str,
        error: MarkError | None = None,
        given: Mapping[str, str] | None = None,
    ) -> Response:
        roll, today = self._site.roll, self._site.roll.today()
        day = parse_day(day_text) if day_text else today
        allowed, doubtful = self._allowed(request)
        if not unit and allowed and len(allowed) == 1:
            (unit,) = allowed
        chosen = self._chosen(allowed, unit)
        figures = roll.units(day, chosen)
        total = sum((row.figures for row in figures or []), DayRoll())
        number = page_of(request)
        unmeasured, done_rows = [], []
        if unit and figures is not None:
            unmeasured = self._reader.rows(day, "unmeasured", chosen, PAGE, (number - 1) * PAGE)
            done_rows = self._reader.rows(day, "excused", chosen, MAX_DONE)
            done_rows += self._reader.rows(day, "measured", chosen, MAX_DONE)
            self._pages.note(request, "look at roll", f"{day} {unit}")
        language = self._pages.language(request)
        say = translator(language)
        return self._pages.page(
            request,
            "roll.html",
            day=day.isoformat(),
            unit=unit,
            units=allowed,
            doubtful=doubtful,
            unit_key=partial(self._unit_key, allowed=allowed),
            unit_title=self._unit_title(unit, figures or [], language),
            figures=figures,
            campuses=None if unit else self._by_campus(figures or [], language),
            campus_of=partial(self._campus, language=language),
            total=total,
            sentence=in_words(total, say),
            unmeasured=unmeasured,
            done=done_rows,
            kinds=KINDS,
            at_kiosks=AT_KIOSKS,
            max_reason=MAX_REASON,
            told=self._told(day, figures or []) if unit else None,
            error=error,
            given=given or {},
            now=self._site.now(),
            query=urlencode({"date": day.isoformat()} | ({"unit": unit} if unit else {})),
            number=number,
            last=last_page(total.unmeasured if unit else 0),
            days=self._site.days,
        )

    def _told(self, day: date, figures: Sequence[UnitRoll]) -> Told | None:
        """Who is told at once of today's fevers in these units; None if there are none or `day` is
        not today."""
        hot = {row.campus for row in figures if row.figures.fevers}
        return Told(self._site.told(hot)) if hot and day == self._site.roll.today() else None

    def enter(self, request: Request, form: Form) -> Response:
        """Enter who was measured or excused. A reason in the field `rest` excuses everybody else in
        the unit who is not measured yet."""
        day, unit = parse_day(form["date"]), form["unit"]
        chosen = self._chosen(self._allowed(request)[0], unit)
        try:
            marks = _marks(form)
            if form["rest"].strip():
                persons = {mark.person for mark in marks}
                marks += [
                    NewMark(person=row.person, excused=form["rest"])
                    for row in self._site.roll.people(day, "unmeasured", chosen)
                    if row.person not in persons
                ]
            self._enter(request, day, unit, marks, chosen)
        except MarkError as error:
            return self._page(request, form["date"], unit, error, form)
        return self._back(day, unit)

    def take_back(self, request: Request, form: Form) -> Response:
        """Take somebody's mark back, with a reason."""
        day, unit = parse_day(form["date"]), form["unit"]
        chosen = self._chosen(self._allowed(request)[0], unit)
        mark = NewMark(person=whole_number(form["person"], 16), take_back=form["reason"])
        try:
            if not form["reason"].strip():
                raise MarkError(mark.person, "reason")
            self._enter(request, day, unit, [mark], chosen)
        except MarkError as error:
            return self._page(request, form["date"], unit, error)
        return self._back(day, unit)

    def file(self, request: Request) -> Response:
        """Export who was not measured, with names, in one of the formats of a day's log."""
        kind, query = kind_of(request), request.query_params
        text, unit = query.get("date"), query.get("unit", "")
        day = parse_day(text) if text else self._site.roll.today()
        chosen = self._chosen(self._allowed(request)[0], unit)
        language = self._pages.language(request)
        say, site = translator(language), self._site

        def write(out: BinaryIO) -> None:
            if kind == "csv":
                write_csv(self._reader.unmeasured_table(day, chosen, say), out)
                return
            if kind == "json":
                out.write(self._json(day, chosen))
                return
            title = f"{site.title(language)} {unit}".strip()
            sheet = self._reader.sheet(title, day, chosen, site.zone, say)
            write_sheet(kind, sheet, say, out)

        name = f"roll-{site.name}-{day}.{kind}"
        return self._pages.answer_file(request, "take roll", name, write, unit)

    def _json(self, day: date, chosen: Sequence[str] | None) -> bytes:
        figures: list[UnitRoll] = self._site.roll.units(day, chosen) or []
        states = ("unmeasured", "excused")
        document = {"date": day.isoformat(), "campus": self._site.name}
        document |= {"figures": sum((unit.figures for unit in figures), DayRoll())}
        document |= {"units": figures}
        document |= {state: self._reader.rows(day, state, chosen) for state in states}
        return msgspec.json.encode(document)

    def _enter(
        self,
        request: Request,
        day: date,
        unit: str,
        marks: Sequence[NewMark],
        units: Sequence[str] | None,
    ) -> None:
        changes = self._site.marks.enter(day, marks, session_of(request).user, units=units)
        if changes:
            self._site.entered(day)
            self._pages.note(request, "enter roll", f"{day} {unit}: {noted(changes)}")

    def _allowed(self, request: Request) -> tuple[Sequence[str] | None, list[str]]:
        """The units whose roll the user may see (None: all), and the tutor's units that are left
        out because several campuses have a unit of that name. Raises `HTTPException` 403."""
        units = units_of(session_of(request))
        if units is None or self._site.campuses is None:
            return units, []
        doubtful = self._site.people.doubtful_units(units)
        return [unit for unit in units if unit not in doubtful], doubtful

    def _unit_key(self, row: UnitRoll, allowed: Sequence[str] | None) -> str:
        """How a URL names a unit: as UNIT at a gateway or if a tutor's account names it so, else as
        CAMPUS/UNIT."""
        plain = self._site.campuses is None or row.unit in (allowed or ())
        return row.unit if plain else f"{row.campus}/{row.unit}"

    def _unit_title(self, unit: str, figures: Sequence[UnitRoll], language: str) -> str:
        """A unit's title on the page, from its name in a URL (`_unit_key`)."""
        campus, stroke, name = unit.partition("/")
        if self._site.campuses is None or not stroke or any(row.unit == unit for row in figures):
            return unit
        return f"{name} · {self._campus(campus, language)}"

    def _chosen(self, allowed: Sequence[str] | None, unit: str) -> Sequence[str] | None:
        """The units of a request: the one that it names, or all that are allowed. Raises
        `HTTPException` 403."""
        if unit and allowed is not None and unit not in allowed:
            raise HTTPException(403)
        return [unit] if unit else allowed

    def _by_campus(self, figures: Sequence[UnitRoll], language: str) -> list[NamedCampus] | None:
        """The figures of each campus; None at a gateway, which has one campus only."""
        if self._site.campuses is None:
            return None
        sums: dict[str, DayRoll] = {}
        for row in figures:
            title = self._campus(row.campus, language)
            sums[title] = sums.get(title, DayRoll()) + row.figures
        return [NamedCampus(title, sums[title]) for title in sorted(sums)]

    def _campus(self, campus: str, language: str) -> str:
        return self._site.campuses(language, campus) if self._site.campuses else campus

    def _back(self, day: date, unit: str) -> Response:
        return RedirectResponse(f"{ROLL}?{urlencode({'date': str(day), 'unit': unit})}", 303)


def units_of(session: Session) -> Sequence[str] | None:
    """The units whose roll a user may see and enter (None: all). Raises `HTTPException` 403 for a
    guard."""
    if session.role == "guard":
        raise HTTPException(403)
    return session.units if session.role == "tutor" else None


def noted(changes: Sequence[Change]) -> str:
    """The audit's text on entered marks: the number of new ones, and each change without the
    person, because the audit is kept longer than marks."""
    first = [change for change in changes if not change.before]
    excused = sum(change.now == "excused" for change in first)
    parts = [f"{len(first) - excused} measured, {excused} excused"] if first else []
    parts += [f"{change.before} → {change.now or '-'}" for change in changes if change.before]
    return "; ".join(parts)


def _marks(form: Form) -> list[NewMark]:
    """The marks in a form: field `c-PERSON` holds a temperature (°C), `x-PERSON` the reason for an
    excuse. Raises `MarkError`."""
    marks = []
    for name, text in form.items():
        person = whole_number(name[2:], 16)
        if name[:2] not in ("c-", "x-") or person < 0 or not text.strip():
            continue
        if name[:2] == "x-":
            marks.append(NewMark(person=person, excused=text))
            continue
        if form.get(f"x-{person}", "").strip():
            raise MarkError(person, "either")
        try:
            plain = unicodedata.normalize("NFKC", text).replace(",", ".").strip()
            marks.append(NewMark(person=person, clinical_c=float(plain)))
        except ValueError:
            raise MarkError(person, "celsius") from None
    return marks
