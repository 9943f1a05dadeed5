"""The shipped gateway on gpiozero's mock pins, which says when they change.

A line `SECONDS pin NUMBER LEVEL` on standard output for each change, in this machine's monotonic
seconds, which every process shares; lines `press NUMBER` on standard input press a button. SIGTERM
ends it.
"""

import argparse
import math
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin

from fevergate.clock.judge import GatewayClock
from fevergate.gateway import flood_guard, process, service
from fevergate.gateway.kiosk_time import KioskClocks
from fevergate.settings.gateway import load_gateway

PRESS_S = 0.15
"""Duration of a press, longer than the button's bounce time."""


def say(text: str) -> None:
    """Write a line in one call, because several threads drive pins."""
    sys.stdout.write(f"{time.monotonic():.6f} {text}\n")
    sys.stdout.flush()


class TimedPin(MockPin):
    """A mock pin that prints each change."""

    def _change_state(self, value: Any) -> bool:
        changed = super()._change_state(value)
        if changed:
            say(f"pin {self.info.name.removeprefix('GPIO')} {int(value)}")
        return changed


def press_from_stdin(factory: MockFactory) -> None:
    """Press the buttons named on standard input until it ends."""
    for line in sys.stdin:
        pin = factory.pin(int(line.split()[1]))
        pin.drive_low()
        time.sleep(PRESS_S)
        pin.drive_high()


def play_clock(begin: float, since: float, speed: float) -> None:
    """Give kiosks a time that was `begin` (Unix s) at the monotonic time `since`, and that runs
    `speed` times as fast as the host's."""
    service.KioskClocks = partial(
        KioskClocks, utc=lambda: begin + (time.monotonic() - since) * speed
    )
    # The gateway itself keeps the host's time, from which the simulated time departs.
    service.GatewayClock = partial(GatewayClock, ahead_s=math.inf)


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", type=Path)
    parser.add_argument("--clock", type=float, nargs=3, metavar=("BEGIN", "SINCE", "SPEED"))
    parser.add_argument("--no-clock", action="store_true", help="the host's is not to be believed")
    parser.add_argument("--people-speed", type=float, default=1.0, help="times the host's")
    arguments = parser.parse_args()
    if arguments.clock:
        play_clock(*arguments.clock)
    elif arguments.no_clock:
        service.KioskClocks = partial(KioskClocks, utc=lambda: 0.0)  # a date no clock can have
    flood_guard.READINGS_PER_S *= arguments.people_speed
    factory = MockFactory(pin_class=TimedPin)
    threading.Thread(target=press_from_stdin, args=(factory,), daemon=True).start()
    process.run(load_gateway(arguments.settings), factory)


if __name__ == "__main__":
    main()
