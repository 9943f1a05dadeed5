"""Pages of the daily fever log: read, print, export, sign, strike hours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from fevergate.errors import ActionError, ExportError, StrikeError
from fevergate.reports.fever_log import identity_of
from fevergate.storage.strikes import StrikeRequest, strike, take_back
from fevergate.texts.translations import N_, translations
from fevergate.web.context import Shared
from fevergate.web.log_sheet import sheet
from fevergate.web.sign_offs import MAX_SIGNED_FEVERS
from fevergate.web_common.dates import parse_day
from fevergate.web_common.exports import TRUNCATED, XLSX, as_pdf, as_xlsx, csv_parts
from fevergate.web_common.middleware import form_of, session_of
from fevergate.web_common.page_maker import PAGE, last_page, page_of
from fevergate.web_common.tables import Sheet

FOOTER = N_("It screens and does not diagnose.")

MAX_STRUCK_SHOWN = 50
"""Struck fevers on the page; the exports have more."""

_DETAILED = ("revoked_file",)
"""Refusals whose detail is shown to the administrator."""


class LogPages:
    """/admin/log and below."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.routes = [
            Route("/admin/log", self.log),
            Route("/admin/log/sign", self.sign, methods=["POST"]),
            Route("/admin/log/strike", self.strike, methods=["POST"]),
            Route("/admin/log/take-back", self.take_back, methods=["POST"]),
            Route("/admin/log.csv", self.csv),
            Route("/admin/log-coverage.csv", self.coverage_csv),
            Route("/admin/log.xlsx", self.xlsx),
            Route("/admin/log.pdf", self.pdf),
            Route("/admin/log.json", self.json),
        ]

    async def log(self, request: Request) -> Response:
        """Show a day's log."""
        return await self._log_page(request, request.query_params.get("date"))

    async def _log_page(
        self,
        request: Request,
        day: str | None,
        error: ActionError | None = None,
        given: Mapping[str, str] | None = None,
    ) -> Response:
        number = page_of(request)
        log = await run_in_threadpool(self._shared.day, day, PAGE, (number - 1) * PAGE)
        signed = await run_in_threadpool(self._shared.signed, log)
        known = await run_in_threadpool(self._shared.follow_ups_of, log.fevers)
        await self._note(request, "look at log", log.date)
        return self._shared.page(
            request,
            "log.html",
            400 if error else 200,
            error=error,
            given=given or {},
            most_struck=MAX_STRUCK_SHOWN,
            log=log,
            signed=signed,
            fevers=[(fever, known.get(identity_of(fever))) for fever in log.fevers],
            number=number,
            last=last_page(log.count),
        )

    async def sign(self, request: Request) -> Response:
        """Sign a day's log."""
        form = await form_of(request)
        log = await run_in_threadpool(self._shared.day, form.get("date") or None, MAX_SIGNED_FEVERS)
        known = await run_in_threadpool(self._shared.follow_ups_of, log.fevers)
        user = session_of(request).user
        await run_in_threadpool(self._shared.sign_offs.sign, log, known, user)
        await self._note(request, "sign off", log.date)
        return RedirectResponse(f"/admin/log?date={log.date}", 303)

    async def strike(self, request: Request) -> Response:
        """Strike a kiosk's hours from a day."""
        return await self._strike(request, "strike")

    async def take_back(self, request: Request) -> Response:
        """Let hours that were struck count again."""
        return await self._strike(request, "take back strike")

    async def _strike(self, request: Request, action: str) -> Response:
        form = await form_of(request)
        day = parse_day(form.get("date", ""))
        try:
            asked = StrikeRequest(
                kiosk=form.get("kiosk", ""),
                day=day,
                by=session_of(request).user,
                reason=form.get("reason", "").strip(),
                begin=_number(form.get("begin", "0")),
                end=_number(form.get("end", "24")),
                trusted=form.get("trusted") == "1",
            )
            if action == "strike":
                await run_in_threadpool(strike, self._shared.settings, asked)
            else:
                number = _number(form.get("strike", ""))
                await run_in_threadpool(take_back, self._shared.settings, asked, number)
        except StrikeError as error:
            shown = ActionError(error.reason, error.detail if error.reason in _DETAILED else "")
            return await self._log_page(request, day.isoformat(), shown, form)
        what = f"{day} {asked.kiosk} {asked.begin}-{asked.end}: {asked.reason}"
        await self._note(request, action, what)
        return RedirectResponse(f"/admin/log?date={day}#struck", 303)

    async def csv(self, request: Request) -> Response:
        """Export the fevers as CSV."""
        return await self._file(
            request, "csv", "text/csv; charset=utf-8", lambda report: csv_parts(report.tables[0])
        )

    async def coverage_csv(self, request: Request) -> Response:
        """Export the kiosks' coverage as CSV."""
        return await self._file(
            request,
            "coverage.csv",
            "text/csv; charset=utf-8",
            lambda report: csv_parts(report.tables[1]),
        )

    async def xlsx(self, request: Request) -> Response:
        """Export the log as XLSX."""
        return await self._file(request, "xlsx", XLSX, as_xlsx)

    async def pdf(self, request: Request) -> Response:
        """Export the log as PDF."""
        say = translations(self._shared.language(request)).gettext
        return await self._file(
            request,
            "pdf",
            "application/pdf",
            lambda report: as_pdf(report, say(FOOTER), say(TRUNCATED)),
        )

    async def json(self, request: Request) -> Response:
        """Export the log as JSON."""
        log = await run_in_threadpool(self._shared.day, request.query_params.get("date"))
        await self._note(request, "take log", f"{log.date} json")
        content = await run_in_threadpool(msgspec.json.encode, log)
        return Response(content, media_type="application/json")

    async def _file(
        self,
        request: Request,
        suffix: str,
        kind: str,
        make: Callable[[Sheet], bytes | Iterator[bytes]],
    ) -> Response:
        personal = request.query_params.get("names") == "1"
        report = await run_in_threadpool(self._sheet, request, personal)
        try:
            content = await run_in_threadpool(make, report)
        except ExportError:
            raise HTTPException(503, "font") from None
        what = f"{report.name}.{suffix}" + (" with names" if personal else "")
        await self._note(request, "take log", what)
        headers = {"Content-Disposition": f'attachment; filename="{report.name}.{suffix}"'}
        if isinstance(content, bytes):
            return Response(content, media_type=kind, headers=headers)
        return StreamingResponse(content, media_type=kind, headers=headers)

    def _sheet(self, request: Request, personal: bool) -> Sheet:
        log = self._shared.day(request.query_params.get("date"))
        return sheet(
            log,
            self._shared.follow_ups_of(log.fevers),
            self._shared.signed(log),
            self._shared.settings.zone,
            translations(self._shared.language(request)).gettext,
            personal=personal,
        )

    async def _note(self, request: Request, action: str, what: str) -> None:
        user = session_of(request).user
        await run_in_threadpool(self._shared.store.note, user, action, what)


def _number(text: str) -> int:
    """A form's number. Raises `StrikeError`."""
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise StrikeError("hours", text[:20])
    return int(text)
