"""Pages of the daily fever log: read, print, export, sign, strike hours."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.errors import ActionError, StrikeError
from fevergate.reports.fever_log import Day, WholeDay
from fevergate.reports.fevers import Fever
from fevergate.reports.formats import json_parts
from fevergate.storage.coverage_bits import day_bounds
from fevergate.storage.strikes import StrikeRequest, strike, take_back
from fevergate.texts.translations import translator
from fevergate.web.context import Shared
from fevergate.web.fever_columns import NARROW_COLUMNS, FeverRow
from fevergate.web.fever_search import OPEN, FeverQuery, FeverSearch
from fevergate.web.follow_ups import Followed, FollowUp
from fevergate.web.log_sheet import coverage_table, sheet
from fevergate.web.passer_pages import with_card_names
from fevergate.web.sign_offs import MAX_SIGNED_FEVERS
from fevergate.web_common.dates import parse_day
from fevergate.web_common.exports import write_csv
from fevergate.web_common.middleware import session_of
from fevergate.web_common.page_maker import PAGE, last_page, page_of
from fevergate.web_common.routes import Form, get, post, whole_number
from fevergate.web_common.sheet_files import write_sheet
from fevergate.web_common.tables import cell_text

SHEETS = ("csv", "xlsx", "pdf")
"""Kinds of files to which the log is exported as a printable sheet."""

MAX_STRUCK_SHOWN = 50
"""Most struck fevers on the page; the exports have all."""

_DETAILED = ("revoked_file",)
"""Reasons of a refused strike whose detail is shown to the administrator."""


class LogPages:
    """/admin/log: the log of a day, its exports and signature, and strikes of a kiosk's hours."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._search = FeverSearch(shared)
        self.routes = [
            get("/admin/log", self.log),
            post("/admin/log/sign", self.sign),
            post("/admin/log/strike", self.strike),
            post("/admin/log/take-back", self.take_back),
            get("/admin/log-coverage.csv", self.coverage_csv),
            *(get(f"/admin/log.{kind}", partial(self._sheet, kind)) for kind in SHEETS),
            get("/admin/log.json", self.json),
        ]

    def log(self, request: Request) -> Response:
        """Show a day's log."""
        return self._log_page(request, request.query_params.get("date"))

    def _log_page(
        self,
        request: Request,
        day: str | None,
        error: ActionError | None = None,
        given: Mapping[str, str] | None = None,
    ) -> Response:
        number = page_of(request)
        skip = (number - 1) * PAGE
        log = self._shared.day(day, PAGE, skip, MAX_STRUCK_SHOWN + 1)
        signed = self._shared.signed(log)
        language = self._shared.language(request)
        settings, say = self._shared.settings, translator(language)
        fevers = [
            FeverRow(settings, language, say, fever, after or FollowUp())
            for fever, after in self._shared.follow_ups.beside(log.fevers)
        ]
        self._shared.note(request, "look at log", log.date)
        return self._shared.page(
            request,
            "log.html",
            error=error,
            given=given or {},
            most_struck=MAX_STRUCK_SHOWN,
            log=log,
            open_cases=self._open_cases(log),
            signed=signed,
            columns=NARROW_COLUMNS,
            cell=partial(cell_text, day=date.fromisoformat(log.date)),
            fevers=fevers,
            number=number,
            last=last_page(log.count),
        )

    def _open_cases(self, log: Day) -> int:
        """Number of a day's fevers whose follow-up is open or not begun."""
        begin, end = day_bounds(date.fromisoformat(log.date), self._shared.settings.zone)
        return self._search.outcomes(FeverQuery(begin=begin, end=end))[OPEN]

    def sign(self, request: Request, form: Form) -> Response:
        """Sign a day's log."""
        log = self._shared.day(form.get("date") or None, MAX_SIGNED_FEVERS)
        follow_ups = self._shared.follow_ups_of(log.fevers)
        user = session_of(request).user
        self._shared.sign_offs.sign(log, follow_ups, user)
        self._shared.note(request, "sign off", log.date)
        return RedirectResponse(f"/admin/log?date={log.date}", 303)

    def strike(self, request: Request, form: Form) -> Response:
        """Strike a kiosk's hours from a day."""
        return self._strike(request, form, "strike")

    def take_back(self, request: Request, form: Form) -> Response:
        """Take a strike back, so that its hours count again."""
        return self._strike(request, form, "take back strike")

    def _strike(self, request: Request, form: Form, action: str) -> Response:
        day = parse_day(form.get("date", ""))
        try:
            strike_request = StrikeRequest(
                kiosk=form.get("kiosk", ""),
                day=day,
                by=session_of(request).user,
                reason=form.get("reason", "").strip(),
                begin=whole_number(form.get("begin", "0")),
                end=whole_number(form.get("end", "24")),
                trusted=form.get("trusted") == "1",
            )
            if action == "strike":
                strike(self._shared.settings, strike_request)
            else:
                take_back(
                    self._shared.settings, strike_request, whole_number(form.get("strike", ""))
                )
        except StrikeError as error:
            refusal = ActionError(error.reason, error.detail if error.reason in _DETAILED else "")
            return self._log_page(request, day.isoformat(), refusal, form)
        text = (
            f"{day} {strike_request.kiosk} {strike_request.begin}-{strike_request.end}:"
            f" {strike_request.reason}"
        )
        self._shared.note(request, action, text)
        return RedirectResponse(f"/admin/log?date={day}#struck", 303)

    def coverage_csv(self, request: Request) -> Response:
        """Export the kiosks' coverage as CSV."""
        language = self._shared.language(request)
        settings = self._shared.settings
        return self._file(
            request,
            "csv",
            lambda day_log, out: write_csv(coverage_table(day_log.day, settings, language), out),
            "-coverage",
        )

    def json(self, request: Request) -> Response:
        """Export the log as JSON."""

        def write_day(day_log: WholeDay, out: BinaryIO) -> None:
            for part in json_parts(day_log):
                out.write(part)

        return self._file(request, "json", write_day)

    def _sheet(self, kind: str, request: Request) -> Response:
        """Export the log as one of `SHEETS`."""
        personal = request.query_params.get("names") == "1"
        language = self._shared.language(request)
        say = translator(language)

        def followed(fevers: Iterable[Fever]) -> Iterator[Followed]:
            rows = self._shared.follow_ups.beside(fevers)
            return with_card_names(self._shared, rows) if personal else rows

        def write_day(day_log: WholeDay, out: BinaryIO) -> None:
            report = sheet(
                day_log,
                followed,
                self._shared.signed(day_log.day),
                self._shared.settings,
                language,
                personal=personal,
                open_cases=self._open_cases(day_log.day),
            )
            write_sheet(kind, report, say, out)

        return self._file(request, kind, write_day, "-with-names" * personal)

    def _file(
        self,
        request: Request,
        kind: str,
        write_day: Callable[[WholeDay, BinaryIO], None],
        variant: str = "",
    ) -> Response:
        text = request.query_params.get("date")
        day = parse_day(text) if text else self._shared.clock.today()

        def write(out: BinaryIO) -> None:
            with self._shared.whole_day(day) as day_log:
                write_day(day_log, out)

        name = f"fever-log{variant}-{self._shared.settings.campus}-{day}.{kind}"
        return self._shared.answer_file(request, "take log", name, write)
