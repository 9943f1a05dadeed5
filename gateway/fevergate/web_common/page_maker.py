"""Renders pages and error pages from templates, in Chinese or English and in a day or night
theme."""

import logging
import re
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from fevergate.errors import (
    BrokerError,
    CampusError,
    ExportError,
    NothingFoundError,
    PeriodError,
    ReportError,
    StoreError,
)
from fevergate.reports.day_in_words import local, minute
from fevergate.texts.network_text import explained
from fevergate.texts.translations import LANGUAGES, N_, Say, translator
from fevergate.texts.word_tables import ERRORS, LABELS
from fevergate.web_common.accounts import Accounts, Role, Session
from fevergate.web_common.audit_words import audit_text
from fevergate.web_common.downloads import download
from fevergate.web_common.middleware import HEADERS, LANGUAGE, THEME, session_of
from fevergate.web_common.store import AuditedStore

log = logging.getLogger(__name__)

_DATE = re.compile(r"(\d{4}-\d\d-\d\d(?: –)?)")

THEMES = ("auto", "day", "night")
FAILURES: tuple[type[Exception], ...] = (
    *(HTTPException, PeriodError, ReportError, NothingFoundError, ExportError, BrokerError),
    *(StoreError, CampusError, sqlite3.Error),
)
"""Exceptions that `Site.failed` answers; any other is a programming error."""

PAGE = 100
"""Rows of a list on one page."""

LOCALES = {"zh": "zh_CN", "en": "en_GB"}
Functions = Callable[[str, Say], Mapping[str, Any]]
"""Makes the functions that templates may call, from the language and its translation function."""


