"""Posts summaries to the campus server, which stores or refuses each item.

The caller keeps an item until the server has stored it. A refused item does not delay the others.
"""

import hashlib
import logging
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeVar

import httpx
import msgspec
from msgspec import Struct

from fevergate.errors import SettingsError
from fevergate.protocol.campus_messages import MOST_CORRECTIONS, GivenNames, Receipt
from fevergate.settings.gateway import CampusServerSettings, GatewaySettings, load_gateway
from fevergate.settings.settings_file import read_secret

log = logging.getLogger(__name__)

T = TypeVar("T")

TIMEOUT_S = 15.0
REFUSALS = (400, 413, 422)
"""HTTP statuses of the answer if at least one item of a delivery is invalid."""

_NOT_UNDERSTOOD = (msgspec.MsgspecError, UnicodeDecodeError)
"""Errors of decoding an answer; msgspec raises `UnicodeDecodeError` for text that is not UTF-8."""


class Item(NamedTuple):
    """One encoded summary, as it is stored in the outbox."""

    key: str
    revision: int
    payload: str
    epoch: str = ""
    """Epoch in which the data that the summary counts arrived."""
    corrected_by: str | None = ""
    """Later epochs in which `epoch` was corrected, separated by spaces."""


class SendResult(NamedTuple):
    """Outcome of a delivery: the server has stored the items `held`; items in neither list must be
    sent again."""

    held: list[Item]
    refused: list[tuple[Item, str]]

    @property
    def settled(self) -> int:
        """Number of items that the server stored or refused."""
        return len(self.held) + len(self.refused)


class SummarySender:
    """HTTP client for the campus server; raises `SettingsError` without [campus_server].

    Nothing is sent while the token or the authority's certificate cannot be read.
    """

    def __init__(self, settings: GatewaySettings, now: Callable[[], float] = time.time) -> None:
        server = settings.campus_server
        if server is None:
            raise SettingsError("campus_server: missing, expected url and token_file")
        self._settings = settings
        self._now = now
        self._server = server
        self._token_digest = ""
        self.epoch = ""
        """The current epoch of our store."""
        self._base = server.url.rstrip("/")
        self._url = f"{self._base}/v1/summaries"
        self._client: httpx.Client | None = None

    def _open(self) -> httpx.Client:
        token = read_secret(self._settings.path(self._server.token_file))
        self._token_digest = hashlib.sha256(token.encode()).hexdigest()
        return httpx.Client(
            verify=campus_context(self._settings, self._server),
            timeout=TIMEOUT_S,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )

    @property
    def token_digest(self) -> str:
        """SHA-256 of our token in hex; empty while the token cannot be read."""
        try:
            self._client = self._client or self._open()
        except SettingsError as error:
            log.warning("campus server: %s", error)
        return self._token_digest

    def close(self) -> None:
        """Close the HTTP connection."""
        if self._client:
            self._client.close()

    def send(self, items: Sequence[Item]) -> SendResult:
        """Post items of one epoch. If the server fails or cannot be reached, `held` is empty."""
        # Items are sent as they are in the outbox, without decoding: an item that an older release
        # made may be invalid now. The server refuses such an item; it must not stop others here.
        delivery = {
            "v": 1,
            "campus": self._settings.campus,
            "gateway": self._settings.gateway,
            "sent_at": self._now(),
            "epoch": items[0].epoch,
            "corrected_by": (items[0].corrected_by or "").split()[-MOST_CORRECTIONS:],
            "present": self.epoch,
            "names": given_names(self._settings),
            "items": [msgspec.Raw(item.payload.encode()) for item in items],
        }
        try:
            self._client = self._client or self._open()
            answer = self._client.post(self._url, content=msgspec.json.encode(delivery))
        except (httpx.HTTPError, SettingsError) as error:
            log.warning("campus server: %s", error)
            return SendResult([], [])
        if answer.status_code in REFUSALS:
            return self._without_what_is_refused(items, answer)
        if answer.status_code != 200:
            log.warning("campus server: %d %s", answer.status_code, answer.text[:200])
            self._forget_token(answer)
            return SendResult([], [])
        try:
            keys = set(msgspec.json.decode(answer.content, type=Receipt).held)
        except _NOT_UNDERSTOOD as error:
            log.warning("campus server: answer not understood: %s", error)
            return SendResult([], [])
        return SendResult([item for item in items if item.key in keys], [])

    def get(self, path: str, answer: type[T], most: int) -> T | None:
        """The server's answer to a GET of a path, of at most `most` bytes. None if the server
        fails, cannot be reached or does not know the path, or if the answer is not understood."""
        try:
            self._client = self._client or self._open()
            with self._client.stream("GET", f"{self._base}{path}") as response:
                if response.status_code != 200:
                    log.warning("campus server: %s: %d", path, response.status_code)
                    self._forget_token(response)
                    return None
                body = b""
                for part in response.iter_bytes():
                    body += part
                    if len(body) > most:
                        log.warning("campus server: %s: more than %d bytes", path, most)
                        return None
        except (httpx.HTTPError, SettingsError) as error:
            log.warning("campus server: %s", error)
            return None
        try:
            return msgspec.json.decode(body, type=answer)
        except _NOT_UNDERSTOOD as error:
            log.warning("campus server: %s: answer not understood: %s", path, error)
            return None

    def _forget_token(self, answer: httpx.Response) -> None:
        """If the server does not accept our token, read it anew before the next delivery: the token
        may have been replaced."""
        if answer.status_code == 401 and self._client:
            log.error("campus server: does not take our token; see fevergate doctor")
            self._client.close()
            self._client = None

    def _without_what_is_refused(self, items: Sequence[Item], answer: httpx.Response) -> SendResult:
        """Send the items again without the refused ones. The server's answer names the refused
        items; if it names none, bisection finds them."""
        error = _error_in(answer.content)
        why = f"{error.field}: {error.reason}" if error.reason else answer.text
        refused_numbers = {0} if len(items) == 1 else _named(error, len(items))
        if refused_numbers:
            refused = [(items[number], why[:500]) for number in sorted(refused_numbers)]
            log.error(
                "campus server refuses %s (%d): %s",
                refused[0][0].key,
                len(refused_numbers),
                why[:200],
            )
            others = [item for number, item in enumerate(items) if number not in refused_numbers]
            sent = self.send(others) if others else SendResult([], [])
            return SendResult(sent.held, refused + sent.refused)
        half = len(items) // 2
        first = self.send(items[:half])
        if first.settled < half:
            return first
        second = self.send(items[half:])
        return SendResult(first.held + second.held, first.refused + second.refused)


