"""The guard's pages: the live board of each gate, and the follow-up of a fever."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from fevergate.errors import FollowUpError
from fevergate.protocol.messages import AlarmState, Identity
from fevergate.reports.fever_log import Fever
from fevergate.texts import trouble_text
from fevergate.texts.translations import translations
from fevergate.web.context import Shared
from fevergate.web.fever_list import FeverList, Selection
from fevergate.web.follow_ups import OUTCOMES, SITES, FollowUp, parse
from fevergate.web.lamps import UNTRIED, try_lamps
from fevergate.web.live import GateNow, Kiosk, events
from fevergate.web_common.accounts import Role, Session
from fevergate.web_common.middleware import COOKIE, form_of, session_of
from fevergate.web_common.page_maker import PAGE, last_page, page_of

SESSION_CHECK_S = 30.0
"""How often the session of an open board is checked."""

MAX_BOARDS = 400
MAX_BOARDS_PER_SESSION = 150
"""Most open boards, in all and of one session; each takes a quarter of a megabyte."""

WARN_S: dict[Role, float] = {"guard": 3600.0, "administrator": 600.0}
"""How long before its session ends a board warns; an administrator's ends after an idle hour."""


class BoardGate(msgspec.Struct, kw_only=True):
    """A gate of `BoardsNow`; `listed` is the mark of its fever lists (`fever_list`)."""

    gate: str
    alarm: AlarmState | None
    kiosks: list[Kiosk]
    reasons: list[str]
    listed: str


class BoardsNow(msgspec.Struct, kw_only=True):
    """An event for boards, in the browser's language.

    It has every gate, so that one stream serves all boards of a browser and each shows the other
    gates' alarms. `line` and `gateway`: see `GateNow`; `clock`: whether the time is believed; `now`
    and `ends_at`: the present and the session's end (Unix time, s) by the clock of sessions.
    """

    now: float
    line: bool
    gateway: bool
    clock: bool
    date: str
    ends_at: float
    gates: list[BoardGate]


_NUMBER = re.compile(r"[0-9]{1,10}")


def _shown(alarm: AlarmState) -> tuple[str, str]:
    """An alarm's begin and number of fevers, as a board sends them back."""
    since = msgspec.json.encode(alarm.since).decode().removesuffix(".0")
    return since, str(alarm.fevers)


