"""What all pages share: the gateway's day, the pages' own store, and how a page is made."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from fevergate.database import open_reader
from fevergate.fever_log import Day, Fever, bounds, read_day
from fevergate.protocol import Identity
from fevergate.retention import DAY_S, believed
from fevergate.settings import GatewaySettings
from fevergate.web.accounts import Accounts
from fevergate.web.follow_ups import FollowUps
from fevergate.web.guard import LANGUAGE
from fevergate.web.live import Live
from fevergate.web.store import WebStore
from fevergate.web.words import words


class Shared:
    """One instance for one gateway."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.store = WebStore(settings.path(settings.web.database))
        self.accounts = Accounts(self.store)
        self.follow_ups = FollowUps(self.store)
        self.live = Live(settings)
        self._templates = Environment(
            loader=PackageLoader("fevergate.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["clock"] = self._clock

    def forget_persons(self) -> int:
        """Blank the personal fields that are too old by a clock that the gateway believes; how
        many."""
        reader = open_reader(self.settings.path(self.settings.database))
        try:
            now = believed(reader)
        finally:
            reader.close()
        if now is None:
            return 0
        return self.follow_ups.forget(now - self.settings.retention.persons_days * DAY_S)

    def read(self, day: date | None) -> Day:
        """A day's log, by default today's. Raises `StoreError`."""
        reader = open_reader(self.settings.path(self.settings.database))
        try:
            return read_day(reader, self.settings, day)
        finally:
            reader.close()

    def page(self, request: Request, template: str, status: int = 200, **more: Any) -> HTMLResponse:
        """A template in the language of whoever asks."""
        language = request.cookies.get(LANGUAGE, "")
        if language not in ("zh", "en"):
            language = self.settings.language
        today, _, _ = bounds(self.settings)
        text = self._templates.get_template(template).render(
            **more,
            say=words(language),
            language=language,
            session=getattr(request.state, "session", None),
            path=request.url.path,
            campus=self.settings.campus,
            first_gate=self.settings.gates[0].name,
            today=today.isoformat(),
        )
        return HTMLResponse(text, status)

    def _clock(self, at: float | None) -> str:
        return datetime.fromtimestamp(at, self.settings.zone).strftime("%H:%M:%S") if at else "-"

    async def failed(self, request: Request, error: Exception) -> Response:
        """What went wrong, in words."""
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
        known = {404: "not_found", 403: "forbidden"}
        key = error.detail if error.detail in words("en") else known.get(error.status_code, "")
        if request.url.path.endswith("/acknowledge"):
            return JSONResponse({"error": key}, error.status_code)
        return self.page(
            request, "failed.html", error.status_code, key=key, number=error.status_code
        )


def identity_of(fever: Fever) -> Identity:
    """What makes a fever that fever."""
    return Identity(fever.kiosk, fever.boot, fever.seq)
