"""Serves pages over HTTPS: who leaves requests unfinished, or opens many, holds nobody up."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from fevergate.errors import SettingsError

MOST_CONNECTIONS = 1000
"""Who comes then gets 503."""

MOST_PER_ADDRESS = 256
"""Of one address, or of one IPv6 network (/64), behind which a whole campus may be: enough for
forty browsers, and three quarters are left for others. A proxy on this machine is not counted."""

REQUEST_S = 30.0
"""A request has arrived by then, all of it."""

_NOT_DONE = (h11.IDLE, h11.SEND_BODY)

log = logging.getLogger(__name__)


def serve(app: Any, host: str, port: int, certificate: Path, key: Path) -> None:
    """Serve until SIGTERM or SIGINT; see `check_certificate` first."""
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
        limit_concurrency=MOST_CONNECTIONS,
    )


def check_certificate(certificate: Path, key: Path) -> None:
    """Raises `SettingsError` where they are not a certificate and its key."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"{certificate}, {key}: expected certificate and key; `fevergate provision` makes"
            f" them: {error}"
        ) from error


class BoundedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which waits for the end of a request for ever, and counts nobody's."""

    _open: ClassVar[Counter[str]] = Counter()
    _whom: str = ""
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._whom = _counted(self.client[0]) if self.client else ""
        if self._whom:
            self._open[self._whom] += 1
            if self._open[self._whom] > MOST_PER_ADDRESS:
                if self._open[self._whom] == MOST_PER_ADDRESS + 1:
                    log.warning("%s: more than %d connections", self._whom, MOST_PER_ADDRESS)
                transport.abort()
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_waiting()
        if self._whom:
            self._open[self._whom] -= 1
            if not self._open[self._whom]:
                del self._open[self._whom]

    def _wait(self) -> None:
        if self.conn.their_state not in _NOT_DONE or self.transport.is_closing():
            self._stop_waiting()
        elif self._patience is None:
            self._patience = self.loop.call_later(REQUEST_S, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def _counted(address: str) -> str:
    """Whom an address is counted as; "" where it is not."""
    try:
        number = ip_address(address)
    except ValueError:
        return ""
    if number.is_loopback:
        return ""
    if number.version == 6:
        return ":".join(number.exploded.split(":")[:4])
    return str(number)
