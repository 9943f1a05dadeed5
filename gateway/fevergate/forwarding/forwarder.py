"""Forwards summaries and fevers to the campus server until it confirms each of them.

The store's writer thread puts changes into the outbox (`storage.outbox`). The thread in this module
sends them, and retries for as long as the server cannot be reached.
"""

import random
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from fevergate.forwarding.http_sender import Item, SummarySender
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage import epochs
from fevergate.storage.outbox import materialise
from fevergate.storage.store import Store
from fevergate.system.periodic_thread import PeriodicThread

BATCH = 100
"""Most items of one delivery."""

BACKOFF_MIN_S = 1.0
BACKOFF_MAX_S = 300.0
REFUSED_S = 3600.0
"""An item that the server refused is sent again after this time, which doubles with each refusal,
and at each start of the gateway."""

REFUSED_MAX_S = 86_400.0

GIVE_UP = 20
"""After this many refusals, in about two weeks, an item is sent again only at a start of the
gateway or when it has changed. It stays in the outbox, and `fevergate doctor` names it."""

NEVER = 2.0**53

Submit = Callable[[Callable[[Store], Any]], "Future[Any]"]


class CampusThread(PeriodicThread):
    """Sends what is due in each round; the waits between rounds grow while the campus server fails.

    Raises `SettingsError` without [campus_server].
    """

    def __init__(self, settings: GatewaySettings, now: Callable[[], float]) -> None:
        self._sender = SummarySender(settings, now)
        assert settings.campus_server  # noqa: S101 - the sender has checked it
        self._server = settings.campus_server
        super().__init__("forward", self._server.every_s)
        self._settings = settings
        self._now = now
        self._failures = 0

    def stop(self) -> None:
        """End the thread; unsent items are sent after the next start."""
        super().stop()
        self._sender.close()

    def tick(self) -> float | None:
        """Send what is due; returns how long to wait (s) if the server failed."""
        self._failures = 0 if self.once() else self._failures + 1
        return max(self._server.every_s, backoff_s(self._failures)) if self._failures else None

    def once(self) -> bool:
        """Send all that is due; returns whether none is left."""
        raise NotImplementedError


class Forwarder(CampusThread):
    """Sends the outbox.

    `submit` calls a function with the store in the writer thread. A day is reported as over only
    while the clock `now` is `believed`.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        submit: Submit,
        now: Callable[[], float] = time.time,
        believed: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(settings, now)
        self._submit = submit
        self._believed = believed
        self._begun = False

    def once(self) -> bool:
        """Put changes into the outbox and send all due items; returns whether none is left.

        Raises the store's errors; a failing campus server causes no error.
        """
        if not self._begun:
            self._submit(_try_once_more).result()
            self._begun = True
        if token := self._sender.token_digest:
            self._submit(lambda store: epochs.note_token(store, token, self._now())).result()
        while self._submit(self._materialise).result():
            pass
        self._sender.epoch = self._submit(lambda store: epochs.epoch_of(store.db)).result()
        while True:
            due = self._submit(lambda store: _due(store, self._now())).result()
            if not due:
                return True
            if not self._send(due):
                return False

    def _materialise(self, store: Store) -> bool:
        return materialise(store, self._settings, self._now(), believed=self._believed())

    def _send(self, due: list[Item]) -> bool:
        """Send one delivery; returns whether the server stored or refused every item."""
        sent = self._sender.send(due)
        if sent.held:
            self._submit(lambda store: _forget(store, sent.held)).result()
        if sent.refused:
            now = self._now()
            self._submit(lambda store: _postpone(store, sent.refused, now)).result()
        return sent.settled == len(due)


def backoff_s(failures: int) -> float:
    """Seconds to wait after this many failures in a row, with random jitter."""
    ceiling = min(BACKOFF_MAX_S, BACKOFF_MIN_S * 2 ** min(failures, 9))
    return ceiling * random.uniform(0.5, 1)  # noqa: S311


def _due(store: Store, now: float) -> list[Item]:
    """The next items to send, all of one epoch, fevers first."""
    order = "order by key not like 'fever/%', created_at"
    return [
        Item(*row)
        for row in store.db.execute(
            "select key, revision, payload, epoch, (select corrected_by from epochs e"  # noqa: S608 - constants
            " where e.name = epoch) from outbox where next_at <= ? and epoch ="
            f" (select epoch from outbox where next_at <= ? {order} limit 1) {order} limit ?",
            (now, now, BATCH),
        )
    ]


def _forget(store: Store, items: list[Item]) -> None:
    with store.transaction():
        store.db.conn.executemany(
            "delete from outbox where epoch = ? and key = ? and revision = ?",
            [(item.epoch, item.key, item.revision) for item in items],
        )


def _postpone(store: Store, refused: list[tuple[Item, str]], now: float) -> None:
    """Keep refused items, with the reason for `fevergate doctor`, until they are sent again."""
    with store.transaction():
        store.db.conn.executemany(
            "update outbox set attempts = attempts + 1, refused = ?, next_at = iif("
            " attempts + 1 >= ?, ?, ? + min(?, ? * (1 << min(attempts, 20))))"
            " where epoch = ? and key = ?",
            [
                (why, GIVE_UP, NEVER, now, REFUSED_MAX_S, REFUSED_S, item.epoch, item.key)
                for item, why in refused
            ],
        )


def _try_once_more(store: Store) -> None:
    """Make refused items due: a person who has removed the cause may have restarted the gateway."""
    with store.transaction():
        store.db.execute("update outbox set next_at = 0 where next_at > 0")
