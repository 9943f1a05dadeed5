"""The guards' live board of each gate: its alarm, kiosks and list of fevers."""

import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from msgspec.structs import replace
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from fevergate.people.roll import in_words
from fevergate.protocol.alarm_messages import Acknowledge, AlarmState
from fevergate.settings.names import Names
from fevergate.texts import trouble_text
from fevergate.texts.translations import Say, translator
from fevergate.web.context import Shared
from fevergate.web.fever_list import FeverList, Selection
from fevergate.web.lamps import TEST_REFUSALS, try_lamps
from fevergate.web.live import GateNow, Kiosk, events
from fevergate.web_common.accounts import Role, Session
from fevergate.web_common.middleware import COOKIE, form_of, session_of
from fevergate.web_common.page_maker import PAGE, last_page, page_of
from fevergate.web_common.routes import Form, get, post

SESSION_CHECK_S = 30.0
"""Seconds between checks of an open board's session."""

MAX_BOARDS = 400
MAX_BOARDS_PER_SESSION = 150
"""Most open boards, in all and of one session; each takes a quarter of a megabyte of memory."""

WARN_S: dict[Role, float] = {"guard": 3600.0, "administrator": 600.0, "tutor": 600.0}
"""A board warns this long (s) before its session ends. An administrator's or tutor's session ends
after an idle hour."""


class BoardGate(msgspec.Struct, kw_only=True):
    """A gate of `BoardsNow`. `kiosks` and `where`, the kiosk of the alarm's newest fever, have the
    titles that people read; `alarm` has ids, which a board sends back.

    `listed` changes with the gate's lists of fevers (`fever_list`); `today`: number of today's
    fevers; `open`: number of follow-ups to be finished; None if unknown. `passers` changes with the
    people who tapped a card there (`passers`), whose names the board asks for; empty for nobody.
    """

    gate: str
    alarm: AlarmState | None
    where: str
    kiosks: list[Kiosk]
    reasons: list[str]
    listed: str
    today: int | None
    open: int | None
    passers: str


class BoardsNow(msgspec.Struct, kw_only=True):
    """An event for boards, in the browser's language.

    It has every gate, so that one stream serves all boards of a browser, and each board shows the
    other gates' alarms. `line` and `gateway`: see `GateNow`; `clock`: whether the time is believed;
    `now` and `ends_at`: the present and the session's end (Unix time, s) by the clock of sessions;
    `untaken`: the number of confirmed fevers that nobody has taken; `roll`: how many were expected
    and measured today, empty without a list of people.
    """

    now: float
    line: bool
    gateway: bool
    clock: bool
    date: str
    ends_at: float
    untaken: int
    roll: str
    gates: list[BoardGate]


def _shown(form: Form) -> dict[str, object]:
    """The fields of an `Acknowledge` that state what the board showed when its button was
    pressed."""
    newest = {name: form[name] for name in ("kiosk", "boot", "seq") if form[name]}
    return {"since": form["since"], "fevers": form["fevers"], "last": newest or None}


