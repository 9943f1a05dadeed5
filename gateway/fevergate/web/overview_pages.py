"""Pages of the overview: what is to be done now, and the report of a period with charts of its
days.

Each chart has a table and a CSV file of its values.
"""

from datetime import date
from functools import partial
from typing import Any, BinaryIO

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fevergate.errors import PeriodError
from fevergate.settings.names import Names
from fevergate.storage.coverage_bits import day_bounds
from fevergate.texts.translations import N_, Say, translator
from fevergate.web import charts
from fevergate.web.context import Shared
from fevergate.web.fever_search import FeverQuery, FeverSearch
from fevergate.web.overview import Counts, Overview
from fevergate.web.pending_tasks import MAX_UNSIGNED, read_pending_tasks
from fevergate.web.period_report import (
    PeriodSums,
    comparison_table,
    fevers_by_hand,
    period_verdict,
    read_comparison,
    report_sheet,
    unwatched_days,
)
from fevergate.web_common.dates import TITLES, WEEK, Period, period, spans
from fevergate.web_common.downloads import download, kind_of
from fevergate.web_common.exports import write_csv
from fevergate.web_common.routes import get
from fevergate.web_common.sheet_files import write_sheet
from fevergate.web_common.tables import Cell, Table

PEOPLE = (N_("Normal"), N_("Fever"), N_("Retry"))
NAMES = {"days": N_("By day"), "gates": N_("By gate"), "hours": N_("By hour of the day")}
"""Titles of the tables of a report."""

TABLES = ("hours", "temperatures", "days", "gates", "term")


