"""Records, over all runs of the gateway, when a gate's lamps were lit and what its boards were
told."""

import json
import threading
from collections.abc import Callable

from fevergate.alarm.gpio_pins import GATES
from fevergate.protocol.messages import Identity

RED, AMBER = (GATES["gate1"][name] for name in ("red", "amber"))


class Witness:
    """Reads the lines that `gateway_host` prints. Times are this machine's monotonic seconds."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._high: set[int] = set()
        self._amber: list[str] = []
        self.red_at: dict[Identity, float] = {}
        """When each fever was first announced while red was lit."""
        self.life_red_at: float | None = None
        """When this run of the gateway first lit red for a fever that no run had lit before."""
        self.life_disk_at: float | None = None
        """When this run of the gateway first lit amber for a reason that begins with "disk"."""

    def heard(self, line: str) -> None:
        """Take one line that the gateway printed."""
        at, kind, text = line.split(" ", 2)
        with self._changed:
            if kind == "pin":
                number, level = map(int, text.split())
                (self._high.add if level else self._high.discard)(number)
            else:
                fever, self._amber = json.loads(text)
                if fever and RED in self._high:
                    self._lit(Identity(*fever), float(at))
            disk = any(word.startswith("disk") for word in self._amber)
            if AMBER in self._high and disk and self.life_disk_at is None:
                self.life_disk_at = float(at)
            self._changed.notify_all()

    def dies(self) -> None:
        """Call when the gateway has ended: forgets its lamps and the times of its run."""
        with self._changed:
            self._high, self._amber = set(), []
            self.life_red_at = self.life_disk_at = None
            self._changed.notify_all()

    def wait(self, condition: Callable[[], bool], patience_s: float) -> bool:
        """Wait until a condition holds; False if it does not within `patience_s`."""
        with self._changed:
            return self._changed.wait_for(condition, patience_s)

    def _lit(self, fever: Identity, at: float) -> None:
        if fever not in self.red_at:
            self.red_at[fever] = at
            self.life_red_at = self.life_red_at or at