class _Error(Struct):
    field: str = "$"
    reason: str = ""
    items: list[int] = []


class _Answer(Struct):
    error: _Error


def _error_in(answer: bytes) -> _Error:
    """The error that an answer describes; one without a reason if it is not understood."""
    try:
        return msgspec.json.decode(answer, type=_Answer).error
    except _NOT_UNDERSTOOD:
        return _Error()


def _named(error: _Error, count: int) -> set[int]:
    """Indexes of the refused items, of `count` in all, that an error names; empty if it names none
    or an impossible one."""
    numbers = set(error.items)
    return numbers if numbers <= set(range(count)) else set()


def given_names(settings: GatewaySettings) -> GivenNames:
    """The names of gates and kiosks for the campus server. They are read anew from gateway.toml,
    because the pages can change them while the gateway runs. If the file cannot be read, the names
    in `settings` hold."""
    with suppress(SettingsError):
        settings = load_gateway(settings.path("gateway.toml"))
    chinese, english = settings.names("zh"), settings.names("en")
    return GivenNames(
        gates={name: (title, english.gate(name)) for name, title in chinese.gates.items() if title},
        kiosks={
            name: (title, english.kiosk(name)) for name, title in chinese.kiosks.items() if title
        },
    )


def campus_context(settings: GatewaySettings, server: CampusServerSettings) -> ssl.SSLContext:
    """TLS context that trusts the certificate authority of the settings or, if they name none, the
    system's. Raises `SettingsError`."""
    ca = str(settings.path(server.ca)) if server.ca else None
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # `SSLError` is a subclass
        raise SettingsError(
            f"{ca}: expected a PEM certificate of the authority: {error}"
        ) from error
