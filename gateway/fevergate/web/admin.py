"""The administrator's pages: the fever log, and who may sign in."""

from __future__ import annotations

from datetime import date

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fevergate import log_formats
from fevergate.errors import AccountError
from fevergate.fever_log import Day
from fevergate.web.accounts import ROLES
from fevergate.web.guard import form_of, session_of
from fevergate.web.shared import Shared, identity_of


class Admin:
    """All below /admin, where `guard.Guard` lets nobody else pass."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.routes = [
            Route("/admin/log", self.log),
            Route("/admin/log.csv", self.log_csv),
            Route("/admin/log.json", self.log_json),
            Route("/admin/people", self.people, methods=["GET", "POST"]),
        ]

    async def log(self, request: Request) -> Response:
        """A day's fever log, to be read and printed."""
        log = await self._day(request)
        known = await run_in_threadpool(
            self._shared.follow_ups.of, [identity_of(f) for f in log.fevers]
        )
        user = session_of(request).user
        await run_in_threadpool(self._shared.store.note, user, "look at log", log.date)
        return self._shared.page(
            request,
            "log.html",
            log=log,
            fevers=[(fever, known.get(identity_of(fever))) for fever in log.fevers],
        )

    async def log_csv(self, request: Request) -> Response:
        """The same for a spreadsheet."""
        log = await self._day(request)
        text = log_formats.as_csv(log, self._shared.settings.zone)
        name = f"fever-log-{log.campus}-{log.date}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    async def log_json(self, request: Request) -> Response:
        """The same for a program."""
        return Response(
            log_formats.as_json(await self._day(request)), media_type="application/json"
        )

    async def people(self, request: Request) -> Response:
        """Who may sign in."""
        error, user = "", session_of(request).user
        if request.method == "POST":
            form = await form_of(request)
            name = form.get("name", "")
            try:
                if form.get("action") == "remove":
                    await run_in_threadpool(self._shared.accounts.remove, name)
                else:
                    role = "administrator" if form.get("role") == "administrator" else "guard"
                    await run_in_threadpool(
                        self._shared.accounts.add, name, form.get("password", ""), role
                    )
            except AccountError as failed:
                error = f"error_{failed.reason}"
            else:
                action = form.get("action") or "add"
                await run_in_threadpool(self._shared.store.note, user, f"{action} person", name)
                return RedirectResponse("/admin/people", 303)
        people = await run_in_threadpool(self._shared.accounts.people)
        return self._shared.page(
            request, "people.html", 400 if error else 200, people=people, roles=ROLES, error=error
        )

    async def _day(self, request: Request) -> Day:
        text = request.query_params.get("date")
        try:
            day = date.fromisoformat(text) if text else None
        except ValueError:
            raise HTTPException(400, "error_date") from None
        return await run_in_threadpool(self._shared.read, day)
