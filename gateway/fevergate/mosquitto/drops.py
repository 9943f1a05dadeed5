"""Decides whether messages that the broker dropped may have been for the gateway.

mosquitto counts the messages it dropped for all its clients, such as a web application that is off
for days. For the gateway it drops only beyond a full queue (`broker_files.MAX_QUEUED`), and a
gateway that reconnects to a full queue receives all of it at once.
"""

import time
from collections.abc import Callable

from fevergate.mosquitto.broker_files import MAX_QUEUED

WINDOW_S = 60.0
"""Interval in which messages received and dropped are compared."""

QUEUE_FULL = MAX_QUEUED // 2
"""Messages received in one window that mean a full queue: half, as it is also limited in bytes."""

SHOWN_S = 600.0
"""How long a gate stays amber after a loss."""


class Drops:
    """Compares the broker's count with `received`, which the receiver of messages counts up."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.received = 0
        self.dropped = 0
        """The broker's count since its start, for all clients."""
        self._missed = 0
        self._missed_at = now() - SHOWN_S
        self._window_at = now()
        self._received_before = 0
        self._dropped_before = 0

    def up(self) -> None:
        """Begin a window at a reconnect: drops while we were away may have been ours."""
        self._window_at = self._now()
        self._received_before = self.received

    def count(self, dropped: int) -> None:
        """Take the broker's count, which begins at zero when it restarts."""
        self._dropped_before = min(self._dropped_before, dropped)
        self.dropped = dropped

    def words(self) -> str | None:
        """The amber line after a loss, for `SHOWN_S`; to be called about once a second."""
        now = self._now()
        more = self.dropped - self._dropped_before
        if more and self.received - self._received_before >= QUEUE_FULL:
            self._missed, self._missed_at = more, now
            self._dropped_before = self.dropped
        if now - self._window_at >= WINDOW_S:
            self._window_at = now
            self._received_before, self._dropped_before = self.received, self.dropped
        lately = now - self._missed_at < SHOWN_S
        return f"broker dropped {self._missed} messages" if lately else None
