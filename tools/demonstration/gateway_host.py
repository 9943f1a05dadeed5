"""Runs the shipped gateway on pins that write down what they do, and can press its button.

The pins are gpiozero's own mock; each change goes to a file as `seconds pin level`, where the
seconds are UTC, so that whoever checks can say what a lamp really did and when; `START` marks
a new process. Lines `press PIN` on standard input press a button.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from gpiozero.pins.mock import MockFactory, MockPin

from fevergate import flood, gateway
from fevergate.gateway_clock import GatewayClock
from fevergate.kiosk_clocks import KioskClocks
from fevergate.settings import load_gateway

FASTEST = 30.0
"""How many times as fast as the host's a kiosk's people may live (`Board`, `speed`)."""

PRESS_S = 0.15  # longer than the button's bounce time


class TracingPin(MockPin):
    """A mock pin that writes down each change."""

    trace: TextIO

    def _change_state(self, value: Any) -> bool:
        changed = super()._change_state(value)
        if changed:
            self.trace.write(f"{time.time():.6f} {self.info.name} {int(value)}\n")
            self.trace.flush()
        return changed


def press_from_stdin(factory: MockFactory) -> None:
    """Press buttons as told, until standard input ends."""
    for line in sys.stdin:
        _, number = line.split()
        pin = factory.pin(int(number))
        pin.drive_low()
        time.sleep(PRESS_S)
        pin.drive_high()


def clock_of(options: list[str]) -> Callable[[], float]:
    """UTC s as kiosks are told it: the host's; `--clock BEGIN SINCE SPEED` is another one, which
    was at BEGIN when the monotonic clock was at SINCE; `--no-clock` none that can be right."""
    if options[:1] == ["--no-clock"]:
        return lambda: 0.0
    if options[:1] == ["--clock"]:
        begin, since, speed = map(float, options[1:4])
        return lambda: begin + (time.monotonic() - since) * speed
    return time.time


def main() -> None:
    """Usage: gateway_host SETTINGS TRACE [--clock BEGIN SINCE SPEED | --no-clock]."""
    settings_path, trace_path = map(Path, sys.argv[1:3])
    gateway.KioskClocks = partial(KioskClocks, utc=clock_of(sys.argv[3:]))
    if sys.argv[3:4] == ["--clock"]:
        # A played time runs away from the host's, by which the gateway goes.
        gateway.GatewayClock = partial(GatewayClock, ahead_s=math.inf)
    flood.PER_S *= FASTEST
    with trace_path.open("a") as trace:
        TracingPin.trace = trace
        trace.write(f"{time.time():.6f} START 0\n")
        factory = MockFactory(pin_class=TracingPin)
        threading.Thread(target=press_from_stdin, args=(factory,), daemon=True).start()
        gateway.run(load_gateway(settings_path), factory)


if __name__ == "__main__":
    main()
