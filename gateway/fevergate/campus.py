"""The campus server: takes summaries and fevers from the gateways, shows the last of each.

HTTPS only. A gateway proves itself with its token (`Authorization: Bearer`); a person reads
the page with any gateway's name and token (HTTP Basic). Every error has the same JSON shape:
`{"error": {"field": ..., "reason": ...}}`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ssl
from dataclasses import asdict
from pathlib import Path

import click
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from fevergate.campus_page import page
from fevergate.campus_store import CampusStore
from fevergate.errors import CampusError, SettingsError
from fevergate.options import settings_option
from fevergate.settings import CampusSettings, load_campus
from fevergate.summaries import Delivery, Receipt

MAX_BODY = 1024 * 1024
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
}


class Refusal(HTTPException):
    """What is answered to a request that is not taken."""

    def __init__(self, status: int, field: str, reason: str) -> None:
        super().__init__(status, reason)
        self.field = field


class Campus:
    """The application; one instance for one database."""

    def __init__(self, settings: CampusSettings) -> None:
        self._settings = settings
        self.store = CampusStore(settings.path(settings.database))
        self.app = Starlette(
            routes=[
                Route("/", self.show, methods=["GET"]),
                Route("/healthz", self.healthz, methods=["GET"]),
                Route("/v1/summaries", self.take, methods=["POST"]),
                Route("/v1/campuses", self.campuses, methods=["GET"]),
            ],
            exception_handlers={HTTPException: _refuse},
        )

    async def healthz(self, _request: Request) -> Response:
        """Whether the server runs; open to everybody, says nothing else."""
        return JSONResponse({"ok": True}, headers=HEADERS)

    async def take(self, request: Request) -> Response:
        """Take a delivery: committed before it is answered, repeatable."""
        gateway = self._gateway_of(request)
        body = await _bounded_body(request)
        try:
            delivery = msgspec.json.decode(body, type=Delivery)
        except msgspec.ValidationError as error:
            reason, _, field = str(error).partition(" - at ")
            raise Refusal(422, field.strip("`") or "$", reason) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refusal(400, "$", f"not JSON: {error}") from error
        if delivery.gateway != gateway:
            raise Refusal(403, "$.gateway", f"this token is {gateway}'s")
        try:
            held = await run_in_threadpool(
                self.store.keep, delivery.campus, delivery.gateway, delivery.items
            )
        except CampusError as error:
            raise Refusal(503, "$", "the store refuses; try again") from error
        return Response(
            msgspec.json.encode(Receipt(held=held)), media_type="application/json", headers=HEADERS
        )

    async def campuses(self, request: Request) -> Response:
        """The page's data as JSON."""
        self._reader(request)
        today = await run_in_threadpool(self.store.today, self._settings.zone)
        return Response(
            msgspec.json.encode(
                [
                    asdict(campus)
                    | {
                        "fevers": campus.fevers,
                        "screened": campus.screened,
                        "unacknowledged": campus.unacknowledged,
                    }
                    for campus in today
                ]
            ),
            media_type="application/json",
            headers=HEADERS,
        )

    async def show(self, request: Request) -> Response:
        """The last of each campus, for a person."""
        self._reader(request)
        language = request.query_params.get("language") or (
            "en" if request.headers.get("accept-language", "").startswith("en") else None
        )
        today = await run_in_threadpool(self.store.today, self._settings.zone)
        text = page(today, self._settings.zone, language or self._settings.language)
        return HTMLResponse(text, headers=HEADERS)

    def _gateway_of(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and (gateway := self._owner(token)):
            return gateway
        raise Refusal(401, "authorization", "expected a gateway's token")

    def _reader(self, request: Request) -> None:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                name, _, token = base64.b64decode(value, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                name = token = ""
            if self._owner(token) == name and name:
                return
        elif scheme.lower() == "bearer" and self._owner(value):
            return
        raise Refusal(401, "authorization", "expected a gateway's name and token")

    def _owner(self, token: str) -> str | None:
        digest = hashlib.sha256(token.encode()).hexdigest()
        owner = None
        for gateway, expected in self._settings.tokens.items():
            # Every token is compared, so that the time tells nothing.
            if hmac.compare_digest(digest, expected):
                owner = gateway
        return owner


async def _bounded_body(request: Request) -> bytes:
    """Read a body without ever holding more than `MAX_BODY` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Refusal(413, "$", f"at most {MAX_BODY} bytes")
    return bytes(body)


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    field = error.field if isinstance(error, Refusal) else ""
    headers = dict(HEADERS)
    if error.status_code == 401:
        headers["WWW-Authenticate"] = 'Basic realm="FeverGate", charset="UTF-8"'
    return JSONResponse(
        {"error": {"field": field, "reason": error.detail}}, error.status_code, headers
    )


def serve(settings: CampusSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `SettingsError` or `CampusError`."""
    certificate, key = settings.path(settings.certificate), settings.path(settings.key)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"{certificate}, {key}: expected certificate and key: {error}"
        ) from error
    campus = Campus(settings)
    click.echo(f"campus server: https://{settings.host}:{settings.port}/")
    uvicorn.run(
        campus.app,
        host=settings.host,
        port=settings.port,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    campus.store.close()


@click.command("campus")
@settings_option("campus.toml")
def campus_command(settings_path: Path) -> None:
    """Receive the gateways' summaries and fevers over HTTPS. Runs until stopped.

    `fevergate provision --campus-server URL` makes its certificate, settings and token.
    The page shows the last of each campus; sign in with a gateway's name and token.
    """
    serve(load_campus(settings_path))
