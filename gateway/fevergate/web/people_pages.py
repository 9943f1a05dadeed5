"""Who signs in, who is on duty, which programs may ask, who looked at what."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fevergate.errors import AccountError
from fevergate.web.accounts import ROLES
from fevergate.web.guard import form_of, session_of
from fevergate.web.shared import Shared
from fevergate.web.words import SCOPES

AUDIT_PAGE = 100


class PeoplePages:
    """Below /admin: people, duty, tokens, audit; and /account, everybody's own."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.routes = [
            Route("/admin/people", self.people, methods=["GET", "POST"]),
            Route("/admin/duty", self.duty, methods=["POST"]),
            Route("/admin/tokens", self.tokens, methods=["GET", "POST"]),
            Route("/admin/audit", self.audit),
            Route("/account", self.account, methods=["GET", "POST"]),
        ]

    async def people(self, request: Request) -> Response:
        """Who may sign in, and the duty list."""
        if request.method == "GET":
            return await self._people_page(request)
        form = await form_of(request)
        accounts, name = self._shared.accounts, form.get("name", "")
        if form.get("action") == "remove":
            return await self._try(request, "remove person", name, lambda: accounts.remove(name))
        role = "administrator" if form.get("role") == "administrator" else "guard"
        password = form.get("password", "")
        return await self._try(
            request, "add person", f"{name} ({role})", lambda: accounts.add(name, password, role)
        )

    async def duty(self, request: Request) -> Response:
        """Who may stand under an acknowledgement."""
        form = await form_of(request)
        duty, name, gate = self._shared.duty, form.get("name", ""), form.get("gate", "")
        what = f"{name} {gate}".strip()
        if form.get("action") == "remove":
            return await self._try(request, "off duty", what, lambda: duty.remove(name, gate))
        return await self._try(request, "on duty", what, lambda: duty.add(name, gate))

    async def tokens(self, request: Request) -> Response:
        """What programs sign in with."""
        if request.method == "GET":
            return await self._tokens_page(request)
        form = await form_of(request)
        user, name, days = session_of(request).user, form.get("name", ""), form.get("days", "")
        number = form.get("id", "")
        if form.get("action") == "revoke" and number.isascii() and number.isdigit():
            await run_in_threadpool(self._shared.tokens.revoke, int(number[:9]))
            await run_in_threadpool(self._shared.store.note, user, "revoke token", number[:9])
            return RedirectResponse("/admin/tokens", 303)
        scopes = [scope for scope in SCOPES if form.get(f"scope-{scope}")]
        lasts = int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0
        try:
            secret = await run_in_threadpool(self._shared.tokens.issue, name, scopes, lasts, user)
        except AccountError as error:
            return await self._tokens_page(request, error=error.reason)
        what = f"{name}: {' '.join(scopes)}"
        await run_in_threadpool(self._shared.store.note, user, "issue token", what)
        return await self._tokens_page(request, secret=secret)

    async def audit(self, request: Request) -> Response:
        """Who did or looked at what, the newest first; to look at this is noted, too."""
        text = request.query_params.get("before", "")
        before = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
        rows = await run_in_threadpool(self._shared.store.audit, AUDIT_PAGE, before)
        user = session_of(request).user
        await run_in_threadpool(self._shared.store.note, user, "look at audit", text[:16])
        return self._shared.page(request, "audit.html", rows=rows, page=AUDIT_PAGE)

    async def account(self, request: Request) -> Response:
        """One's own password."""
        if request.method == "GET":
            return self._shared.page(request, "account.html", error="", done=False)
        form = await form_of(request)
        user = session_of(request).user
        try:
            await run_in_threadpool(
                self._shared.accounts.change_password,
                user,
                form.get("old_password", ""),
                form.get("password", ""),
            )
        except AccountError as error:
            return self._shared.page(request, "account.html", 400, error=error.reason, done=False)
        await run_in_threadpool(self._shared.store.note, user, "change password", "")
        return RedirectResponse("/sign-in", 303)

    async def _try(
        self, request: Request, action: str, what: str, act: Callable[[], None]
    ) -> Response:
        try:
            await run_in_threadpool(act)
        except AccountError as error:
            return await self._people_page(request, error.reason)
        user = session_of(request).user
        await run_in_threadpool(self._shared.store.note, user, action, what)
        return RedirectResponse("/admin/people", 303)

    async def _people_page(self, request: Request, error: str = "") -> Response:
        people = await run_in_threadpool(self._shared.accounts.people)
        on_duty = await run_in_threadpool(self._shared.duty.everybody)
        return self._shared.page(
            request,
            "people.html",
            400 if error else 200,
            people=people,
            on_duty=on_duty,
            gates=[gate.name for gate in self._shared.settings.gates],
            roles=ROLES,
            error=error,
        )

    async def _tokens_page(
        self, request: Request, *, error: str = "", secret: str = ""
    ) -> Response:
        tokens = await run_in_threadpool(self._shared.tokens.all)
        return self._shared.page(
            request,
            "tokens.html",
            400 if error else 200,
            tokens=tokens,
            scopes=SCOPES,
            secret=secret,
            error=error,
        )
