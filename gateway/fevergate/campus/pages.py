"""Pages of the campus server: reports by day and version, status, and personal data of a fever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fevergate.campus import report_sheet
from fevergate.campus.account_store import PeopleStore
from fevergate.campus.notice_log import Notices
from fevergate.campus.report import DayReport
from fevergate.campus.report_versions import Reports, Version
from fevergate.campus.settings import CampusSettings
from fevergate.campus.summary_store import CampusStore
from fevergate.errors import ReportError
from fevergate.texts.translations import N_, translator
from fevergate.web_common.accounts import Accounts, Session
from fevergate.web_common.dates import parse_day
from fevergate.web_common.downloads import CSV, JSON, PDF, XLSX, download
from fevergate.web_common.exports import TRUNCATED, write_csv, write_pdf, write_xlsx
from fevergate.web_common.middleware import form_of, session_of
from fevergate.web_common.page_maker import Functions, Say, Site
from fevergate.web_common.store import AuditedStore

DAYS = 35
MOST = 200
FOOTER = N_("It screens and does not diagnose.")


class CampusPages(Site):
    """Pages for signed-in users; only administrators may sign and see personal data."""

    role_names = MappingProxyType(
        {"guard": N_("May look"), "administrator": N_("May sign, and let people in")}
    )

    def __init__(
        self,
        settings: CampusSettings,
        people: PeopleStore,
        store: CampusStore,
        reports: Reports,
        notices: Notices,
        now: Callable[[], float],
    ) -> None:
        super().__init__(
            settings.zone,
            settings.language,
            ["fevergate.campus", "fevergate.web_common"],
            _functions(settings.zone),
        )
        self._settings = settings
        self._people = people
        self._store = store
        self._reports = reports
        self._notices = notices
        self._now = now
        self.accounts = Accounts(people, now)
        self.routes = [
            Route("/reports", self.days),
            Route("/reports/{date:str}.{kind:str}", self.file),
            Route("/reports/{date:str}", self.report),
            Route("/status", self.status),
            Route("/admin/reports/{date:str}/sign", self.sign, methods=["POST"]),
            Route("/admin/reports/{date:str}/submit", self.submit, methods=["POST"]),
            Route("/admin/persons/{campus:str}/{kiosk:str}/{boot:int}/{seq:int}", self.person),
        ]

    @property
    def audited(self) -> AuditedStore:
        return self._people

    def home(self, session: Session) -> str:
        return "/reports"

    def always(self) -> dict[str, Any]:
        title, title_en = self._settings.title, self._settings.title_en
        return {
            "clock_doubted": not self._store.believed(),
            "institution": title,
            "institution_en": title_en or title,
            "today": self._today(),
        }

    async def days(self, request: Request) -> Response:
        """List of `DAYS` days with the state of each report."""
        text = request.query_params.get("to")
        last = parse_day(text) if text else date.fromisoformat(self._today())
        first = last - timedelta(days=DAYS - 1)
        found = await run_in_threadpool(self._reports.latest, first.isoformat(), last.isoformat())
        by_day = {report.date: (report, version) for report, version in found}
        rows = [
            (day.isoformat(), by_day.get(day.isoformat()))
            for day in (last - timedelta(days=n) for n in range(DAYS))
        ]
        known = await run_in_threadpool(self._reports.first) or self._today()
        return self.page(
            request,
            "days.html",
            rows=[(day, one) for day, one in rows if one or known <= day < self._today()],
            earlier=(first - timedelta(days=1)).isoformat() if known < first.isoformat() else "",
            due=self._settings.report,
        )

    async def report(self, request: Request) -> Response:
        """One day's report: the requested version or the newest; without any, as known now."""
        day = parse_day(request.path_params["date"]).isoformat()
        versions = await run_in_threadpool(self._reports.versions, day)
        if not versions:
            return await self._as_it_is(request, day)
        report, version = await self._version(request, day, versions)
        return self.page(
            request,
            "report.html",
            report=report,
            version=version,
            versions=versions,
            to=self._settings.report.to,
        )

    async def _as_it_is(self, request: Request, day: str) -> Response:
        if day > self._today():
            raise HTTPException(404)
        report = await run_in_threadpool(self._reports.now, day)
        return self.page(request, "report.html", report=report, version=None, versions=[], to="")

    async def file(self, request: Request) -> Response:
        """A version as a file: CSV, XLSX, PDF or JSON."""
        day = parse_day(request.path_params["date"]).isoformat()
        kind = request.path_params["kind"]
        versions = await run_in_threadpool(self._reports.versions, day)
        report, version = await self._version(request, day, versions)
        language = self.language(request)
        say = translator(language)
        zone = self._settings.zone
        sheet = report_sheet.sheet(report, [version], zone, language, say)
        if kind == "csv":
            name = request.query_params.get("table", "campuses")
            if name not in report_sheet.TABLES:
                raise HTTPException(404)
            table = report_sheet.table(name, report, zone, language, say)
            media, write = CSV, partial(write_csv, table)
        elif kind == "xlsx":
            media, write = XLSX, partial(write_xlsx, sheet)
        elif kind == "pdf":
            media, write = PDF, partial(write_pdf, sheet, say(FOOTER), say(TRUNCATED))
        elif kind == "json":
            document = msgspec.json.encode({"version": version, "report": report})
            media, write = JSON, lambda out: out.write(document)
        else:
            raise HTTPException(404)
        file = f"report-{report.date}-v{version.version}.{kind}"
        answer = await run_in_threadpool(download, file, media, write)
        await self._note(request, "take report", file)
        return answer

    async def sign(self, request: Request) -> Response:
        """Sign the newest version as the user."""
        day, number = await self._asked(request)
        user = session_of(request).user
        await run_in_threadpool(self._reports.sign, day, number, user)
        await self._note(request, "sign off", f"{day} v{number}")
        return RedirectResponse(f"/reports/{day}", 303)

    async def submit(self, request: Request) -> Response:
        """Note that the newest version was submitted."""
        form = await form_of(request)
        day, number = await self._asked(request, form)
        user, to = session_of(request).user, form.get("to", "").strip()[:64]
        await run_in_threadpool(self._reports.submit, day, number, user, to)
        await self._note(request, "submit", f"{day} v{number} {to}".strip())
        return RedirectResponse(f"/reports/{day}", 303)

    async def status(self, request: Request) -> Response:
        """Gateways, refused deliveries, rows by replaced tokens, and notices."""
        heard = {
            (one.campus, one.gateway): one for one in await run_in_threadpool(self._store.heard)
        }
        expected = [
            (name, gateway)
            for name, one in self._settings.campuses.items()
            for gateway in one.gateways
        ]
        whose = sorted({*expected, *heard})
        return self.page(
            request,
            "status.html",
            gateways=[(campus, gateway, heard.get((campus, gateway))) for campus, gateway in whose],
            silent_before=self._now() - self._settings.escalation.silent_after_min * 60,
            refused=await run_in_threadpool(self._store.refused),
            replaced=(await run_in_threadpool(self._store.replaced, self._settings))[:MOST],
            notices=await run_in_threadpool(self._notices.recent, MOST),
        )

    async def person(self, request: Request) -> Response:
        """Personal data of a fever, if its campus sent any; the access is audited first."""
        params = request.path_params
        identity = f"{params['kiosk']}/{params['boot']}/{params['seq']}"
        await self._note(request, "look at follow-up", f"{params['campus']} {identity}")
        fields = await run_in_threadpool(self._store.persons, params["campus"], identity)
        return self.page(request, "person.html", identity=identity, fields=fields)

    async def _version(
        self, request: Request, day: str, versions: list[Version]
    ) -> tuple[DayReport, Version]:
        text = request.query_params.get("version", "")
        if not versions or (text and not (text.isascii() and text.isdigit() and len(text) < 9)):
            raise ReportError("version")
        number = int(text) if text else versions[0].version
        return await run_in_threadpool(self._reports.read, day, number)

    async def _asked(self, request: Request, form: dict[str, str] | None = None) -> tuple[str, int]:
        form = await form_of(request) if form is None else form
        text = form.get("version", "")
        if not (text.isascii() and text.isdigit() and len(text) < 9):
            raise ReportError("version")
        return parse_day(request.path_params["date"]).isoformat(), int(text)

    async def _note(self, request: Request, action: str, what: str) -> None:
        user = session_of(request).user
        await run_in_threadpool(self._people.note, user, action, what)

    def _today(self) -> str:
        return datetime.fromtimestamp(self._now(), self._settings.zone).date().isoformat()


def _functions(zone: ZoneInfo) -> Functions:
    def functions(say: Say) -> dict[str, Callable[..., Any]]:
        return {
            "verdict": lambda report: report_sheet.verdict(report, say),
            "gaps": lambda report, language: report_sheet.gaps(report, language, say),
            "struck": lambda report, language: report_sheet.struck(report, language, zone, say),
            "table": lambda name, report, language: report_sheet.table(
                name, report, zone, language, say
            ),
            "corrections": lambda version, report, language: report_sheet.corrections(
                version, report, language, say
            ),
            "records": lambda report: [
                f"/admin/persons/{one.campus}/{fever.identity}"
                for one in report.campuses
                for fever in one.fevers
            ],
            "signatures": lambda version: report_sheet.signatures(version, zone, say),
        }

    return functions
