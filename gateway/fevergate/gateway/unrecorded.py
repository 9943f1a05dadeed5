"""Counts acknowledgements that were confirmed to a guard but are not on disk yet."""

from collections import Counter
from collections.abc import Callable
from threading import Lock


class UnrecordedAcknowledgements:
    """Number of unrecorded acknowledgements of each gate; thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: Counter[str] = Counter()
        self._shown_gates: set[str] = set()

    def begin(self, gate: str) -> Callable[[], None]:
        """Count an acknowledgement; call the returned function once it is on disk."""
        with self._lock:
            self._waiting[gate] += 1

        def recorded() -> None:
            with self._lock:
                self._waiting[gate] -= 1

        return recorded

    def gates(self, refusing: bool) -> set[str]:
        """Return the gates that must show an unrecorded acknowledgement.

        An acknowledgement that was unrecorded while the disk was `refusing` is shown until it is
        recorded. The moment that a working disk needs to record one is not shown.
        """
        with self._lock:
            waiting = {gate for gate, count in self._waiting.items() if count}
        self._shown_gates = waiting if refusing else waiting & self._shown_gates
        return self._shown_gates
