"""Checks each request's session or API token, and adds security headers to each response.

The session's cookie is sent only to this server (`__Host-`, RFC 6265bis). Each form carries the
session's CSRF token, and a request that changes something must come from this server's origin.
"""

import hmac
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from fevergate.web_common.accounts import Accounts, Session
from fevergate.web_common.tokens import Token, Tokens

COOKIE = "__Host-fevergate"
LANGUAGE = "fevergate-language"
THEME = "fevergate-theme"
REFRESH = "x-fevergate-refresh"
"""Header of the requests by which a page reloads itself. They do not count as a use of the session,
so that an administrator's still ends after an idle hour."""

MAX_FIELDS = 40
MAX_FORM_BYTES = 16 * 1024
"""Most bytes of a form of `MAX_FIELDS`; for a form that may have more fields the limit rises in
proportion."""

BAD_TOKEN = {
    "error": "token",
    "detail": "expected Authorization: Bearer with a token that is valid",
}
NULL = {"error": "request", "detail": "expected no null character"}
ROLL = "/roll"
"""Page of who was measured today and who was not."""

OF_TUTORS = ("/", "/account", "/sign-out", ROLL, "/api/v1/roll")
"""Paths that tutors may use in addition to `OPEN_PATHS`; for the last two, also the paths below
them."""

OPEN_PATHS = ("/sign-in", "/first", "/language", "/theme", "/healthz")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
}


class AccessMiddleware(BaseHTTPMiddleware):
    """Requires a session on every path except `OPEN_PATHS` and those below `open_below`.

    Routes below `open_below` check access themselves. `/admin` is for administrators. Below `/api`
    a program may send a bearer token (RFC 6750) instead; the API checks its scopes.
    """

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
        if request.method not in ("GET", "HEAD") and not _is_same_origin(request):
            return Response("another origin", 403)
        if "\0" in path or "%00" in request.url.query:
            if path.startswith("/api/"):
                return JSONResponse(NULL, 400)
            return Response(NULL["detail"], 400)
        token = request.cookies.get(COOKIE, "")
        session = await run_in_threadpool(self._session, token, request) if token else None
        request.state.session = session
        request.state.token = await self._token(request) if path.startswith("/api/") else None
        if request.state.token:
            return await call_next(request)
        if session is None and path not in OPEN_PATHS:
            if path.startswith("/api/"):
                return JSONResponse(BAD_TOKEN, 401, headers={"WWW-Authenticate": "Bearer"})
            if path.endswith("/events") or request.method not in ("GET", "HEAD"):
                return JSONResponse({"error": "signed_out", "detail": "sign in first"}, 401)
            return RedirectResponse(_sign_in_for(request), 303)
        if session and is_forbidden(session, path):
            refuse = request.app.exception_handlers[HTTPException]
            return await refuse(request, HTTPException(403))
        return await call_next(request)

    def _session(self, token: str, request: Request) -> Session | None:
        return self._accounts.session(token, touch=REFRESH not in request.headers)

    async def _token(self, request: Request) -> Token | None:
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if not self._tokens or kind.lower() != "bearer":
            return None
        return await run_in_threadpool(self._tokens.find, secret)


def is_forbidden(session: Session, path: str) -> bool:
    """Whether the role of the session's user may not open a path."""
    if session.role == "tutor":
        below = path.startswith(tuple(f"{page}{end}" for page in OF_TUTORS[-2:] for end in "/."))
        return not below and path not in (*OF_TUTORS, *OPEN_PATHS)
    return path.startswith("/admin") and session.role != "administrator"


def session_of(request: Request) -> Session:
    """The session of a request. Raises `HTTPException` 403 without one."""
    session = request.state.session
    if session is None:
        raise HTTPException(403)
    return session


def actor_of(request: Request) -> str:
    """The program or person that sent a request, as the audit names it."""
    token = getattr(request.state, "token", None)
    return f"token {token.name}" if token else session_of(request).user


def address_of(request: Request) -> str:
    """The client's IP address; empty if unknown."""
    return request.client.host if request.client else ""


async def form_of(request: Request, max_fields: int = MAX_FIELDS) -> defaultdict[str, str]:
    """The text fields of a form; a missing field is empty. The CSRF token is checked if there is a
    session.

    Raises `HTTPException`: 413 too large, 403 wrong token, 400 client disconnected or a text that
    `_expect_text` refuses.
    """
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MAX_FORM_BYTES * max_fields // MAX_FIELDS:
        raise HTTPException(413)
    try:
        async with request.form(max_files=0, max_fields=max_fields) as form:
            texts = {name: text for name, text in form.items() if isinstance(text, str)}
    except (ClientDisconnect, UnicodeError):  # a form may name any charset that Python knows
        raise HTTPException(400) from None
    _expect_text(texts)
    fields, session = defaultdict(str, texts), request.state.session
    if session and not hmac.compare_digest(fields["csrf"].encode(), session.csrf.encode()):
        raise HTTPException(403, "again")
    return fields


async def upload_of(request: Request, most: int) -> tuple[dict[str, str], str, bytes]:
    """Text fields of a form, and name and content of its one file, which is never written to disk.
    The CSRF token is checked.

    Raises `HTTPException`: 413 too large, 403 wrong token, 400 client disconnected or no form.
    """
    body = await bounded_body(request, most + MAX_FORM_BYTES)

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, stream(), max_files=1, max_fields=MAX_FIELDS)
    parser.spool_max_size = len(body) + 1
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeError) as error:
        raise HTTPException(400) from error
    fields = {name: text for name, text in form.items() if isinstance(text, str)}
    files = [part for part in form.values() if isinstance(part, UploadFile)]
    name, content = (files[0].filename or "", await files[0].read()) if files else ("", b"")
    await form.close()
    _expect_text(fields | {"file": name})
    csrf = session_of(request).csrf.encode()
    if not hmac.compare_digest(fields.get("csrf", "").encode(), csrf):
        raise HTTPException(403, "again")
    return fields, name, content


def _expect_text(texts: Mapping[str, str]) -> None:
    """Raise `HTTPException` 400 for a null character, which PostgreSQL refuses in a text, as if the
    database were unreachable; and for a lone surrogate, which no page can show."""
    for text in (*texts, *texts.values()):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise HTTPException(400) from None
        if "\0" in text:
            raise HTTPException(400)


async def bounded_body(request: Request, most: int) -> bytes:
    """A body of at most `most` bytes. Raises `HTTPException` 413 for a longer one."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise HTTPException(413, f"at most {most} bytes")
    return bytes(body)


def _sign_in_for(request: Request) -> str:
    """Address of the page to sign in, which leads on to the requested page."""
    query = f"?{request.url.query}" if request.url.query else ""
    target = request.url.path + query
    return "/sign-in" if target == "/" else f"/sign-in?to={quote(target, safe='')}"


def _is_same_origin(request: Request) -> bool:
    """Whether a request came from this server's pages, by the origin that the browser states."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    return urlsplit(origin).netloc == request.headers.get("host", "")
