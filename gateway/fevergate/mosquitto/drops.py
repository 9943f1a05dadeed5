"""Whether what the broker dropped may have been the gateway's.

mosquitto counts what it dropped for any of its clients, such as pages that are off for days. For
the gateway it drops only beyond a full queue (`broker_files.MAX_QUEUED`), and a gateway that comes
back to a full queue is sent all of it at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from fevergate.mosquitto.broker_files import MAX_QUEUED

WINDOW_S = 60.0
FULL = MAX_QUEUED // 2
"""Messages within a window that only a queue brings, which may have been full: the half, since it
is bounded in bytes, too."""

SAID_S = 600.0
"""How long a gate is amber for it."""


class Drops:
    """`received` is for whoever takes messages to count up."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.received = 0
        self.dropped = 0
        """The broker's own count since it started, whoever they were for."""
        self._missed = 0
        self._missed_at = now() - SAID_S
        self._window_at = now()
        self._received_before = 0
        self._dropped_before = 0

    def up(self) -> None:
        """The line is up anew; what was dropped while it was not may have been ours."""
        self._window_at = self._now()
        self._received_before = self.received

    def count(self, dropped: int) -> None:
        """Take the broker's count; one that starts anew counts from zero."""
        self._dropped_before = min(self._dropped_before, dropped)
        self.dropped = dropped

    def words(self) -> str | None:
        """What the gateway may have missed, for `SAID_S`; ask about once a second."""
        now = self._now()
        more = self.dropped - self._dropped_before
        if more and self.received - self._received_before >= FULL:
            self._missed, self._missed_at = more, now
            self._dropped_before = self.dropped
        if now - self._window_at >= WINDOW_S:
            self._window_at = now
            self._received_before, self._dropped_before = self.received, self.dropped
        lately = now - self._missed_at < SAID_S
        return f"broker dropped {self._missed} messages" if lately else None
