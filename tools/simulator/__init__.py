"""A kiosk without hardware: the shipped firmware on real MicroPython, in a virtual world.

`Board` runs the firmware and owns the parts around it. Each part also works by itself, such as the
virtual sensor with another driver. Times are simulated milliseconds unless noted otherwise.
"""

from simulator.board import Board
from simulator.bus import VirtualBus
from simulator.card_reader import ReaderFault, VirtualReader
from simulator.display import VirtualSSD1306
from simulator.errors import (
    BoardDiedError,
    BusTimeoutError,
    NotAcknowledgedError,
    SimulatorError,
)
from simulator.faults import Fault
from simulator.panel import panel_svg
from simulator.physics import View
from simulator.population import built_in_crowd
from simulator.sensor import VirtualMLX90614
from simulator.tapping import Tap, Taps
from simulator.visitor import Habits, Visit

__all__ = [
    "Board",
    "BoardDiedError",
    "BusTimeoutError",
    "Fault",
    "Habits",
    "NotAcknowledgedError",
    "ReaderFault",
    "SimulatorError",
    "Tap",
    "Taps",
    "View",
    "VirtualBus",
    "VirtualMLX90614",
    "VirtualReader",
    "VirtualSSD1306",
    "Visit",
    "built_in_crowd",
    "panel_svg",
]
