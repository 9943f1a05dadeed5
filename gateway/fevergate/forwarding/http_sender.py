"""Posting items to the campus server, and what it says of each: held, or refused and why.

Whoever sends keeps an item until the server says that it holds it; one that is refused does not
hold up the others.
"""

from __future__ import annotations

import hashlib
import logging
import ssl
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import httpx
import msgspec

from fevergate.errors import SettingsError
from fevergate.protocol.campus_messages import Receipt
from fevergate.settings.gateway import CampusServerSettings, GatewaySettings, read_secret

log = logging.getLogger(__name__)

TIMEOUT_S = 15.0
REFUSALS = (400, 413, 422)
PUT_BACK = 409


class Item(NamedTuple):
    """One summary as it lies in its sender's store, encoded."""

    key: str
    revision: int
    payload: str
    epoch: str = ""
    """Of the store whose counts these are."""


class Sent(NamedTuple):
    """What became of a delivery; what is in neither list is to be sent again."""

    held: list[Item]
    refused: list[tuple[Item, str]]

    @property
    def settled(self) -> int:
        """How many were held or refused."""
        return len(self.held) + len(self.refused)


class Sender:
    """One line to the campus server. Raises `SettingsError` where there is none in the settings;
    where its token or authority cannot be read, nothing is sent until they can be."""

    def __init__(self, settings: GatewaySettings, now: Callable[[], float] = time.time) -> None:
        server = settings.campus_server
        if server is None:
            raise SettingsError("campus_server: missing, expected url and token_file")
        self._settings = settings
        self._now = now
        self._server = server
        self._token_digest = ""
        self.epoch = ""
        """Of the store that sends."""
        self.run = ""
        self.next_serial: Callable[[], int] = lambda: 0
        """Of what is sent, by whoever counts that."""
        self.put_back = False
        """Whether the server has heard more of this store's epoch than the store has sent."""
        self._url = f"{server.url.rstrip('/')}/v1/summaries"
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
        """What tells the token that is sent from others; empty while it cannot be read."""
        try:
            self._client = self._client or self._open()
        except SettingsError as error:
            log.warning("campus server: %s", error)
        return self._token_digest

    def close(self) -> None:
        """Hang up."""
        if self._client:
            self._client.close()

    def send(self, items: Sequence[Item]) -> Sent:
        """Post items of one epoch; a server that is away or fails is no error: nothing is held.

        What waited when a store's epoch ended goes as that epoch's, without a run: those are counts
        at their own revisions, which the server takes unless it holds later ones.
        """
        epoch = items[0].epoch if items else self.epoch
        # The items as they lie in the outbox: one that does not validate any more is the
        # server's to refuse, not ours to stumble over.
        delivery = {
            "v": 1,
            "campus": self._settings.campus,
            "gateway": self._settings.gateway,
            "sent_at": self._now(),
            "epoch": epoch,
            "run": self.run if epoch == self.epoch else "",
            "serial": self.next_serial(),
            "items": [msgspec.Raw(item.payload.encode()) for item in items],
        }
        try:
            self._client = self._client or self._open()
            answer = self._client.post(self._url, content=msgspec.json.encode(delivery))
        except (httpx.HTTPError, SettingsError) as error:
            log.warning("campus server: %s", error)
            return Sent([], [])
        if answer.status_code == PUT_BACK and b'"$.epoch"' in answer.content:
            self.put_back = True
            return Sent([], [])
        if answer.status_code in REFUSALS:
            return self._without_what_is_refused(items, answer.text)
        if answer.status_code != 200:
            log.warning("campus server: %d %s", answer.status_code, answer.text[:200])
            return Sent([], [])
        try:
            held = set(msgspec.json.decode(answer.content, type=Receipt).held)
        except msgspec.MsgspecError as error:
            log.warning("campus server: answer not understood: %s", error)
            return Sent([], [])
        return Sent([item for item in items if item.key in held], [])

    def _without_what_is_refused(self, items: Sequence[Item], why: str) -> Sent:
        """Find it by halves, so that it does not hold up the others."""
        if len(items) == 1:
            log.error("campus server refuses %s: %s", items[0].key, why[:200])
            return Sent([], [(items[0], why[:500])])
        half = len(items) // 2
        first = self.send(items[:half])
        if first.settled < half:
            return first
        second = self.send(items[half:])
        return Sent(first.held + second.held, first.refused + second.refused)


def campus_context(settings: GatewaySettings, server: CampusServerSettings) -> ssl.SSLContext:
    """Verifies the campus server by the settings' authority, or the system's."""
    ca = str(settings.path(server.ca)) if server.ca else None
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"{ca}: expected a PEM certificate of the authority: {error}"
        ) from error
