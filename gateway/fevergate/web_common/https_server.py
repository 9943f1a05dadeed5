"""Serves a web application over HTTPS, with limits on connections and on slow requests."""

import asyncio
import logging
import ssl
from collections import Counter
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar

import click
import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from fevergate.errors import SettingsError
from fevergate.web_common.accounts import Accounts

MAX_CONNECTIONS = 1000
"""Most connections; a request beyond them is answered with 503."""

MAX_PER_ADDRESS = 256
"""Most connections of one IPv4 address or IPv6 network (/64), behind which a whole campus may be.
They suffice for forty browsers and leave three quarters for others. Loopback (a proxy) is not
limited."""

REQUEST_TIMEOUT_S = 30.0
"""A connection whose request is not complete after this time (s) is closed."""

_INCOMPLETE = (h11.IDLE, h11.SEND_BODY)

log = logging.getLogger(__name__)


def serve(
    app: Any, accounts: Accounts, name: str, host: str, port: int, certificate: Path, key: Path
) -> None:
    """Print the address of the pages and, if there is no administrator yet, a code; then serve
    until SIGTERM or SIGINT. Call `check_certificate` first."""
    click.echo(f"{name}: https://{host}:{port}/")
    if accounts.empty:
        click.echo(f"one-time code for the first administrator: {accounts.invite()}")
    uvicorn.run(
        app,
        host=host,
        port=port,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        http=BoundedProtocol,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=1,
        limit_concurrency=MAX_CONNECTIONS,
    )


def check_certificate(certificate: Path, key: Path) -> None:
    """Check that the files are a certificate and its key. Raises `SettingsError`."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"{certificate}, {key}: expected certificate and key; `fevergate provision` makes"
            f" them: {error}"
        ) from error


class BoundedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol with the two limits that it lacks: a timeout for a request, and a
    maximum of connections per address."""

    _connections: ClassVar[Counter[str]] = Counter()
    _client_key: str = ""
    _timeout: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._client_key = _key_of(self.client[0]) if self.client else ""
        if self._client_key:
            self._connections[self._client_key] += 1
            if self._connections[self._client_key] > MAX_PER_ADDRESS:
                if self._connections[self._client_key] == MAX_PER_ADDRESS + 1:
                    log.warning("%s: more than %d connections", self._client_key, MAX_PER_ADDRESS)
                transport.abort()
        self._watch_timeout()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_timeout()
        if self._client_key:
            self._connections[self._client_key] -= 1
            if not self._connections[self._client_key]:
                del self._connections[self._client_key]

    def _watch_timeout(self) -> None:
        if self.conn.their_state not in _INCOMPLETE or self.transport.is_closing():
            self._stop_timeout()
        elif self._timeout is None:
            self._timeout = self.loop.call_later(REQUEST_TIMEOUT_S, self.transport.abort)

    def _stop_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None


def _key_of(address: str) -> str:
    """The key under which an address is counted: itself or its /64 network; empty if not
    counted."""
    try:
        number = ip_address(address)
    except ValueError:
        return ""
    if number.is_loopback:
        return ""
    if number.version == 6:
        return ":".join(number.exploded.split(":")[:4])
    return str(number)