class Board:
    """The boards."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._gates = [gate.name for gate in shared.settings.gates]
        self._list = FeverList(shared)
        self._open: Counter[str] = Counter()
        self.routes = [
            get("/board/{gate:str}", self.board),
            get("/board/{gate:str}/fevers", self.fevers),
            Route("/events", self.events),
            post("/board/{gate:str}/acknowledge", self.acknowledge),
            Route("/board/{gate:str}/lamps", self.lamps, methods=["POST"]),
        ]

    def board(self, request: Request) -> Response:
        """Show a gate's board."""
        gate, session = self._shared.gate_of(request), session_of(request)
        mark, today, earlier = self._list.board(gate)
        others = [name for name in self._shared.duty.present(gate) if name != session.user]
        return self._shared.page(
            request,
            "board.html",
            gate=gate,
            gates=self._gates,
            names=[session.user, *others],
            mark=mark,
            fevers=today,
            earlier=earlier,
            warn_s=WARN_S[session.role],
            watcher=self._shared.settings.watched_by.get(gate),
            posts=[
                self._shared.settings.kiosk_title(post, self._shared.language(request))
                for post, gate_of_post in self._shared.settings.posts.items()
                if gate_of_post == gate
            ],
            has_lamps=self._shared.settings.has_lamps(gate),
            untried=TEST_REFUSALS.get(request.query_params.get("untried", ""), ""),
        )

    def fevers(self, request: Request) -> Response:
        """Show a page of a gate's fevers: today's, or the open ones of the days before."""
        gate, number = self._shared.gate_of(request), page_of(request)
        try:
            selection = msgspec.convert(request.query_params.get("of", "today"), Selection)
        except msgspec.ValidationError:
            raise HTTPException(404) from None
        part = self._list.page(gate, selection, PAGE, (number - 1) * PAGE)
        context = {"gate": gate, "of": selection, "part": part, "number": number}
        return self._shared.page(request, "fevers.html", last=last_page(part.count), **context)

    async def events(self, request: Request) -> Response:
        """Stream every gate's changes while the session lasts. Raises `HTTPException` 503 for too
        many boards."""
        token = request.cookies.get(COOKIE, "")
        if self._open[token] >= MAX_BOARDS_PER_SESSION or self._open.total() >= MAX_BOARDS:
            raise HTTPException(503, "crowded")
        return StreamingResponse(
            self._stream(token, session_of(request), self._shared.language(request)),
            media_type="text/event-stream",
            # Tells a proxy not to buffer the stream, which would hold changes back.
            headers={"X-Accel-Buffering": "no"},
        )

    async def _stream(
        self, token: str, session: Session, language: str
    ) -> AsyncGenerator[bytes, None]:
        say = translator(language)
        changes = events(
            self._shared.live,
            lambda: msgspec.json.encode(self._now(session.ends_at, say, language)),
        )
        check_at = time.monotonic() + SESSION_CHECK_S
        self._open[token] += 1
        try:
            async with aclosing(changes):
                async for event in changes:
                    yield event
                    if time.monotonic() >= check_at:
                        renewed = await run_in_threadpool(self._session_of, token)
                        if not renewed:
                            return
                        session, check_at = renewed, time.monotonic() + SESSION_CHECK_S
        finally:
            self._open[token] -= 1
            self._open += Counter()  # removes counts of zero

    def _session_of(self, token: str) -> Session | None:
        """The session of a token. An open board keeps a guard's session alive, but not an
        administrator's, which ends after an idle hour."""
        session = self._shared.accounts.session(token, touch=False)
        if session and session.role == "guard":
            return self._shared.accounts.session(token)
        return session

    def _now(self, ends_at: float, say: Say, language: str) -> BoardsNow:
        names = self._shared.settings.names(language)
        gates = [self._shared.live.now(gate) for gate in self._gates]
        alarms = {gate.gate: gate.alarm for gate in gates}
        return BoardsNow(
            now=self._shared.accounts.now(),
            line=gates[0].line,
            gateway=gates[0].gateway,
            date=self._shared.clock.today().isoformat(),
            clock=self._shared.clock.believed,
            ends_at=ends_at,
            untaken=self._shared.confirmed_waiting,
            roll=in_words(measured, say) if (measured := self._shared.measured_today) else "",
            gates=[self._gate_now(gate, say, names, alarms) for gate in gates],
        )

    def _gate_now(
        self, now: GateNow, say: Say, names: Names, alarms: dict[str, AlarmState | None]
    ) -> BoardGate:
        alarm = now.alarm
        reports = alarm.amber if alarm else ()
        posts = self._shared.settings.posts
        listed = self._list.listed(now.gate)
        return BoardGate(
            gate=now.gate,
            alarm=alarm,
            where=names.kiosk(alarm.last.kiosk) if alarm and alarm.last else "",
            kiosks=[
                replace(
                    kiosk,
                    kiosk=names.kiosk(kiosk.kiosk),
                    trouble=trouble_text.trouble(kiosk.trouble, say),
                )
                for kiosk in now.kiosks
            ],
            reasons=[trouble_text.line(report, say, names.kiosk, posts) for report in reports],
            listed=listed.mark,
            today=max(listed.today or 0, 1) if self._shared.red_today(now.alarm) else listed.today,
            open=listed.open,
            passers=self._shared.passers.mark(now.gate, alarms.get),
        )

    def acknowledge(self, request: Request, form: Form) -> Response:
        """Acknowledge what a gate's board showed, under the user's own name or that of somebody on
        duty. Fevers that came after the press stay red."""
        gate = self._shared.gate_of(request)
        by = self._by(request, form, gate)
        try:
            acknowledge = msgspec.convert({"by": by, **_shown(form)}, Acknowledge, strict=False)
        except msgspec.ValidationError:
            raise HTTPException(400, "choice") from None
        if not self._shared.live.acknowledge(gate, acknowledge):
            raise HTTPException(503, "line")
        self._shared.note(request, "acknowledge", f"{gate} by {by}")
        return JSONResponse({"ok": True})

    async def lamps(self, request: Request) -> Response:
        """Test a gate's lamps, under the user's own name or that of somebody on duty."""
        form, gate = await form_of(request), self._shared.gate_of(request)
        if not self._shared.settings.has_lamps(gate):
            raise HTTPException(404)
        by = await run_in_threadpool(self._by, request, form, gate)
        if untried := await try_lamps(self._shared.live, gate, by):
            # Back to the board, which shows alarms, rather than to a page of its own.
            return RedirectResponse(f"/board/{gate}?untried={untried}", 303)
        await run_in_threadpool(self._shared.note, request, "try lamps", f"{gate} by {by}")
        return RedirectResponse(f"/board/{gate}", 303)

    def _by(self, request: Request, form: Form, gate: str) -> str:
        """Name of the person who acts at a gate: the one whom the form names, who must be on duty
        there, or the signed-in user. Raises `HTTPException` 400."""
        user = session_of(request).user
        by = form["by"] or user
        if by != user and by not in self._shared.duty.present(gate):
            raise HTTPException(400, "choice")
        return by
