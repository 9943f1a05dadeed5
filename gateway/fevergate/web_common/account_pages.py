"""Pages of accounts, the audit, and the user's own password."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fevergate.errors import AccountError, RefusalError
from fevergate.texts.translations import translator
from fevergate.web_common.accounts import ROLES, Role
from fevergate.web_common.middleware import address_of, session_of
from fevergate.web_common.page_maker import Site
from fevergate.web_common.register_words import RegisterSite, RegisterWords
from fevergate.web_common.routes import Form, get, post, whole_number

AUDIT_PAGE = 100
MAX_NOTED = 200
"""Most characters of a list of units in an audit entry."""


class AccountPages:
    """/admin/people and /admin/audit for administrators, /account for everybody."""

    def __init__(
        self,
        site: Site,
        unknown_units: Callable[[Iterable[str]], list[str]],
        registers: RegisterSite,
    ) -> None:
        """`unknown_units` returns which of a tutor's units are on no list."""
        self._site = site
        self._registers = registers
        self._unknown_units = unknown_units
        self.routes = [
            get("/admin/people", self.people),
            post("/admin/people", self.change_people),
            get("/admin/audit", self.audit),
            get("/account", self.account),
            post("/account", self.change_password),
        ]

    def people(self, request: Request, error: str = "", unknown: Sequence[str] = ()) -> Response:
        """List the accounts; `error` is why a change was refused, `unknown` the units that are on
        no list."""
        accounts = self._site.accounts
        context = self._more() | {"people": accounts.people(), "tutors": accounts.tutors()}
        context |= {"roles": ROLES, "error": error, "unknown": unknown}
        return self._site.page(request, "people.html", **context)

    def change_people(self, request: Request, form: Form) -> Response:
        """Add or remove an account, set its password or a tutor's units."""
        accounts, name, password = self._site.accounts, form["name"], form["password"]
        if form["action"] == "remove":
            return self._apply(request, "remove person", name, lambda: self._remove(name))
        if form["action"] == "password":
            return self._apply(
                request, "set password", name, lambda: accounts.set_password(name, password)
            )
        units = [" ".join(unit.split()) for unit in form["units"].splitlines()]
        listed = f"{name}: {', '.join(units)}"[:MAX_NOTED]
        roles: dict[str, Role] = {role: role for role in ROLES}
        role = roles.get(form["role"], "guard")
        if form["action"] == "units" or role == "tutor":
            unknown = self._unknown_units(filter(None, units))
            if unknown:
                self._site.note(request, "set units failed", f"{listed}: unknown_units")
                return self.people(request, "unknown_units", unknown)
        if form["action"] == "units":
            return self._apply(
                request, "set units", listed, lambda: accounts.set_units(name, units)
            )
        return self._apply(
            request,
            "add person",
            f"{name} ({role})",
            lambda: accounts.add(name, password, role, units),
        )

    def audit(self, request: Request) -> Response:
        """Show the audit, the newest first; reading it is itself recorded."""
        text = request.query_params.get("before", "")
        before = whole_number(text, 15)
        rows = self._site.audited.audit(AUDIT_PAGE, before if before >= 0 else None)
        self._site.note(request, "look at audit", text[:16])
        language = self._site.language(request)
        words = RegisterWords(self._registers, language, translator(language))
        return self._site.page(request, "audit.html", rows=rows, page=AUDIT_PAGE, words=words)

    def account(self, request: Request, error: str = "") -> Response:
        """Show the user's own account; `error`: why a new password was refused."""
        return self._site.page(request, "account.html", error=error)

    def change_password(self, request: Request, form: Form) -> Response:
        """Change the user's own password."""
        user, old, new = session_of(request).user, form["old_password"], form["password"]
        try:
            self._site.accounts.change_password(user, old, new, address_of(request))
        except AccountError as error:
            return self.account(request, error.reason)
        self._site.note(request, "change password")
        return RedirectResponse("/sign-in", 303)

    def _apply(
        self, request: Request, action: str, text: str, change: Callable[[], None]
    ) -> Response:
        try:
            change()
        except RefusalError as error:
            self._site.note(request, f"{action} failed", f"{text}: {error.reason}")
            return self.people(request, error.reason)
        self._site.note(request, action, text)
        return RedirectResponse("/admin/people", 303)

    def _remove(self, name: str) -> None:
        self._site.accounts.remove(name)

    def _more(self) -> dict[str, Any]:
        """Values that the page of people needs in addition."""
        return {}
