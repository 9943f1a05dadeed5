"""A simulated guard who presses the acknowledge button of a red gate."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LOOK_S = 0.6


class Guard(threading.Thread):
    """Presses each button in `lit()` once its lamp has been red for `after_s`."""

    def __init__(
        self, lit: Callable[[], list[int]], press: Callable[[int], None], after_s: float
    ) -> None:
        super().__init__(name="guard", daemon=True)
        self._lit = lit
        self._press = press
        self._after_s = after_s
        self._off_duty = threading.Event()

    def run(self) -> None:
        since: dict[int, float] = {}
        while not self._off_duty.wait(LOOK_S):
            now = time.monotonic()
            since = {button: since.get(button, now) for button in self._lit()}
            for button, lit_at in since.items():
                if now - lit_at >= self._after_s:
                    self._press(button)

    def go_home(self) -> None:
        """Stop and wait for the thread."""
        self._off_duty.set()
        self.join()
