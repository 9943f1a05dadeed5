"""Acknowledgements that a guard was confirmed and the disk has not recorded yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Lock


class Unrecorded:
    """Counts them by gate; calls come from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: Counter[str] = Counter()
        self._told: set[str] = set()

    def begin(self, gate: str) -> Callable[[], None]:
        """A guard acknowledged; returns what is to be called once that is on disk."""
        with self._lock:
            self._waiting[gate] += 1

        def recorded() -> None:
            with self._lock:
                self._waiting[gate] -= 1

        return recorded

    def tell(self, refusing: bool) -> set[str]:
        """The gates whose people are to be told, while the disk is `refusing` and then until what
        waited is recorded: a disk at work needs a moment, too, of which nobody is told."""
        with self._lock:
            waiting = {gate for gate, count in self._waiting.items() if count}
        self._told = waiting if refusing else waiting & self._told
        return self._told
