"""Pages of the duty list and of API tokens."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fevergate.errors import AccountError
from fevergate.texts.translations import SCOPES
from fevergate.web.context import Shared
from fevergate.web_common.account_pages import AccountPages
from fevergate.web_common.middleware import form_of, session_of


class DutyPages(AccountPages):
    """/admin/duty and /admin/tokens, beside the account pages."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._shared = shared
        self.routes += [
            Route("/admin/duty", self.duty, methods=["POST"]),
            Route("/admin/tokens", self.tokens, methods=["GET", "POST"]),
        ]

    async def duty(self, request: Request) -> Response:
        """Change the duty list."""
        form = await form_of(request)
        duty, name, gate = self._shared.duty, form.get("name", ""), form.get("gate", "")
        what = f"{name} {gate}".strip()
        if form.get("action") == "remove":
            return await self._apply(request, "off duty", what, lambda: duty.remove(name, gate))
        return await self._apply(request, "on duty", what, lambda: duty.add(name, gate))

    async def tokens(self, request: Request) -> Response:
        """List, issue and revoke API tokens."""
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
        lifetime_days = int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0
        try:
            secret = await run_in_threadpool(
                self._shared.tokens.issue, name, scopes, lifetime_days, user
            )
        except AccountError as error:
            return await self._tokens_page(request, error=error.reason)
        what = f"{name}: {' '.join(scopes)}"
        await run_in_threadpool(self._shared.store.note, user, "issue token", what)
        return await self._tokens_page(request, secret=secret)

    def _remove(self, name: str) -> None:
        super()._remove(name)
        self._shared.tokens.revoke_of(name)

    def _more(self) -> dict[str, Any]:
        return {
            "on_duty": self._shared.duty.everybody(),
            "gates": [gate.name for gate in self._shared.settings.gates],
        }

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
