"""The guard's pages: the board, live; and what became of a fever."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from fevergate.errors import FollowUpError
from fevergate.fever_log import Fever, identity_of
from fevergate.protocol import Identity
from fevergate.web.follow_ups import OUTCOMES, SITES, FollowUp, parse
from fevergate.web.guard import form_of, session_of
from fevergate.web.live import events
from fevergate.web.shared import Shared


class Board:
    """The pages of whoever stands at the gate."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.routes = [
            Route("/board/{gate:str}", self.board),
            Route("/board/{gate:str}/events", self.events),
            Route("/board/{gate:str}/acknowledge", self.acknowledge, methods=["POST"]),
            Route(
                "/fevers/{kiosk:str}/{boot:int}/{seq:int}",
                self.follow_up,
                methods=["GET", "POST"],
            ),
        ]

    async def board(self, request: Request) -> Response:
        """One gate, live."""
        gate = self._gate(request)
        log = await run_in_threadpool(self._shared.read, None)
        log.fevers = [fever for fever in log.fevers if fever.gate == gate]
        known = await run_in_threadpool(self._shared.known, log)
        on_duty = await run_in_threadpool(self._shared.duty.at, gate)
        user = session_of(request).user
        return self._shared.page(
            request,
            "board.html",
            gate=gate,
            gates=[one.name for one in self._shared.settings.gates],
            names=[user, *(name for name in on_duty if name != user)],
            fevers=[(fever, known.get(identity_of(fever))) for fever in reversed(log.fevers)],
        )

    async def events(self, request: Request) -> Response:
        """The gate as it changes."""
        return StreamingResponse(
            events(self._shared.live, self._gate(request)), media_type="text/event-stream"
        )

    async def acknowledge(self, request: Request) -> Response:
        """The guard sees to the gate's fevers, under a name of the duty list or one's own."""
        form = await form_of(request)
        gate, user = self._gate(request), session_of(request).user
        by = form.get("by", "") or user
        if by != user and by not in await run_in_threadpool(self._shared.duty.at, gate):
            raise HTTPException(400, "choice")
        if not self._shared.live.acknowledge(gate, by):
            raise HTTPException(503, "line")
        await run_in_threadpool(self._shared.store.note, user, "acknowledge", f"{gate} by {by}")
        return JSONResponse({"ok": True})

    async def follow_up(self, request: Request) -> Response:
        """What became of one fever."""
        params = request.path_params
        identity = Identity(params["kiosk"], params["boot"], params["seq"])
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
        except FollowUpError as error:
            given = {name: form.get(name, "") for name in FollowUp.__struct_fields__}
            return self._follow_up_page(request, fever, known, given, error, 400)
        await run_in_threadpool(self._shared.follow_ups.save, identity, new, session.user)
        await run_in_threadpool(self._shared.store.note, session.user, "save follow-up", what)
        return RedirectResponse(f"/board/{fever.gate}", 303)

    def _gate(self, request: Request) -> str:
        gate = request.path_params["gate"]
        if gate not in {one.name for one in self._shared.settings.gates}:
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
