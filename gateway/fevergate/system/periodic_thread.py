"""A thread that does its work in rounds until it is stopped."""

import logging
import sqlite3
import threading
from collections.abc import Callable

from fevergate.errors import FeverGateError

log = logging.getLogger(__name__)


class PeriodicThread(threading.Thread):
    """Calls `tick` again and again, `every_s` apart, from `start` to `stop`.

    An exception of `tick` is logged, and the next round comes as usual. Pass `tick`, or override it
    in a subclass; a `tick` that takes long returns early once `stopping` is set.
    """

    def __init__(
        self,
        name: str,
        every_s: float,
        tick: Callable[[], float | None] | None = None,
        *,
        first_s: float = 0.0,
    ) -> None:
        """`first_s`: time from `start` to the first round."""
        super().__init__(name=name, daemon=True)
        self.stopping = threading.Event()
        self._every_s = every_s
        self._first_s = first_s
        self._tick = tick

    def stop(self) -> None:
        """End after the present round; no effect on a thread that was not started."""
        self.stopping.set()
        if self.is_alive():
            self.join()

    def tick(self) -> float | None:
        """Do one round; returns the time until the next one (s), or None for `every_s`."""
        return self._tick() if self._tick else None

    def run(self) -> None:
        """Do one round after the other."""
        wait_s = self._first_s
        while not self.stopping.wait(wait_s):
            wait_s = self._every_s
            try:
                next_s = self.tick()
                wait_s = self._every_s if next_s is None else next_s
            except (FeverGateError, sqlite3.Error) as error:
                log.error("%s: %s", self.name, error)
            except Exception:
                log.exception("%s", self.name)
