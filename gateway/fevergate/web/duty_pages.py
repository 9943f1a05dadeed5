"""Pages of the duty list and of API tokens."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.errors import AccountError
from fevergate.texts.word_tables import SCOPES
from fevergate.web.context import Shared
from fevergate.web_common.account_pages import AccountPages
from fevergate.web_common.middleware import session_of
from fevergate.web_common.routes import Form, get, post, whole_number

SOON_S = 86400.0
"""Shifts that begin later are shown only on the page of the duty register."""


class DutyPages(AccountPages):
    """/admin/duty and /admin/tokens, beside the account pages."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared, shared.people.unknown_units, shared.registers)
        self._shared = shared
        self.routes += [
            post("/admin/duty", self.duty),
            get("/admin/tokens", self.tokens),
            post("/admin/tokens", self.change_tokens),
        ]

    def duty(self, request: Request, form: Form) -> Response:
        """Change the duty list."""
        duty, name, gate = self._shared.duty, form["name"], form["gate"]
        text, user = f"{name} {gate}".strip(), session_of(request).user
        shift = whole_number(form["shift"] or "0", 16)
        if form["action"] == "remove":
            return self._apply(
                request, "off duty", text, lambda: duty.remove(name, gate, user, shift)
            )
        return self._apply(request, "on duty", text, lambda: duty.add(name, gate, by=user))

    def tokens(self, request: Request, error: str = "", secret: str = "") -> Response:
        """List the API tokens; `error`: why none was issued, `secret`: the one just issued."""
        tokens = self._shared.tokens.all()
        context = {"tokens": tokens, "scopes": SCOPES, "secret": secret, "error": error}
        return self._shared.page(request, "tokens.html", **context)

    def change_tokens(self, request: Request, form: Form) -> Response:
        """Issue or revoke an API token."""
        number = whole_number(form["id"][:9])
        if form["action"] == "revoke" and number >= 0:
            self._shared.tokens.revoke(number)
            self._shared.note(request, "revoke token", str(number))
            return RedirectResponse("/admin/tokens", 303)
        name, days = form["name"], whole_number(form["days"])
        scopes = [scope for scope in SCOPES if form[f"scope-{scope}"]]
        try:
            secret = self._shared.tokens.issue(name, scopes, days, session_of(request).user)
        except AccountError as error:
            return self.tokens(request, error=error.reason)
        self._shared.note(request, "issue token", f"{name}: {' '.join(scopes)}")
        return self.tokens(request, secret=secret)

    def _remove(self, name: str) -> None:
        super()._remove(name)
        self._shared.tokens.revoke_of(name)

    def _more(self) -> dict[str, Any]:
        soon = self._shared.clock.now() + SOON_S
        return {
            "on_duty": [
                shift for shift in self._shared.duty.everybody() if (shift.begin or 0.0) < soon
            ],
            "gates": [gate.name for gate in self._shared.settings.gates],
        }
