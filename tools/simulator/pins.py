"""The kiosk's pin numbers, from the table of boards."""

from dataclasses import dataclass
from pathlib import Path

from simulator.errors import SimulatorError
from workshop.boards import TABLE, load
from workshop.errors import HardwareError


@dataclass(frozen=True)
class KioskPins:
    """GPIO numbers of the default board."""

    sda: int
    scl: int
    green: int
    amber: int
    red: int
    beeper: int
    door: int
    reader_tx: int
    reader_rx: int


def load_pins(path: Path = TABLE) -> KioskPins:
    """Read the table. Raises `SimulatorError` naming the line, the pin and what is wrong."""
    try:
        boards = load(path)
        return KioskPins(**boards.models[boards.default].pins)
    except HardwareError as error:
        raise SimulatorError(str(error)) from error
