"""Pages to sign in and out, and to choose language and theme."""

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from fevergate.errors import AccountError
from fevergate.texts.translations import LANGUAGES
from fevergate.web_common.accounts import MAX_SESSION_S, Session
from fevergate.web_common.audit_words import BY_A_CODE
from fevergate.web_common.middleware import (
    COOKIE,
    LANGUAGE,
    THEME,
    address_of,
    is_forbidden,
    session_of,
)
from fevergate.web_common.page_maker import THEMES, Site
from fevergate.web_common.routes import Form, get, local_path, post

YEAR_S = 31536000


class SignInPages:
    """Pages that are open without a session."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.routes = [
            get("/", self.home),
            get("/healthz", lambda _request: JSONResponse({"ok": True})),
            get("/sign-in", self.sign_in_page),
            post("/sign-in", self.sign_in),
            get("/first", self.first_page),
            post("/first", self.first),
            post("/sign-out", self.sign_out),
            get("/language", lambda request: _choose(request, LANGUAGE, LANGUAGES)),
            get("/theme", lambda request: _choose(request, THEME, THEMES)),
        ]

    def home(self, request: Request) -> Response:
        """Redirect to the start page of the user's role."""
        return RedirectResponse(self._site.home(session_of(request)), 303)

    def sign_in_page(self, request: Request) -> Response:
        """Ask for name and password; `?again=1` asks again for a board whose session ends soon."""
        if self._site.accounts.empty:
            return RedirectResponse("/first", 303)
        to = local_path(request.query_params.get("to", "/"))
        if request.state.session and request.query_params.get("again") != "1":
            return RedirectResponse(self._landing(request.state.session, to), 303)
        return self._site.page(request, "sign_in.html", error="", name="", to=to)

    def _landing(self, session: Session | None, to: str) -> str:
        """The page to show after signing in: `to`, unless the user's role may not see it."""
        if to == "/" or not session or is_forbidden(session, to):
            return self._site.home(session) if session else "/"
        return to

    def sign_in(self, request: Request, form: Form) -> Response:
        """Begin a session with name and password, and go to the page that was asked for."""
        accounts, name, address = self._site.accounts, form["name"], address_of(request)
        if accounts.empty:
            return RedirectResponse("/first", 303)
        try:
            token = accounts.sign_in(name, form["password"], address)
        except AccountError as error:
            self._site.audited.note("-", "turned away", f"{name[:64]} {address}")
            status = 503 if error.reason == "later" else 403
            context = {"error": error.reason, "name": name, "to": local_path(form["to"])}
            return self._site.page(request, "sign_in.html", status, **context)
        self._site.audited.note(name, "sign in", "")
        if request.state.session:
            accounts.sign_out(request.cookies.get(COOKIE, ""))
        landing = self._landing(accounts.session(token), local_path(form["to"]))
        response = RedirectResponse(landing, 303)
        response.set_cookie(
            COOKIE, token, max_age=int(MAX_SESSION_S), secure=True, httponly=True, samesite="strict"
        )
        return response

    def first_page(self, request: Request, error: str = "") -> Response:
        """Ask for the one-time code that a command printed; `error`: why the form was refused."""
        return self._site.page(request, "first.html", error=error)

    def first(self, request: Request, form: Form) -> Response:
        """Make an administrator's account with the one-time code."""
        try:
            self._site.accounts.begin(form["code"], form["name"], form["password"])
        except AccountError as error:
            return self.first_page(request, error.reason)
        self._site.audited.note(form["name"], "began", BY_A_CODE)
        return RedirectResponse("/sign-in", 303)

    def sign_out(self, request: Request, _form: Form) -> Response:
        """End the session."""
        if request.state.session:
            self._site.note(request, "sign out")
        self._site.accounts.sign_out(request.cookies.get(COOKIE, ""))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict")
        return response


def _choose(request: Request, cookie: str, values: tuple[str, ...]) -> Response:
    """Store the query's `to` in a cookie if it is one of the values; redirect to `back`, a path of
    this site."""
    to = request.query_params.get("to", "")
    response = RedirectResponse(local_path(request.query_params.get("back", "/")), 303)
    if to in values:
        response.set_cookie(cookie, to, YEAR_S, secure=True, samesite="strict")
    return response
