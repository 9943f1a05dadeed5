"""A simulated guard who presses the acknowledge button of a red gate."""

import time
from collections.abc import Callable

from fevergate.system.periodic_thread import PeriodicThread

LOOK_S = 0.6


class Guard(PeriodicThread):
    """Presses each button in `lit()` once its lamp has been red for `after_s`."""

    def __init__(
        self, lit: Callable[[], list[int]], press: Callable[[int], None], after_s: float
    ) -> None:
        super().__init__("guard", LOOK_S, first_s=LOOK_S)
        self._lit = lit
        self._press = press
        self._after_s = after_s
        self._since: dict[int, float] = {}

    def tick(self) -> None:
        now = time.monotonic()
        self._since = {button: self._since.get(button, now) for button in self._lit()}
        for button, lit_at in self._since.items():
            if now - lit_at >= self._after_s:
                self._press(button)
