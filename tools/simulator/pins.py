"""The kiosk's pin numbers, from the one table of the project."""

from dataclasses import dataclass
from pathlib import Path

from simulator.errors import SimulatorError
from workshop.errors import HardwareError
from workshop.pins import TABLE, load


@dataclass(frozen=True)
class KioskPins:
    """GPIO numbers of the board."""

    sda: int
    scl: int
    green: int
    amber: int
    red: int
    beeper: int


def load_pins(path: Path = TABLE) -> KioskPins:
    """Read the table. Raises `SimulatorError` naming the line, the pin and what is wrong."""
    try:
        return KioskPins(**load(path).kiosk)
    except HardwareError as error:
        raise SimulatorError(str(error)) from error