class Site(ABC):
    """The pages of one web application. Templates are searched in `packages` in order; `zone` is
    the local time zone."""

    accounts: Accounts
    audited: AuditedStore
    """The database with accounts and audit."""

    role_names: Mapping[Role, str] = {
        "guard": N_("Guard"),
        "administrator": N_("Administrator"),
        "tutor": N_("Tutor"),
    }

    def __init__(
        self, zone: ZoneInfo, language: str, packages: Sequence[str], functions: Functions
    ) -> None:
        self._zone = zone
        self._language = language
        self._loader = ChoiceLoader([PackageLoader(package) for package in packages])
        self._environments = {
            language: self._environment(language, functions) for language in LANGUAGES
        }

    @abstractmethod
    def home(self, session: Session) -> str:
        """The address of the page to show after signing in."""

    def note(self, request: Request, action: str, text: str = "") -> None:
        """Add an entry to the audit under the name of the signed-in person."""
        self.audited.note(session_of(request).user, action, text)

    def answer_file(
        self,
        request: Request,
        action: str,
        name: str,
        write: Callable[[BinaryIO], object],
        text: str = "",
    ) -> Response:
        """Answer with a file (`download`), and note its name in the audit with `text`, which says
        what it contains."""
        answer = download(name, write)
        self.note(request, action, f"{name} {text}".strip())
        return answer

    def always(self) -> dict[str, Any]:
        """Values that every template gets."""
        return {}

    def language(self, request: Request) -> str:
        """The language that the browser chose, else the site's."""
        language = request.cookies.get(LANGUAGE, "")
        return language if language in LANGUAGES else self._language

    def page(
        self,
        request: Request,
        template: str,
        status: int | None = None,
        /,
        *,
        language: str | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """Render a template in `language` (default: the browser's) and the browser's theme. With an
        `error` or `problems` among the values the default status is 400."""
        language = language or self.language(request)
        status = status or (400 if context.get("error") or context.get("problems") else 200)
        theme = request.cookies.get(THEME, "")
        query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
        text = (
            self._environments[language]
            .get_template(template)
            .render(
                **context,
                **self.always(),
                language=language,
                theme=theme if theme in THEMES else "auto",
                session=getattr(request.state, "session", None),
                path=request.url.path,
                here=request.url.path + query,
                zone=self._zone.key,
                role_names=self.role_names,
            )
        )
        return HTMLResponse(text, status)

    async def failed(self, request: Request, error: Exception) -> Response:
        """Answer an exception of `FAILURES`: a page, or JSON for a program or a board."""
        error = _as_http(error, request.url.path)
        keys = {404: "not_found", 403: "forbidden", 405: "not_found"}
        is_program = request.url.path.startswith("/api/")
        if not is_program:  # it reads the detail
            keys |= {400: "form", 413: "large"}
        key = error.detail if error.detail in ERRORS else keys.get(error.status_code, "")
        if is_program or request.url.path.endswith("/acknowledge"):
            detail = ERRORS.get(key, error.detail)
            if not is_program:  # the board shows it to the guard
                detail = translator(self.language(request))(detail)
            return JSONResponse({"error": key or "failed", "detail": detail}, error.status_code)
        return self.page(
            *(request, "failed.html", error.status_code),
            key=key,
            number=error.status_code,
            back=_came_from(request),
        )

    async def broken(self, request: Request, _error: Exception) -> Response:
        """Answer a programming error without its details, which only the log has."""
        if request.url.path.startswith("/api/"):
            body = {"error": "broken", "detail": ERRORS["broken"]}
            return JSONResponse(body, 500, headers=HEADERS)
        back = _came_from(request)
        page = self.page(request, "failed.html", 500, key="broken", number=500, back=back)
        page.headers.update(HEADERS)
        return page

    def _environment(self, language: str, functions: Functions) -> Environment:
        environment = Environment(
            loader=self._loader,
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        say = translator(language)
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            say, lambda text, plural, count: say(text if count == 1 else plural), newstyle=True
        )
        environment.filters["explained"] = partial(explained, language=language)
        environment.filters["clock"] = lambda at: local(at, self._zone, "%H:%M:%S") or "-"
        environment.filters["moment"] = lambda at: local(at, self._zone) or "-"
        environment.filters["minute"] = lambda at: minute(at, self._zone) or "-"
        environment.filters["day"] = lambda text: format_date(
            date.fromisoformat(text), "full", locale=LOCALES[language]
        )
        environment.filters["shifted"] = lambda text, days: (
            date.fromisoformat(text) + timedelta(days)
        ).isoformat()
        environment.filters["month"] = lambda day: format_skeleton(
            "yMMM", day, locale=LOCALES[language]
        )
        environment.filters["whole"] = _whole
        environment.filters["degrees"] = lambda value, digits=1: (
            "-" if value is None else f"{value:.{digits}f}"
        )
        environment.globals["label"] = partial(_named, LABELS, say)
        environment.globals["audit_text"] = partial(audit_text, say=say)
        environment.globals["reason"] = partial(_named, ERRORS, say)
        environment.globals.update(functions(language, say))
        return environment


def _whole(text: object) -> Markup:
    """A text as HTML in which no date is broken over two lines."""
    span = Markup('<span class="whole">{}</span>').format
    parts = _DATE.split(str(text))  # every second one is a date, with the dash after it
    return Markup("").join(span(part) if n % 2 else part for n, part in enumerate(parts))


def page_of(request: Request, form: Mapping[str, str] | None = None) -> int:
    """The page of a list, counted from 1, that a form (default: the query) asks for. Raises
    `HTTPException` 404."""
    text = (request.query_params if form is None else form).get("page") or "1"
    if not re.fullmatch(r"[1-9][0-9]{0,6}", text):
        raise HTTPException(404)
    return int(text)


def last_page(rows: int) -> int:
    """The number of the last page of a list with so many rows."""
    return max(1, -(-rows // PAGE))


def _came_from(request: Request) -> str:
    """Address of this site's page from which a request came, by its Referer header; `/` if that
    names none."""
    try:
        page = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return "/"
    if page.netloc != request.headers.get("host") or not re.match(r"/(?![/\\])", page.path):
        return "/"
    return urlunsplit(("", "", page.path, page.query, ""))


def _as_http(error: Exception, path: str) -> HTTPException:
    match error:
        case HTTPException():
            return error
        case PeriodError() | ReportError():
            return HTTPException(400, error.reason)
        case NothingFoundError():
            return HTTPException(404)
        case ExportError():
            return HTTPException(503, "font")
        case BrokerError():
            return HTTPException(503, "broker")
    log.error("%s: %s", path, error)
    return HTTPException(503, "store")


def _named(names: dict[str, str], say: Say, key: str) -> str:
    return say(names.get(key, key))
