"""How a page is made: templates in two languages, by day and by night; failures as pages, too."""

from __future__ import annotations

import logging
import re
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.support import NullTranslations
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from fevergate.errors import CampusError, PeriodError, ReportError, StoreError
from fevergate.texts.translations import ERRORS, LABELS, LANGUAGES, N_, translations
from fevergate.web_common.accounts import Accounts, Role, Session
from fevergate.web_common.middleware import HEADERS, LANGUAGE, THEME
from fevergate.web_common.store import Notebook
from fevergate.web_common.tables import local

log = logging.getLogger(__name__)

THEMES = ("auto", "day", "night")
FAILURES = (HTTPException, PeriodError, ReportError, StoreError, CampusError, sqlite3.Error)
"""What `failed` makes a page of; anything else is a mistake of ours."""

PAGE = 100
"""Rows of a list on one page."""

LOCALES = {"zh": "zh_CN", "en": "en_GB"}
Say = Callable[[str], str]
Functions = Callable[[Say], dict[str, Callable[..., Any]]]
"""What templates may call beside the usual, by what says a text in their language."""


class PageMaker:
    """Templates of some packages, the first that has one; `zone` is where people's clocks are."""

    def __init__(
        self, zone: ZoneInfo, language: str, packages: Sequence[str], functions: Functions
    ) -> None:
        self._zone = zone
        self._language = language
        self._loader = ChoiceLoader([PackageLoader(package) for package in packages])
        self._environments = {one: self._environment(one, functions) for one in LANGUAGES}

    role_names: Mapping[Role, str] = {"guard": N_("Guard"), "administrator": N_("Administrator")}

    def always(self) -> dict[str, Any]:
        """What every page has."""
        return {}

    def language(self, request: Request) -> str:
        """Of whoever asks."""
        language = request.cookies.get(LANGUAGE, "")
        return language if language in LANGUAGES else self._language

    def page(self, request: Request, template: str, status: int = 200, **more: Any) -> HTMLResponse:
        """A template in the language of whoever asks."""
        language = self.language(request)
        theme = request.cookies.get(THEME, "")
        query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
        text = (
            self._environments[language]
            .get_template(template)
            .render(
                **more,
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
        """What went wrong, in words."""
        if isinstance(error, PeriodError | ReportError):
            error = HTTPException(400, error.reason)
        elif not isinstance(error, HTTPException):
            log.error("%s: %s", request.url.path, error)
            error = HTTPException(503, "store")
        known = {404: "not_found", 403: "forbidden", 405: "not_found"}
        key = error.detail if error.detail in ERRORS else known.get(error.status_code, "")
        if request.url.path.startswith("/api/") or request.url.path.endswith("/acknowledge"):
            detail = ERRORS.get(key, error.detail)
            if not request.url.path.startswith("/api/"):  # a board shows it to its guard
                detail = translations(self.language(request)).gettext(detail)
            return JSONResponse({"error": key or "failed", "detail": detail}, error.status_code)
        return self.page(
            request, "failed.html", error.status_code, key=key, number=error.status_code
        )

    async def broken(self, request: Request, _error: Exception) -> Response:
        """A mistake of ours: said in words, its details in the log alone."""
        if request.url.path.startswith("/api/"):
            said = {"error": "broken", "detail": ERRORS["broken"]}
            return JSONResponse(said, 500, headers=HEADERS)
        page = self.page(request, "failed.html", 500, key="broken", number=500)
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
        say = translations(language)
        environment.install_gettext_translations(say, newstyle=True)  # type: ignore[attr-defined]
        environment.filters["clock"] = lambda at: local(at, self._zone, "%H:%M:%S") or "-"
        environment.filters["moment"] = lambda at: local(at, self._zone) or "-"
        environment.filters["day"] = lambda text: format_date(
            date.fromisoformat(text), "full", locale=LOCALES[language]
        )
        environment.filters["month"] = lambda day: format_date(day, "MMM", locale=LOCALES[language])
        environment.filters["degrees"] = lambda value, digits=1: (
            "-" if value is None else f"{value:.{digits}f}"
        )
        environment.globals["label"] = partial(_named, LABELS, say)
        environment.globals["reason"] = partial(_named, ERRORS, say)
        environment.globals.update(functions(say.gettext))
        return environment


class Site(PageMaker, ABC):
    """Pages that people sign in to."""

    accounts: Accounts

    @property
    @abstractmethod
    def notebook(self) -> Notebook:
        """Who did or looked at what."""

    @abstractmethod
    def home(self, session: Session) -> str:
        """Where somebody's work is."""


def page_of(request: Request) -> int:
    """Which page of a list is asked for, from 1. Raises `HTTPException`."""
    text = request.query_params.get("page", "1")
    if not re.fullmatch(r"[1-9][0-9]{0,6}", text):
        raise HTTPException(404)
    return int(text)


def last_page(rows: int) -> int:
    """The number of the last page of so many rows."""
    return max(1, -(-rows // PAGE))


def _named(names: dict[str, str], say: NullTranslations, key: str) -> str:
    return say.gettext(names.get(key, key))