class Board:
    """The pages for guards."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._gates = [gate.name for gate in shared.settings.gates]
        self._list = FeverList(shared)
        self._open: Counter[str] = Counter()
        self.routes = [
            Route("/board/{gate:str}", self.board),
            Route("/board/{gate:str}/fevers", self.fevers),
            Route("/events", self.events),
            Route("/board/{gate:str}/acknowledge", self.acknowledge, methods=["POST"]),
            Route("/board/{gate:str}/lamps", self.lamps, methods=["POST"]),
            Route(
                "/fevers/{kiosk:str}/{boot:str}/{seq:str}",
                self.follow_up,
                methods=["GET", "POST"],
            ),
        ]

    async def board(self, request: Request) -> Response:
        """Show a gate's board."""
        gate = self._gate(request)
        mark, today, earlier = await run_in_threadpool(self._list.board, gate)
        on_duty = await run_in_threadpool(self._shared.duty.at, gate)
        session = session_of(request)
        user = session.user
        return self._shared.page(
            request,
            "board.html",
            gate=gate,
            gates=self._gates,
            names=[user, *(name for name in on_duty if name != user)],
            mark=mark,
            fevers=today,
            earlier=earlier,
            warn_s=WARN_S[session.role],
            untried=UNTRIED.get(request.query_params.get("untried", ""), ""),
        )

    async def fevers(self, request: Request) -> Response:
        """Show a page of a gate's fevers: today's, or the open ones of the days before."""
        gate = self._gate(request)
        try:
            selection = msgspec.convert(request.query_params.get("of", "today"), Selection)
        except msgspec.ValidationError:
            raise HTTPException(404) from None
        page = page_of(request)
        part = await run_in_threadpool(self._list.page, gate, selection, PAGE, (page - 1) * PAGE)
        return self._shared.page(
            request,
            "fevers.html",
            gate=gate,
            of=selection,
            part=part,
            number=page,
            last=last_page(part.count),
        )

    async def events(self, request: Request) -> Response:
        """Stream every gate's changes while the session lasts."""
        token = request.cookies.get(COOKIE, "")
        if self._open[token] >= MAX_BOARDS_PER_SESSION or self._open.total() >= MAX_BOARDS:
            raise HTTPException(503, "crowded")
        session = [session_of(request)]
        say = translations(self._shared.language(request)).gettext

        def show() -> bytes:
            return msgspec.json.encode(self._now(session[-1].ends_at, say))

        def renew(renewed: Session) -> None:
            session[:] = [renewed]

        stream = events(self._shared.live, show)
        return StreamingResponse(
            self._counted(token, self._while_signed_in(token, stream, renew)),
            media_type="text/event-stream",
            # Tells a proxy not to buffer the stream, which would hold changes back.
            headers={"X-Accel-Buffering": "no"},
        )

    def _now(self, ends_at: float, say: Callable[[str], str]) -> BoardsNow:
        gates = [self._shared.live.now(gate.name) for gate in self._shared.settings.gates]
        return BoardsNow(
            now=self._shared.accounts.now(),
            line=gates[0].line,
            gateway=gates[0].gateway,
            date=self._shared.clock.today().isoformat(),
            clock=self._shared.clock.believed,
            ends_at=ends_at,
            gates=[self._gate_now(gate, say) for gate in gates],
        )

    def _gate_now(self, now: GateNow, say: Callable[[str], str]) -> BoardGate:
        return BoardGate(
            gate=now.gate,
            alarm=now.alarm,
            kiosks=[
                msgspec.structs.replace(kiosk, trouble=trouble_text.trouble(kiosk.trouble, say))
                for kiosk in now.kiosks
            ],
            reasons=[
                trouble_text.line(report, say) for report in (now.alarm.amber if now.alarm else ())
            ],
            listed=self._list.mark(now.gate),
        )

    async def _counted(
        self, token: str, stream: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        self._open[token] += 1
        try:
            async with aclosing(stream):
                async for event in stream:
                    yield event
        finally:
            self._open[token] -= 1
            self._open += Counter()  # removes counts of zero

    async def _while_signed_in(
        self,
        token: str,
        stream: AsyncGenerator[bytes, None],
        renew: Callable[[Session], None] = lambda _: None,
    ) -> AsyncGenerator[bytes, None]:
        check_at = time.monotonic() + SESSION_CHECK_S
        async with aclosing(stream):
            async for event in stream:
                yield event
                if time.monotonic() >= check_at:
                    session = await run_in_threadpool(self._session_of, token)
                    if not session:
                        return
                    renew(session)
                    check_at = time.monotonic() + SESSION_CHECK_S

    def _session_of(self, token: str) -> Session | None:
        """The session of a token. An open board keeps a guard's session alive, but not an
        administrator's, which ends after an idle hour."""
        session = self._shared.accounts.session(token, touch=False)
        if session and session.role == "guard":
            return self._shared.accounts.session(token)
        return session

    async def acknowledge(self, request: Request) -> Response:
        """Acknowledge a gate's alarm under one's own name or one of the duty list."""
        form = await form_of(request)
        gate, user = self._gate(request), session_of(request).user
        by = form.get("by", "") or user
        if by != user and by not in await run_in_threadpool(self._shared.duty.at, gate):
            raise HTTPException(400, "choice")
        alarm = self._shared.live.now(gate).alarm
        shown = (form.get("since", ""), form.get("fevers", ""))
        if alarm and alarm.state == "raised" and shown != _shown(alarm):
            # The board had not shown this alarm when the button was pressed.
            raise HTTPException(409, "another")
        if not self._shared.live.acknowledge(gate, by):
            raise HTTPException(503, "line")
        await run_in_threadpool(self._shared.store.note, user, "acknowledge", f"{gate} by {by}")
        return JSONResponse({"ok": True})

    async def lamps(self, request: Request) -> Response:
        """Test a gate's lamps under one's own name or one of the duty list."""
        form = await form_of(request)
        gate, user = self._gate(request), session_of(request).user
        by = form.get("by", "") or user
        if by != user and by not in await run_in_threadpool(self._shared.duty.at, gate):
            raise HTTPException(400, "choice")
        if untried := await try_lamps(self._shared.live, gate, by):
            # Back to the board, which shows alarms, rather than to a page of its own.
            return RedirectResponse(f"/board/{gate}?untried={untried}", 303)
        await run_in_threadpool(self._shared.store.note, user, "try lamps", f"{gate} by {by}")
        return RedirectResponse(f"/board/{gate}", 303)

    async def follow_up(self, request: Request) -> Response:
        """Show or save the follow-up of a fever."""
        params = request.path_params
        if not all(_NUMBER.fullmatch(params[name]) for name in ("boot", "seq")):
            raise HTTPException(404)
        identity = Identity(params["kiosk"], int(params["boot"]), int(params["seq"]))
        fever = await run_in_threadpool(self._shared.fever, identity)
        if fever is None:
            raise HTTPException(404)
        known = await run_in_threadpool(self._shared.follow_ups.get, identity) or FollowUp()
        session = session_of(request)
        what = "/".join(map(str, identity))
        if request.method == "GET":
            await run_in_threadpool(
                self._shared.store.note, session.user, "look at follow-up", what
            )
            return self._follow_up_page(request, fever, known)
        form = await form_of(request)
        try:
            new = parse(form, closed=form.get("action") == "close")
            changes = await run_in_threadpool(
                partial(
                    self._shared.follow_ups.save,
                    identity,
                    new,
                    session.user,
                    reopen=session.role == "administrator",
                )
            )
        except FollowUpError as error:
            given = {name: form.get(name, "") for name in FollowUp.__struct_fields__}
            return self._follow_up_page(request, fever, known, given, error, 400)
        await run_in_threadpool(
            self._shared.store.note, session.user, "save follow-up", f"{what} {changes}".strip()
        )
        # The fever's gate may have been removed from the settings.
        gate = fever.gate if fever.gate in self._gates else self._gates[0]
        return RedirectResponse(f"/board/{gate}", 303)

    def _gate(self, request: Request) -> str:
        gate = request.path_params["gate"]
        if gate not in self._gates:
            raise HTTPException(404)
        return gate

    def _follow_up_page(
        self,
        request: Request,
        fever: Fever,
        known: FollowUp,
        given: dict[str, str] | None = None,
        error: FollowUpError | None = None,
        status: int = 200,
    ) -> Response:
        return self._shared.page(
            request,
            "follow_up.html",
            status,
            fever=fever,
            known=known,
            given=given,
            error=error,
            sites=SITES,
            outcomes=OUTCOMES,
            days=self._shared.settings.retention.persons_days,
        )
