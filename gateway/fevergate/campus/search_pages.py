"""Pages that search the fevers of all campuses, and sum up a week, a month or another period.

A name is sent in the body of a form, never in an address, and only by an administrator. Each search
is audited. The audit of a search by name records the fevers found, not the name.
"""

from collections.abc import Mapping
from functools import partial
from typing import BinaryIO
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.campus.fever_search import (
    CHOICES,
    CampusFeverPage,
    CampusFeverSearch,
    CampusQuery,
)
from fevergate.campus.period_summary import SummaryText, compared
from fevergate.campus.site import CampusSite
from fevergate.errors import PeriodError
from fevergate.texts.translations import translator
from fevergate.texts.word_tables import LABELS
from fevergate.web_common.dates import TITLES, Period, period, spans
from fevergate.web_common.downloads import kind_of
from fevergate.web_common.exports import write_csv
from fevergate.web_common.page_maker import PAGE, last_page, page_of
from fevergate.web_common.routes import Form, get, post
from fevergate.web_common.sheet_files import write_sheet
from fevergate.web_common.tables import Sheet, Table

FIELDS = ("from", "to", "place", "outcome", "name")
MAX_NOTED = 10
"""Most fevers that the audit lists for a search by name."""


class SearchPages:
    """/fevers and /summary, with their files."""

    def __init__(self, site: CampusSite, search: CampusFeverSearch) -> None:
        self._site = site
        self._search = search
        self.routes = [
            get("/fevers", self.fevers),
            get("/fevers.{kind:str}", self.fevers_file),
            post("/admin/fevers", self.search_by_name),
            get("/summary", self.summary),
            get("/summary.{kind:str}", self.summary_file),
        ]

    def fevers(self, request: Request) -> Response:
        """Search with the conditions in the address, which never include a name."""
        return self._show(request, {**request.query_params, "name": ""})

    def search_by_name(self, request: Request, form: Form) -> Response:
        """Search with a form. Without a name, redirect to an address that holds its conditions."""
        if not form["name"].strip():
            values = {name: form[name] for name in FIELDS if form[name]}
            return RedirectResponse(f"/fevers?{urlencode(values)}", 303)
        return self._show(request, form)

    def _show(self, request: Request, form: Mapping[str, str]) -> Response:
        number, today = page_of(request, form), self._site.today()
        span, error, part = None, "", CampusFeverPage([], 0)
        try:
            span = period(today, form)
            query = self._search.query(span, form)
        except PeriodError as refusal:
            error = refusal.reason
        else:
            part = self._search.page(query, PAGE, (number - 1) * PAGE)
            self._note(request, query, part)
        given = {name: form.get(name, "") for name in FIELDS}
        if span:
            given |= {"from": str(span.begin), "to": str(span.end)}
        return self._site.page(
            request,
            "campus_search.html",
            error=error,
            given=given,
            when=span,
            spans=spans(today),
            part=part,
            named=self._site.named(self._site.language(request)),
            places=self._site.places(self._site.language(request)),
            choices=CHOICES,
            number=number,
            last=last_page(part.count),
        )

    def _note(self, request: Request, query: CampusQuery, part: CampusFeverPage) -> None:
        if not query.name:
            text = " ".join(filter(None, (str(query.period), query.place, query.outcome)))
            self._site.note(request, "search fevers", text)
            return
        names = ", ".join(f"{campus}/{f.identity}" for campus, f in part.rows[:MAX_NOTED])
        text = f"{query.period}: {part.count} {names}".strip()
        self._site.note(request, "search name", text)

    def fevers_file(self, request: Request) -> Response:
        """Export the fevers that a search finds."""
        kind = kind_of(request)
        span = period(self._site.today(), request.query_params)
        query = self._search.query(span, {**request.query_params, "name": ""})
        name = f"fevers-{span.begin}-{span.end}.{kind}"
        write = partial(self._write, request, kind, query)
        return self._site.answer_file(request, "take fevers", name, write)

    def _write(self, request: Request, kind: str, query: CampusQuery, out: BinaryIO) -> None:
        language = self._site.language(request)
        say = translator(language)
        with self._search.whole(query) as (count, read):
            if kind == "json":
                head = {"from": query.period.begin, "to": query.period.end, "count": count}
                out.write(msgspec.json.encode(head)[:-1] + b',"fevers":[')
                between = b""
                for campus, fever in read():
                    out.write(between + msgspec.json.encode({"campus": campus, "fever": fever}))
                    between = b","
                out.write(b"]}")
                return
            table = self._site.text(language).found(
                partial(self._site.campus_title, language), count, read
            )
            filters = [query.place, say(LABELS[query.outcome]) if query.outcome else ""]
            sheet = Sheet(
                title=f"{self._site.institution(language)} {say('Fevers')} {query.period}".strip(),
                state="red" if count else "green",
                verdict=say("Fevers: %(count)s") % {"count": count},
                lines=[" · ".join(filter(None, filters))],
                tables=[table],
            )
            write_sheet(kind, sheet, say, out)

    def summary(self, request: Request) -> Response:
        """The report of a period over all campuses, by default this week."""
        today, query = self._site.today(), request.query_params
        week = Period.week(today).until(today)
        language = self._site.language(request)
        say = translator(language)
        bounds = {name: query[name] for name in ("from", "to") if query.get(name)}
        common = {"spans": spans(today), "given": bounds}
        try:
            span = period(today, bounds) if bounds else week
        except PeriodError as error:
            context = common | {"when": week, "error": error.reason, "title": TITLES[""]}
            return self._site.page(request, "summary.html", **context)
        words = SummaryText(self._site.text(language), language, say)
        summaries = compared(self._site.reports, span, span.earlier, self._site.today())
        return self._site.page(
            request,
            "summary.html",
            **common,
            error="",
            when=span,
            title=TITLES[span.kind],
            verdict=words.verdict(summaries[0]),
            comparison=words.comparison(summaries),
            tables=[words.by_campus(summaries[0]), words.by_day(summaries[0])],
        )

    def summary_file(self, request: Request) -> Response:
        """Export the report of a period."""
        kind, language = kind_of(request, ("pdf", "xlsx", "csv")), self._site.language(request)
        say = translator(language)
        span = period(self._site.today(), request.query_params)
        words = SummaryText(self._site.text(language), language, say)
        summaries = compared(self._site.reports, span, span.earlier, self._site.today())

        def write(out: BinaryIO) -> None:
            if kind == "csv":
                write_csv(words.by_day(summaries[0]), out)
                return
            with self._search.whole(CampusQuery(period=span)) as (count, read):
                title = partial(self._site.campus_title, language)
                fevers: Table = self._site.text(language).found(title, count, read)
                sheet = words.sheet(summaries, self._site.institution(language), fevers)
                write_sheet(kind, sheet, say, out)

        name = f"summary-{span.begin}-{span.end}.{kind}"
        return self._site.answer_file(request, "take report", name, write)
