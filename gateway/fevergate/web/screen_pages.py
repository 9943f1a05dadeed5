"""The wall display, which shows one gate or all in turn to whoever has its link; and the page of
these links."""

import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from importlib import resources

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from fevergate import __version__
from fevergate.errors import AccountError
from fevergate.settings.names import Names
from fevergate.texts import trouble_text
from fevergate.texts.translations import N_, Say, translator
from fevergate.web.context import Shared
from fevergate.web.fever_list import FeverList
from fevergate.web.live import GateNow, Kiosk, events
from fevergate.web.qr_code import qr_picture
from fevergate.web.screens import MAX_SCREENS, Screen
from fevergate.web_common.middleware import session_of
from fevergate.web_common.routes import Form, get, post, whole_number

BELOW = "/screen/"
"""Beginning of the path of each link."""

CHECK_S = 10.0
"""An open display's link is looked up again every so many seconds, as it may have been revoked."""

MAX_OPEN = 8
"""Most displays that one link may feed at a time."""

HEADLINES = {
    "red": N_("FEVER"),
    "amber": N_("A kiosk is not watching"),
    "green": N_("All kiosks watch"),
    "unknown": N_("nothing heard yet"),
}
GONE = (
    N_("This link shows nothing any more: an administrator revoked it."),
    N_('A new one is made on the page "Wall displays".'),
)
"""Shown in both languages on a display whose link was revoked, because the link held the display's
language."""

CALM = N_("Watching, no fever today")

SIGNS = {"red": "▲", "amber": "!", "green": "✓", "unknown": "?"}


class ScreenKiosk(msgspec.Struct, kw_only=True):
    """A kiosk in words: name, whether it watches, state, and `last` (its last result and the
    time)."""

    kiosk: str
    watches: bool
    state: str
    last: str


class ScreenGate(msgspec.Struct, kw_only=True):
    """A gate in words; `state` is a key of `HEADLINES`."""

    title: str
    state: str
    sign: str
    headline: str
    detail: str
    reasons: list[str]
    kiosks: list[ScreenKiosk]


class ScreenNow(msgspec.Struct, kw_only=True):
    """An event for a display, in the display's language. It holds no person's name.

    `seen`: whether this process hears the gateway; `clock`: whether the time `now` (Unix time, s)
    is believed; `version`: version of the pages; a display that loaded another version reloads
    itself.
    """

    now: float
    seen: bool
    clock: bool
    version: str
    gates: list[ScreenGate]


