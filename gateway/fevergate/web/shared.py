"""What all pages share: the gateway's day, the pages' own store, and how a page is made."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from typing import Any

from babel.dates import format_date
from babel.support import NullTranslations
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlite_utils import Database
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from fevergate.database import open_reader
from fevergate.errors import PeriodError, StoreError
from fevergate.fever_log import Day, Fever, bounds, identity_of, read_day
from fevergate.protocol import Identity
from fevergate.retention import DAY_S, believed
from fevergate.settings import GatewaySettings
from fevergate.web.accounts import Accounts
from fevergate.web.actions import Updates
from fevergate.web.duty import Duty
from fevergate.web.follow_ups import FollowUp, FollowUps
from fevergate.web.guard import LANGUAGE, THEME
from fevergate.web.live import Live
from fevergate.web.overview import parse_day
from fevergate.web.sheet import coverage, doubts, local, verdict
from fevergate.web.sign_offs import SignOffs
from fevergate.web.store import WebStore
from fevergate.web.tokens import Tokens
from fevergate.web.vault import KEY, Vault
from fevergate.web.words import ERRORS, LABELS, LANGUAGES, translations

log = logging.getLogger(__name__)

THEMES = ("auto", "day", "night")
FAILURES = (HTTPException, PeriodError, StoreError, sqlite3.Error)
"""What `failed` makes a page of; anything else is a mistake of ours."""

LOCALES = {"zh": "zh_CN", "en": "en_GB"}


class Shared:
    """One instance for one gateway."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.store = WebStore(settings.path(settings.web.database))
        self.accounts = Accounts(self.store)
        self.tokens = Tokens(self.store)
        self.follow_ups = FollowUps(self.store, Vault(settings.path(KEY)))
        self.sign_offs = SignOffs(self.store)
        self.duty = Duty(self.store, [gate.name for gate in settings.gates])
        self.updates = Updates(settings)
        self.live = Live(settings)
        self._environments = {language: self._environment(language) for language in LANGUAGES}

    @contextmanager
    def reader(self) -> Iterator[Database]:
        """The gateway's database, to read. Raises `StoreError`."""
        reader = open_reader(self.settings.path(self.settings.database))
        try:
            yield reader
        finally:
            reader.close()

    def forget_persons(self) -> int:
        """Blank the personal fields that are too old by a clock that the gateway believes; how
        many."""
        with self.reader() as reader:
            now = believed(reader)
        if now is None:
            return 0
        return self.follow_ups.forget(now - self.settings.retention.persons_days * DAY_S)

    def day(self, text: str | None) -> Day:
        """A day's log, by default today's. Raises `PeriodError`, `StoreError`."""
        return self.read(parse_day(text) if text else None)

    def read(self, day: date | None) -> Day:
        """A day's log, by default today's. Raises `StoreError`."""
        with self.reader() as reader:
            return read_day(reader, self.settings, day)

    def known(self, log: Day) -> dict[Identity, FollowUp]:
        """What became of a day's fevers, as far as somebody said."""
        return self.follow_ups.of([identity_of(fever) for fever in log.fevers])

    def fever(self, identity: Identity) -> Fever | None:
        """A stored fever, whichever its day."""
        if not (0 <= identity.boot < 2**32 and 0 <= identity.seq < 2**32):
            return None
        with self.reader() as reader:
            row = reader.execute(
                "select coalesce(at, received_at) from readings"
                " where kiosk = ? and boot = ? and seq = ? and verdict = 'fever'",
                tuple(identity),
            ).fetchone()
            if row is None:
                return None
            day = datetime.fromtimestamp(row[0], self.settings.zone).date()
            log = read_day(reader, self.settings, day)
        return next((fever for fever in log.fevers if identity_of(fever) == identity), None)

    def language(self, request: Request) -> str:
        """Of whoever asks."""
        language = request.cookies.get(LANGUAGE, "")
        return language if language in LANGUAGES else self.settings.language

    def page(self, request: Request, template: str, status: int = 200, **more: Any) -> HTMLResponse:
        """A template in the language of whoever asks."""
        language = self.language(request)
        theme = request.cookies.get(THEME, "")
        today, _, _ = bounds(self.settings)
        query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
        text = (
            self._environments[language]
            .get_template(template)
            .render(
                **more,
                language=language,
                theme=theme if theme in THEMES else "auto",
                session=getattr(request.state, "session", None),
                path=request.url.path,
                here=request.url.path + query,
                campus=self.settings.campus,
                zone=self.settings.timezone,
                first_gate=self.settings.gates[0].name,
                today=today.isoformat(),
            )
        )
        return HTMLResponse(text, status)

    async def failed(self, request: Request, error: Exception) -> Response:
        """What went wrong, in words."""
        if isinstance(error, PeriodError):
            error = HTTPException(400, error.reason)
        elif not isinstance(error, HTTPException):
            log.error("%s: %s", request.url.path, error)
            error = HTTPException(503, "store")
        known = {404: "not_found", 403: "forbidden", 405: "not_found"}
        key = error.detail if error.detail in ERRORS else known.get(error.status_code, "")
        if request.url.path.startswith("/api/") or request.url.path.endswith("/acknowledge"):
            detail = ERRORS.get(key, error.detail)
            return JSONResponse({"error": key or "failed", "detail": detail}, error.status_code)
        return self.page(
            request,
            "failed.html",
            error.status_code,
            key=key,
            number=error.status_code,
        )

    def _environment(self, language: str) -> Environment:
        environment = Environment(
            loader=PackageLoader("fevergate.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        say = translations(language)
        environment.install_gettext_translations(say, newstyle=True)  # type: ignore[attr-defined]
        zone = self.settings.zone
        environment.filters["clock"] = lambda at: local(at, zone, "%H:%M:%S") or "-"
        environment.filters["moment"] = lambda at: local(at, zone) or "-"
        environment.filters["day"] = lambda text: format_date(
            date.fromisoformat(text), "full", locale=LOCALES[language]
        )
        environment.filters["month"] = lambda day: format_date(day, "MMM", locale=LOCALES[language])
        environment.filters["degrees"] = lambda value, digits=1: (
            "-" if value is None else f"{value:.{digits}f}"
        )
        environment.globals["label"] = partial(_named, LABELS, say)
        environment.globals["reason"] = partial(_named, ERRORS, say)
        environment.globals["verdict"] = lambda day: verdict(day, say.gettext)
        environment.globals["coverage"] = lambda day: coverage(day, say.gettext)
        environment.globals["doubts"] = lambda day: doubts(day, say.gettext)
        return environment


def _named(names: dict[str, str], say: NullTranslations, key: str) -> str:
    return say.gettext(names.get(key, key))
