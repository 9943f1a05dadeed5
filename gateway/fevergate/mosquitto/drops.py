"""Decides whether messages that the broker dropped may have been for the gateway.

mosquitto counts the messages that it dropped for all its clients, such as a web application that is
off for days. It drops the gateway's messages only when the gateway's queue is full
(`broker_files.MAX_QUEUED`). A gateway that reconnects to a full queue receives all of it at once.
"""

import time
from collections.abc import Callable

from fevergate.mosquitto.broker_files import MAX_QUEUED

WINDOW_S = 60.0
"""Interval for which the numbers of received and dropped messages are compared."""

QUEUE_FULL = MAX_QUEUED // 2
"""This many messages received in one interval mean that the queue was full. It is half the queue's
size, because the queue is also limited in bytes."""

SHOWN_S = 600.0
"""How long a gate stays amber after a loss."""


class Drops:
    """Compares the broker's count of dropped messages with `received`, which the receiver of
    messages counts up."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.received = 0
        self.dropped = 0
        """The broker's count of dropped messages since its start, for all clients."""
        self._missed = 0
        self._missed_at = now() - SHOWN_S
        self._window_at = now()
        self._received_before = 0
        self._dropped_before = 0

    def up(self) -> None:
        """Begin an interval at a reconnect. The broker may have dropped our messages while we were
        away, so its earlier count is kept for comparison."""
        self._window_at = self._now()
        self._received_before = self.received

    def count(self, dropped: int) -> None:
        """Take the broker's count, which begins at zero when the broker restarts."""
        self._dropped_before = min(self._dropped_before, dropped)
        self.dropped = dropped

    def words(self) -> str | None:
        """The amber line that is shown for `SHOWN_S` after a loss, or None; to be called about once
        a second."""
        now = self._now()
        missed = self.dropped - self._dropped_before
        if missed and self.received - self._received_before >= QUEUE_FULL:
            self._missed, self._missed_at = missed, now
            self._dropped_before = self.dropped
        if now - self._window_at >= WINDOW_S:
            self._window_at = now
            self._received_before, self._dropped_before = self.received, self.dropped
        lately = now - self._missed_at < SHOWN_S
        return f"broker dropped {self._missed} messages" if lately else None
