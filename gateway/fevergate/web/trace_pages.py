"""/admin/trace: who passed the same gate as somebody with a fever; for administrators.

For the page and for each file, the reason is sent in the body of a form, never in an address.
"""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from fevergate.errors import TraceError
from fevergate.texts.translations import translator
from fevergate.texts.word_tables import ERRORS
from fevergate.web.context import Shared
from fevergate.web.trace import MAX_REASON, MOST_MINUTES, Trace, TraceRequest
from fevergate.web.trace_sheet import trace_sheet
from fevergate.web_common.downloads import kind_of
from fevergate.web_common.middleware import session_of
from fevergate.web_common.routes import Form, get, post, whole_number
from fevergate.web_common.sheet_files import write_sheet
from fevergate.web_common.tables import Sheet, cell_text

USUAL_MINUTES = "10"


class TracePages:
    """The page of traces and its files."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.routes = [
            get("/admin/trace", self.form),
            post("/admin/trace", self.show),
            post("/admin/trace.{kind:str}", self.file),
        ]

    def form(self, request: Request) -> Response:
        """Ask for the fever and the reason."""
        values = {"record": request.query_params.get("of", "")[:64], "minutes": USUAL_MINUTES}
        return self._page(request, values)

    def show(self, request: Request, form: Form) -> Response:
        """Trace, and show what was found."""
        try:
            return self._page(request, form, self._sheet(request, form)[1])
        except TraceError as error:
            return self._page(request, form, error=error)

    def file(self, request: Request, form: Form) -> Response:
        """Trace again, and answer with the result as a file."""
        kind = kind_of(request, ("csv", "xlsx"))
        try:
            trace, sheet = self._sheet(request, form)
        except TraceError as error:
            return self._page(request, form, error=error)
        name = f"trace-{trace.record.replace('/', '-')}-{trace.minutes}-min.{kind}"
        write = partial(write_sheet, kind, sheet, translator(self._shared.language(request)))
        return self._shared.answer_file(request, "take trace", name, write)

    def _sheet(self, request: Request, form: Form) -> tuple[Trace, Sheet]:
        """The trace that the form asks for, and its sheet. Raises `TraceError`."""
        trace_request = TraceRequest(
            record=form["record"], minutes=whole_number(form["minutes"], 3), reason=form["reason"]
        )
        trace = self._shared.tracer.trace(trace_request, session_of(request).user)
        return trace, trace_sheet(trace, self._shared.settings, self._shared.language(request))

    def _page(
        self,
        request: Request,
        values: Form | dict[str, str],
        sheet: Sheet | None = None,
        error: TraceError | None = None,
    ) -> Response:
        say = translator(self._shared.language(request))
        return self._shared.page(
            request,
            "trace.html",
            given={name: values.get(name, "") for name in ("record", "minutes", "reason")},
            sheet=sheet,
            error=error and say(ERRORS[error.reason]),
            cell=cell_text,
            most_minutes=MOST_MINUTES,
            most_reason=MAX_REASON,
            days=self._shared.settings.retention.persons_days,
        )