class ScreenPages:
    """/screen/… for displays, /admin/screens for administrators."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._list = FeverList(shared)
        self._open: Counter[int] = Counter()
        self.routes = [
            get(f"{BELOW}worker.js", self.worker),
            get(f"{BELOW}{{secret:str}}", self.screen),
            Route(f"{BELOW}{{secret:str}}/events", self.events),
            get(f"{BELOW}{{secret:str}}/app.json", self.manifest),
            get("/admin/screens", self.screens),
            post("/admin/screens", self.change_screens),
        ]

    def screen(self, request: Request) -> Response:
        """Show a display's page or, without a valid link, that the link was revoked."""
        screen = self._screen(request)
        settings, language = self._shared.settings, screen.language if screen else "zh"
        answer = self._shared.page(
            request,
            "screen.html",
            200 if screen else 404,
            language=language,
            screen=screen,
            address=request.url.path,
            place=settings.campus_title(language),
            gone=[translator("zh")(text) for text in GONE],
            gone_en=GONE,
            version=__version__,
        )
        answer.headers["Referrer-Policy"] = "no-referrer"  # the address holds the secret
        return answer

    async def events(self, request: Request) -> Response:
        """Stream what a display shows while its link is valid. Raises `HTTPException` 404 for an
        invalid link, 503 for too many displays."""
        screen = await run_in_threadpool(self._screen, request)
        if screen is None:
            raise HTTPException(404)
        if self._open[screen.id] >= MAX_OPEN:
            raise HTTPException(503, "crowded")
        return StreamingResponse(
            self._stream(request.path_params["secret"], screen),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    async def _stream(self, secret: str, screen: Screen) -> AsyncGenerator[bytes, None]:
        changes = events(self._shared.live, lambda: msgspec.json.encode(self.now(screen)))
        check_at = time.monotonic() + CHECK_S
        self._open[screen.id] += 1
        try:
            async with aclosing(changes):
                async for event in changes:
                    yield event
                    if time.monotonic() >= check_at:
                        if not await run_in_threadpool(self._shared.screens.find, secret):
                            return
                        check_at = time.monotonic() + CHECK_S
        finally:
            self._open[screen.id] -= 1
            self._open += Counter()  # removes counts of zero

    def now(self, screen: Screen) -> ScreenNow:
        """What a display shows now."""
        say, names = translator(screen.language), self._shared.settings.names(screen.language)
        gates = [
            self._shared.live.now(gate.name)
            for gate in self._shared.settings.gates
            if screen.gate in ("", gate.name)
        ]
        return ScreenNow(
            now=self._shared.clock.now(),
            seen=bool(gates) and gates[0].line and gates[0].gateway,
            clock=self._shared.clock.believed,
            version=__version__,
            gates=[self._gate(gate, say, names) for gate in gates],
        )

    def _gate(self, now: GateNow, say: Say, names: Names) -> ScreenGate:
        alarm = now.alarm
        state, headline, detail = "unknown", "", ""
        if alarm and alarm.state == "raised":
            state = "red"
            detail = say("%(count)s to acknowledge") % {"count": alarm.fevers}
            if alarm.last:
                warm = "" if alarm.last.body_c is None else f"{alarm.last.body_c:.1f} °C · "
                detail = f"{warm}{names.kiosk(alarm.last.kiosk)} · {detail}"
        elif alarm:
            state, detail = "amber" if alarm.amber else "green", self._open_cases(now.gate, say)
            no_fever = self._list.listed(now.gate).today == 0 and not self._shared.red_today(alarm)
            headline = CALM if state == "green" and no_fever and not detail else ""
        return ScreenGate(
            title=names.gate(now.gate),
            state=state,
            sign=SIGNS[state],
            headline=say(headline or HEADLINES[state]),
            detail=detail,
            reasons=[
                trouble_text.line(line, say, names.kiosk, self._shared.settings.posts)
                for line in (alarm.amber if alarm else ())
            ],
            kiosks=[self._kiosk(kiosk, say, names) for kiosk in now.kiosks],
        )

    def _open_cases(self, gate: str, say: Say) -> str:
        """What is still to be done at a gate that is not red; empty if there is nothing."""
        open_cases = self._list.listed(gate).open
        return say("%(count)s to follow up") % {"count": open_cases} if open_cases else ""

    def _kiosk(self, kiosk: Kiosk, say: Say, names: Names) -> ScreenKiosk:
        trouble = trouble_text.trouble(kiosk.trouble, say)
        if kiosk.online is None:
            state = trouble or say("nothing heard yet")
        elif not kiosk.online:
            state = trouble or say("offline")
        else:
            state = trouble or say("watches")
        last = ""
        if kiosk.at is not None and kiosk.body_c is not None:
            at = datetime.fromtimestamp(kiosk.at, self._shared.settings.zone)
            today = at.date() == self._shared.clock.today()
            last = f"{kiosk.body_c:.1f} °C · {at:%H:%M}" if today else ""
        watches = bool(kiosk.online) and not kiosk.trouble
        return ScreenKiosk(kiosk=names.kiosk(kiosk.kiosk), watches=watches, state=state, last=last)

    def manifest(self, request: Request) -> Response:
        """The web manifest (W3C) with which a tablet installs a display as an app."""
        screen = self._screen(request)
        if screen is None:
            raise HTTPException(404)
        address = request.url.path.removesuffix("/app.json")
        return JSONResponse(
            {
                "name": f"FeverGate {screen.name}",
                "short_name": screen.name,
                "lang": "en" if screen.language == "en" else "zh-CN",
                "id": address,
                "start_url": address,
                "scope": address,
                "display": "fullscreen",
                "background_color": "#14181f",
                "theme_color": "#14181f",
                "icons": [
                    {"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"},
                ],
            },
            media_type="application/manifest+json",
        )

    def worker(self, _request: Request) -> Response:
        """The service worker that stores a display's page; it controls pages below its own address
        (W3C, Service Workers)."""
        script = resources.files("fevergate.web").joinpath("static", "worker.js")
        return Response(script.read_bytes(), media_type="text/javascript")

    def _screen(self, request: Request) -> Screen | None:
        return self._shared.screens.find(request.path_params["secret"])

    def screens(self, request: Request, error: str = "", secret: str = "") -> Response:
        """List the links. `error`: why no link was made; `secret`: secret of the link just made."""
        link = str(request.url.replace(path=BELOW + secret, query="")) if secret else ""
        return self._shared.page(
            request,
            "screens.html",
            screens=self._shared.screens.all(),
            gates=[gate.name for gate in self._shared.settings.gates],
            most=MAX_SCREENS,
            link=link,
            picture=qr_picture(link) if link else "",
            error=error,
        )

    def change_screens(self, request: Request, form: Form) -> Response:
        """Make or revoke a link."""
        screens = self._shared.screens
        if form["action"] == "revoke":
            name = screens.revoke(whole_number(form["id"]))
            if name is not None:
                self._shared.note(request, "revoke screen", name)
            return RedirectResponse("/admin/screens", 303)
        name, gate, language = form["name"].strip(), form["gate"], form["language"]
        try:
            secret = screens.issue(name, gate, language, session_of(request).user)
        except AccountError as error:
            return self.screens(request, error=error.reason)
        self._shared.note(request, "make screen", f"{name} {gate}".strip())
        return self.screens(request, secret=secret)
