"""The guard's pages: the board, live; and what became of a fever."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from fevergate.errors import FollowUpError
from fevergate.fever_log import Fever, bounds, identity_of, read_fevers
from fevergate.protocol import Identity
from fevergate.retention import DAY_S
from fevergate.web.follow_ups import OUTCOMES, SITES, FollowUp, parse
from fevergate.web.guard import COOKIE, form_of, session_of
from fevergate.web.live import events
from fevergate.web.shared import Shared

OPEN_DAYS = 7
"""How long an open follow-up of a day before is still shown."""

Followed = tuple[Fever, FollowUp | None]

SIGNED_IN_S = 30.0
"""How often an open board is asked whether its session goes on; being asked keeps it open."""


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
        today, earlier = await run_in_threadpool(self._fevers, gate)
        on_duty = await run_in_threadpool(self._shared.duty.at, gate)
        user = session_of(request).user
        return self._shared.page(
            request,
            "board.html",
            gate=gate,
            gates=[one.name for one in self._shared.settings.gates],
            names=[user, *(name for name in on_duty if name != user)],
            fevers=today,
            earlier=earlier,
        )

    def _fevers(self, gate: str) -> tuple[list[Followed], list[Followed]]:
        """Today's fevers, and those of the days before whose follow-up is still open; the newest
        first."""
        settings = self._shared.settings
        _, begin, end = bounds(settings)
        with self._shared.reader() as reader:
            found = read_fevers(reader, begin - OPEN_DAYS * DAY_S, end)
        found = [fever for fever in reversed(found) if fever.gate == gate]
        known = self._shared.follow_ups.of([identity_of(fever) for fever in found])
        followed = [(fever, known.get(identity_of(fever))) for fever in found]
        return (
            [one for one in followed if one[0].at >= begin],
            [one for one in followed if one[0].at < begin and not (one[1] and one[1].closed)],
        )

    async def events(self, request: Request) -> Response:
        """The gate as it changes, as long as whoever looks is signed in."""
        stream = events(self._shared.live, self._gate(request))
        return StreamingResponse(
            self._while_signed_in(request.cookies.get(COOKIE, ""), stream),
            media_type="text/event-stream",
        )

    async def _while_signed_in(
        self, token: str, stream: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        ask_at = time.monotonic() + SIGNED_IN_S
        async with aclosing(stream):
            async for event in stream:
                yield event
                if time.monotonic() >= ask_at:
                    if not await run_in_threadpool(self._shared.accounts.session, token):
                        return
                    ask_at = time.monotonic() + SIGNED_IN_S

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
            await run_in_threadpool(self._shared.follow_ups.save, identity, new, session.user)
        except FollowUpError as error:
            given = {name: form.get(name, "") for name in FollowUp.__struct_fields__}
            return self._follow_up_page(request, fever, known, given, error, 400)
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
