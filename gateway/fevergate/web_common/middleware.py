"""What stands before every page: who is signed in, which forms are ours, and the headers.

Sessions lie in a cookie that only this server is sent (`__Host-`, RFC 6265bis); each form carries
the session's own token, and a request that changes something must come from our own origin.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from fevergate.web_common.accounts import Accounts, Session
from fevergate.web_common.tokens import Token, Tokens

COOKIE = "__Host-fevergate"
LANGUAGE = "fevergate-language"
THEME = "fevergate-theme"
MAX_FORM = 16 * 1024
MAX_SECRET = 200
UNKNOWN = {"error": "token", "detail": "expected Authorization: Bearer with a token that is valid"}
OPEN = ("/sign-in", "/first", "/language", "/theme", "/healthz")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
}


class Guard(BaseHTTPMiddleware):
    """Nobody passes who is not signed in, but to what is open (`open_below`: whose routes see to it
    themselves); the administrator's pages are under
    `/admin`, for administrators only. Below `/api` a program passes with a token (RFC 6750), whose
    scopes `api` looks at."""

    def __init__(
        self,
        app: ASGIApp,
        accounts: Accounts,
        tokens: Tokens | None = None,
        open_below: tuple[str, ...] = ("/static/",),
    ) -> None:
        super().__init__(app)
        self._accounts = accounts
        self._tokens = tokens
        self._open_below = open_below

    async def dispatch(
        self, request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await self._pass(request, call_next)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    async def _pass(
        self, request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        path = request.url.path
        if path.startswith(self._open_below):
            request.state.session = None
            return await call_next(request)
        if request.method not in ("GET", "HEAD") and not _is_ours(request):
            return Response("another origin", 403)
        token = request.cookies.get(COOKIE, "")
        session = await run_in_threadpool(self._accounts.session, token) if token else None
        request.state.session = session
        request.state.token = await self._token(request) if path.startswith("/api/") else None
        if request.state.token:
            return await call_next(request)
        if session is None and path not in OPEN:
            if path.startswith("/api/"):
                return JSONResponse(UNKNOWN, 401, headers={"WWW-Authenticate": "Bearer"})
            if path.endswith("/events") or request.method not in ("GET", "HEAD"):
                return JSONResponse({"error": "signed_out", "detail": "sign in first"}, 401)
            return RedirectResponse("/sign-in", 303)
        if path.startswith("/admin") and session and session.role != "administrator":
            return Response("not for guards", 403)
        return await call_next(request)

    async def _token(self, request: Request) -> Token | None:
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if not self._tokens or kind.lower() != "bearer" or not 0 < len(secret) < MAX_SECRET:
            return None
        return await run_in_threadpool(self._tokens.find, secret)


def session_of(request: Request) -> Session:
    """Who is signed in; where the page is open to nobody else."""
    session = request.state.session
    if session is None:
        raise HTTPException(403)
    return session


def address_of(request: Request) -> str:
    """Where from, as the server sees it."""
    return request.client.host if request.client else ""


async def form_of(request: Request) -> dict[str, str]:
    """A small form's text fields; of one that is signed in, with the session's token.

    Raises `HTTPException` 413, 403.
    """
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MAX_FORM:
        raise HTTPException(413)
    try:
        async with request.form(max_files=0, max_fields=40) as form:
            given = {name: value for name, value in form.items() if isinstance(value, str)}
    except ClientDisconnect:  # whoever sent it did not wait for us
        raise HTTPException(400) from None
    session = request.state.session
    if session and not hmac.compare_digest(given.get("csrf", "").encode(), session.csrf.encode()):
        raise HTTPException(403, "again")
    return given


def _is_ours(request: Request) -> bool:
    """Whether what changes something was sent by our own page; a browser says from where."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    return urlsplit(origin).netloc == request.headers.get("host", "")
