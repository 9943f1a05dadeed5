"""Pages of the campus server: reports by day and version, status, and personal data of a fever."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from operator import methodcaller

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.campus.account_store import AccountStore
from fevergate.campus.fever_search import CampusFeverSearch
from fevergate.campus.pending_tasks import gateway_states, read_pending_tasks
from fevergate.campus.period_summary import SummaryText, compared
from fevergate.campus.replaced import replaced_rows
from fevergate.campus.report import DayReport
from fevergate.campus.report_tables import TABLES
from fevergate.campus.report_versions import Reports, Version
from fevergate.campus.search_pages import SearchPages
from fevergate.campus.settings import CampusSettings
from fevergate.campus.site import CampusSite
from fevergate.campus.summary_store import CampusStore, RefusedDelivery
from fevergate.errors import ReportError
from fevergate.texts.translations import translator
from fevergate.web_common.dates import WEEK, Period, parse_day
from fevergate.web_common.downloads import kind_of
from fevergate.web_common.exports import write_csv
from fevergate.web_common.middleware import session_of
from fevergate.web_common.routes import Form, get, post, whole_number
from fevergate.web_common.sheet_files import write_sheet
from fevergate.web_common.tables import Table

DAYS = 35
"""Days on one page of the list of reports."""

MOST_REPLACED = 200
"""Most lines on replaced tokens that the status page lists."""


class CampusPages(CampusSite):
    """Pages for signed-in users; only administrators may sign and see personal data."""

    def __init__(
        self,
        settings: CampusSettings,
        people: AccountStore,
        store: CampusStore,
        reports: Reports,
        search: CampusFeverSearch,
        now: Callable[[], float],
    ) -> None:
        super().__init__(settings, people, store, reports, now)
        self._search = search
        self.routes = [
            *SearchPages(self, search).routes,
            get("/reports", self.days),
            get("/reports/{date:str}.{kind:str}", self.file),
            get("/reports/{date:str}", self.report),
            get("/status", self.status),
            post("/admin/reports/{date:str}/sign", self.sign),
            post("/admin/reports/{date:str}/submit", self.submit),
            get("/admin/persons/{campus:str}/{kiosk:str}/{boot:number}/{seq:number}", self.person),
        ]

    def days(self, request: Request) -> Response:
        """List `DAYS` days with the state of each report, the newest first. If no date is
        requested, show above them the waiting tasks and this week's figures beside last week's."""
        text = request.query_params.get("to")
        last = parse_day(text) if text else date.fromisoformat(self._today())
        first = last - timedelta(days=DAYS - 1)
        latest = self.reports.latest(first.isoformat(), last.isoformat())
        by_day = {report.date: (report, version) for report, version in latest}
        first_day = self.reports.first() or self._today()
        days = [(last - timedelta(days=n)).isoformat() for n in range(DAYS)]
        rows = [
            (day, by_day.get(day))
            for day in days
            if day in by_day or first_day <= day < self._today()
        ]
        week, language = Period.week(self.today()), self.language(request)
        this_week = week.until(self.today())
        morning = None
        if not text:
            morning = read_pending_tasks(
                self._store, self._settings, self._search, self.today(), rows
            )
        return self.page(
            request,
            "days.html",
            rows=rows,
            submitted=self.reports.submitted(first.isoformat(), last.isoformat()),
            morning=morning,
            named=self.named(language),
            now=self._now(),
            week=this_week,
            later=str(last + timedelta(days=DAYS)) if text and text < self._today() else "",
            comparison=self._comparison(this_week, Period.week(week.begin - WEEK), language)
            if morning
            else None,
            earlier=(first - timedelta(days=1)).isoformat()
            if first_day < first.isoformat()
            else "",
            due=self._settings.report,
        )

    def _comparison(self, week: Period, before: Period, language: str) -> Table:
        words = SummaryText(self.text(language), language, translator(language))
        return words.comparison(compared(self.reports, week, before, self.today()))

    def report(self, request: Request) -> Response:
        """Show one day's report in the requested version, or the newest. A day without a version
        is shown with the figures that are known now."""
        day = _day(request)
        versions, to = self.reports.versions(day), self._settings.report.to
        if versions:
            report, version = self._version(request, day, versions)
        elif day > self._today():
            raise HTTPException(404)
        else:
            report, version = self.reports.now(day), None
        persons = [
            f"/admin/persons/{campus.campus}/{fever.identity}"
            for campus in report.campuses
            for fever in campus.fevers
        ]
        context = {"report": report, "version": version, "versions": versions, "to": to}
        context |= {"now": self._now(), "untaken": self._refused_deliveries(report)}
        return self.page(request, "report.html", persons=persons, **context)

    def _refused_deliveries(self, report: DayReport) -> list[RefusedDelivery]:
        """The newest refused delivery of each gateway that has not stated this day, if it was
        refused on the report's day or later: that gateway sent data that was not stored."""
        midnight = datetime.fromisoformat(report.date).replace(tzinfo=self._settings.zone)
        refused = self._store.last_refused()
        silent = {gateway for campus in report.campuses for gateway in campus.silent}
        return [
            refused[gateway]
            for gateway in sorted(silent & refused.keys())
            if refused[gateway].at >= midnight.timestamp()
        ]

    def file(self, request: Request) -> Response:
        """Send a version as a file: CSV, XLSX, PDF or JSON."""
        day, kind = _day(request), kind_of(request)
        versions = self.reports.versions(day)
        report, version = self._version(request, day, versions)
        language = self.language(request)
        say = translator(language)
        text = self.text(language)
        if kind == "csv":
            name = request.query_params.get("table", "campuses")
            if name not in TABLES:
                raise HTTPException(404)
            write = partial(write_csv, text.table(name, report))
        elif kind == "json":
            document = msgspec.json.encode({"version": version, "report": report})
            write = methodcaller("write", document)
        else:
            write = partial(write_sheet, kind, text.sheet(report, version, versions), say)
        file = f"report-{report.date}-v{version.version}.{kind}"
        return self.answer_file(request, "take report", file, write)

    def sign(self, request: Request, form: Form) -> Response:
        """Sign the newest version in the user's name."""
        day, number = _day(request), whole_number(form["version"])
        self.reports.sign(day, number, session_of(request).user)
        self.note(request, "sign off", f"{day} v{number}")
        return RedirectResponse(f"/reports/{day}", 303)

    def submit(self, request: Request, form: Form) -> Response:
        """Record that the newest version was submitted to the superior authority, and to whom."""
        day, number, to = _day(request), whole_number(form["version"]), form["to"].strip()[:64]
        self.reports.submit(day, number, session_of(request).user, to)
        self.note(request, "submit", f"{day} v{number} {to}".strip())
        return RedirectResponse(f"/reports/{day}", 303)

    def status(self, request: Request) -> Response:
        """Show gateways, refused deliveries, and rows received with tokens replaced since then."""
        return self.page(
            request,
            "status.html",
            now=self._now(),
            gateways=gateway_states(self._store, self._settings),
            refused=self._store.refused(),
            replaced=replaced_rows(self._store.database, self._settings)[:MOST_REPLACED],
        )

    def person(self, request: Request) -> Response:
        """Show the personal data of a fever, if its campus sent any; first record in the audit who
        looks at it."""
        campus, *parts = request.path_params.values()
        identity = "/".join(map(str, parts))
        self.note(request, "look at follow-up", f"{campus} {identity}")
        fields = self._store.persons(campus, identity)
        return self.page(request, "person.html", identity=identity, fields=fields)

    def _version(
        self, request: Request, day: str, versions: list[Version]
    ) -> tuple[DayReport, Version]:
        text = request.query_params.get("version", "")
        if not versions:
            raise ReportError("version")
        return self.reports.read(day, whole_number(text) if text else versions[0].version)


def _day(request: Request) -> str:
    """The date in the request's path. Raises `PeriodError`."""
    return parse_day(request.path_params["date"]).isoformat()
