"""The shipped gateway on mock pins that say when they change, as `seconds pin level` lines.

The seconds are this machine's monotonic ones, which every process shares. SIGTERM ends it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin

from fevergate import lean  # noqa: F401 - before anything loads sqlite-utils
from fevergate.gateway import run
from fevergate.settings import load_gateway


class _TimedPin(MockPin):
    def _change_state(self, value: Any) -> bool:
        changed = super()._change_state(value)
        if changed:
            number = self.info.name.removeprefix("GPIO")
            # The line and its end at once: several threads drive pins.
            sys.stdout.write(f"{time.monotonic():.6f} {number} {int(value)}\n")
            sys.stdout.flush()
        return changed


def main() -> None:
    """Usage: host SETTINGS."""
    run(load_gateway(Path(sys.argv[1])), MockFactory(pin_class=_TimedPin))


if __name__ == "__main__":
    main()
