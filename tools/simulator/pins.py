"""Reads the kiosk's pin numbers from the table of boards."""

from dataclasses import dataclass
from pathlib import Path

from hardware_build.boards import TABLE, load
from hardware_build.errors import HardwareError
from simulator.errors import SimulatorError


@dataclass(frozen=True)
class KioskPins:
    """GPIO numbers of a board."""

    sda: int
    scl: int
    green: int
    amber: int
    red: int
    beeper: int
    door: int
    reader_tx: int
    reader_rx: int


def load_pins(path: Path = TABLE, model: str | None = None) -> KioskPins:
    """Read the pins of `model`, by default of the default board. Raises `SimulatorError`, which
    names the line, the pin and the fault."""
    try:
        boards = load(path)
        return KioskPins(**boards.models[model or boards.default].pins)
    except HardwareError as error:
        raise SimulatorError(str(error)) from error
