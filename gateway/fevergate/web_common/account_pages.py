"""Pages of accounts, the audit, and one's own password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fevergate.errors import AccountError
from fevergate.web_common.accounts import ROLES
from fevergate.web_common.middleware import address_of, form_of, session_of
from fevergate.web_common.page_maker import Site

AUDIT_PAGE = 100


class AccountPages:
    """/admin/people and /admin/audit for administrators, /account for everybody."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.routes = [
            Route("/admin/people", self.people, methods=["GET", "POST"]),
            Route("/admin/audit", self.audit),
            Route("/account", self.account, methods=["GET", "POST"]),
        ]

    async def people(self, request: Request) -> Response:
        """List, add and remove accounts; set their passwords."""
        if request.method == "GET":
            return await self._people_page(request)
        form = await form_of(request)
        accounts, name = self._site.accounts, form.get("name", "")
        if form.get("action") == "remove":
            return await self._apply(request, "remove person", name, lambda: self._remove(name))
        if form.get("action") == "password":
            new = form.get("password", "")
            return await self._apply(
                request, "set password", name, lambda: accounts.set_password(name, new)
            )
        role = "administrator" if form.get("role") == "administrator" else "guard"
        password = form.get("password", "")
        return await self._apply(
            request, "add person", f"{name} ({role})", lambda: accounts.add(name, password, role)
        )

    async def audit(self, request: Request) -> Response:
        """Show the audit, the newest first; reading it is itself recorded."""
        text = request.query_params.get("before", "")
        before = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
        rows = await run_in_threadpool(self._site.audited.audit, AUDIT_PAGE, before)
        user = session_of(request).user
        await run_in_threadpool(self._site.audited.note, user, "look at audit", text[:16])
        return self._site.page(request, "audit.html", rows=rows, page=AUDIT_PAGE)

    async def account(self, request: Request) -> Response:
        """Change one's own password."""
        if request.method == "GET":
            return self._site.page(request, "account.html", error="", done=False)
        form = await form_of(request)
        user = session_of(request).user
        try:
            await run_in_threadpool(
                self._site.accounts.change_password,
                user,
                form.get("old_password", ""),
                form.get("password", ""),
                address_of(request),
            )
        except AccountError as error:
            return self._site.page(request, "account.html", 400, error=error.reason, done=False)
        await run_in_threadpool(self._site.audited.note, user, "change password", "")
        return RedirectResponse("/sign-in", 303)

    async def _apply(
        self, request: Request, action: str, what: str, act: Callable[[], None]
    ) -> Response:
        user = session_of(request).user
        try:
            await run_in_threadpool(act)
        except AccountError as error:
            reason = f"{what}: {error.reason}"
            await run_in_threadpool(self._site.audited.note, user, f"{action} failed", reason)
            return await self._people_page(request, error.reason)
        await run_in_threadpool(self._site.audited.note, user, action, what)
        return RedirectResponse("/admin/people", 303)

    async def _people_page(self, request: Request, error: str = "") -> Response:
        people = await run_in_threadpool(self._site.accounts.people)
        return self._site.page(
            request,
            "people.html",
            400 if error else 200,
            people=people,
            roles=ROLES,
            error=error,
            **await run_in_threadpool(self._more),
        )

    def _remove(self, name: str) -> None:
        self._site.accounts.remove(name)

    def _more(self) -> dict[str, Any]:
        """Further values for the page of people."""
        return {}
