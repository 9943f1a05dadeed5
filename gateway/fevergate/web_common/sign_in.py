"""Pages to sign in and out, and to choose language and theme."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from fevergate.errors import AccountError
from fevergate.texts.translations import LANGUAGES
from fevergate.web_common.accounts import MAX_SESSION_S
from fevergate.web_common.middleware import COOKIE, LANGUAGE, THEME, address_of, form_of, session_of
from fevergate.web_common.page_maker import THEMES, Site

YEAR_S = 31536000


class SignInPages:
    """Pages that are open without a session."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.routes = [
            Route("/", self.home),
            Route("/healthz", self.healthz),
            Route("/sign-in", self.sign_in, methods=["GET", "POST"]),
            Route("/first", self.first, methods=["GET", "POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
            Route("/language", self.language),
            Route("/theme", self.theme),
        ]

    async def healthz(self, _request: Request) -> Response:
        """Answer that the server runs."""
        return JSONResponse({"ok": True})

    async def home(self, request: Request) -> Response:
        """Redirect to the page of the person's role."""
        return RedirectResponse(self._site.home(session_of(request)), 303)

    async def sign_in(self, request: Request) -> Response:
        """Begin a session with name and password."""
        if await run_in_threadpool(lambda: self._site.accounts.empty):
            return RedirectResponse("/first", 303)
        session = request.state.session
        again = request.query_params.get("again") == "1"  # a board whose session ends soon
        if request.method == "GET":
            if session and not again:
                return RedirectResponse(self._site.home(session), 303)
            return self._site.page(request, "sign_in.html", error="")
        form = await form_of(request)
        name = form.get("name", "")
        try:
            token = await run_in_threadpool(
                self._site.accounts.sign_in, name, form.get("password", ""), address_of(request)
            )
        except AccountError as error:
            await run_in_threadpool(
                self._site.audited.note, "-", "turned away", f"{name[:64]} {address_of(request)}"
            )
            status = 503 if error.reason == "later" else 403
            return self._site.page(request, "sign_in.html", status, error=error.reason)
        await run_in_threadpool(self._site.audited.note, name, "sign in", "")
        if session:
            old_token = request.cookies.get(COOKIE, "")
            await run_in_threadpool(self._site.accounts.sign_out, old_token)
        response = RedirectResponse("/", 303)
        response.set_cookie(
            COOKIE, token, max_age=int(MAX_SESSION_S), secure=True, httponly=True, samesite="strict"
        )
        return response

    async def first(self, request: Request) -> Response:
        """Make an administrator with the one-time code that a command printed."""
        if request.method == "GET":
            return self._site.page(request, "first.html", error="")
        form = await form_of(request)
        try:
            await run_in_threadpool(
                self._site.accounts.begin,
                form.get("code", ""),
                form.get("name", ""),
                form.get("password", ""),
            )
        except AccountError as error:
            return self._site.page(request, "first.html", 400, error=error.reason)
        await run_in_threadpool(
            self._site.audited.note, form.get("name", ""), "began", "by a code of the terminal"
        )
        return RedirectResponse("/sign-in", 303)

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        await form_of(request)
        if request.state.session:
            user = request.state.session.user
            await run_in_threadpool(self._site.audited.note, user, "sign out", "")
        await run_in_threadpool(self._site.accounts.sign_out, request.cookies.get(COOKIE, ""))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict")
        return response

    async def language(self, request: Request) -> Response:
        """Choose Chinese or English for this browser."""
        return _choose(request, LANGUAGE, LANGUAGES)

    async def theme(self, request: Request) -> Response:
        """Choose day, night or the device's theme for this browser."""
        return _choose(request, THEME, THEMES)


def _choose(request: Request, cookie: str, values: tuple[str, ...]) -> Response:
    """Store the query's `to` in a cookie if it is one of the values; redirect to `back`, a path of
    this site."""
    to = request.query_params.get("to", "")
    back = request.query_params.get("back", "/")
    if not back.startswith("/") or back.startswith("//") or "\\" in back:
        back = "/"
    response = RedirectResponse(back, 303)
    if to in values:
        response.set_cookie(cookie, to, YEAR_S, secure=True, samesite="strict")
    return response