class OverviewPages:
    """/admin/overview and below."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._search = FeverSearch(shared)
        self._gates = [gate.name for gate in shared.settings.gates]
        self.routes = [
            get("/admin/overview", self.overview),
            get("/admin/overview.{kind:str}", self.file),
            get("/admin/overview/{table:str}.csv", self.csv),
        ]

    def overview(self, request: Request) -> Response:
        """Show what is to be done now or, if the query names a period, its report."""
        query, today = request.query_params, self._shared.clock.today()
        bounds = {name: query[name] for name in ("from", "to", "gate") if query.get(name)}
        week = Period.week(today).until(today)
        common = {"spans": spans(today), "gates": self._gates, "given": bounds}
        if not bounds:
            return self._morning(request, week, common)
        try:
            span, overview = period(today, bounds), self._shared.overview(bounds)
        except PeriodError as error:
            context = common | {"when": week, "error": error.reason, "title": TITLES[""]}
            return self._shared.page(request, "overview.html", **context)
        return self._report(request, overview, span, common)

    def _morning(self, request: Request, week: Period, common: dict[str, Any]) -> Response:
        say = translator(self._shared.language(request))
        before = Period.week(week.begin - WEEK)
        overview = self._shared.overview({"from": str(week.begin), "to": str(week.end)})
        return self._shared.page(
            request,
            "morning.html",
            **common,
            morning=read_pending_tasks(self._shared, self._search),
            most_unsigned=MAX_UNSIGNED,
            now=self._shared.clock.now(),
            when=week,
            before=before,
            overview=overview,
            comparison=comparison_table(self._comparison(week, before), say),
            query=_query(overview),
            term=_term(overview, say),
        )

    def _report(
        self, request: Request, overview: Overview, span: Period, common: dict[str, Any]
    ) -> Response:
        say = translator(self._shared.language(request))
        by_hand = self._by_hand(overview)

        def stacked(name: str, counts: Counts) -> tuple[str, str, list[tuple[str, int]]]:
            parts = [("normal", counts.normal), ("retry", counts.retry), ("fever", counts.fever)]
            return name, _title(name, counts, say), parts

        return self._shared.page(
            request,
            "overview.html",
            **common,
            overview=overview,
            error="",
            when=span,
            title=TITLES[span.kind],
            verdict_of=period_verdict(
                overview, say, has_list=self._shared.has_list, by_hand=by_hand
            ),
            unwatched=[*fevers_by_hand(by_hand, say), *unwatched_days(overview, say)],
            comparison=comparison_table(self._comparison(span, span.earlier, overview.gate), say),
            query=_query(overview),
            hours=charts.bar_chart(
                [stacked(f"{hour.hour:02d}", hour) for hour in overview.hours], 12
            ),
            days=charts.bar_chart([stacked(day.date[5:], day) for day in overview.days]),
            temperatures=charts.bar_chart(
                [
                    (
                        f"{tenth.body_c:.1f}",
                        f"{tenth.body_c:.1f} °C: {tenth.people}",
                        [("warm", tenth.people)],
                    )
                    for tenth in overview.temperatures
                ],
                9,
            ),
            term=_term(overview, say),
        )

    def _comparison(self, span: Period, before: Period, gate: str = "") -> list[PeriodSums]:
        with self._shared.reader() as reader:
            settings = self._shared.settings
            by_hand = self._shared.roll.fevers
            return read_comparison(reader, settings, self._search, span, before, gate, by_hand)

    def _by_hand(self, overview: Overview) -> int:
        """Number of fevers measured by hand or at the desk, which belong to no gate."""
        if overview.gate:
            return 0
        begin, end = date.fromisoformat(overview.begin), date.fromisoformat(overview.end)
        return self._shared.roll.fevers(begin, end)

    def file(self, request: Request) -> Response:
        """Export the report of a period."""
        kind = kind_of(request, ("pdf", "xlsx"))
        settings, language = self._shared.settings, self._shared.language(request)
        say = translator(language)
        overview = self._shared.overview(request.query_params)
        span = period(self._shared.clock.today(), request.query_params)
        sums = self._comparison(span, span.earlier, overview.gate)
        names = settings.names(language)
        tables = [_titled(name, overview, names, say) for name in ("days", "gates", "hours")]
        begin, end = day_bounds(span.begin, settings.zone, span.end)
        query = FeverQuery(begin=begin, end=end, gate=overview.gate)

        def write(out: BinaryIO) -> None:
            with self._search.whole(query) as fevers:
                sheet = report_sheet(
                    *(overview, sums, tables, fevers, settings, language, say),
                    has_list=self._shared.has_list,
                    by_hand=self._by_hand(overview),
                )
                write_sheet(kind, sheet, say, out)

        place = f"{settings.campus}-{overview.gate}".rstrip("-")
        name = f"report-{place}-{span.begin}-{span.end}.{kind}"
        return self._shared.answer_file(request, "take report", name, write)

    def csv(self, request: Request) -> Response:
        """Export the table of a chart as CSV."""
        name = request.path_params["table"]
        if name not in TABLES:
            raise HTTPException(404)
        overview = self._shared.overview(request.query_params)
        language = self._shared.language(request)
        say, names = translator(language), self._shared.settings.names(language)
        table = Table(name, *_table(name, overview, names))
        table = table._replace(columns=[say(title) for title in table.columns])
        file = f"overview-{name}-{overview.campus}-{overview.begin}-{overview.end}.csv"
        return download(file, partial(write_csv, table))


def _query(overview: Overview) -> str:
    return f"from={overview.begin}&to={overview.end}&gate={overview.gate}"


def _title(name: str, sums: Counts, say: Say) -> str:
    people = say("%(normal)d normal, %(fever)d fever, %(retry)d retries")
    return f"{name}: {people % {'normal': sums.normal, 'fever': sums.fever, 'retry': sums.retry}}"


def _term(overview: Overview, say: Say) -> list[charts.CalendarMonth]:
    return charts.calendar_chart(
        overview.term, [_title(day.date, day, say) for day in overview.term]
    )


def _titled(name: str, overview: Overview, names: Names, say: Say) -> Table:
    columns, rows = _table(name, overview, names)
    return Table(say(NAMES[name]), [say(column) for column in columns], rows)


def _table(name: str, overview: Overview, names: Names) -> tuple[list[str], list[list[Cell]]]:
    if name == "temperatures":
        rows: list[list[Cell]] = [[tenth.body_c, tenth.people] for tenth in overview.temperatures]
        return [N_("Body °C (axillary equivalent)"), N_("People")], rows
    if name == "hours":
        return [N_("Hour"), *PEOPLE], [[hour.hour, *_people(hour)] for hour in overview.hours]
    if name == "gates":
        return [N_("Gate"), *PEOPLE], [
            [names.gate(gate.gate), *_people(gate)] for gate in overview.gates
        ]
    days = overview.term if name == "term" else overview.days
    columns = [N_("Date"), *PEOPLE, N_("Kiosks that watched")]
    return columns, [[date.fromisoformat(day.date), *_people(day), day.watched] for day in days]


def _people(counts: Counts) -> list[Cell]:
    return [counts.normal, counts.fever, counts.retry]
