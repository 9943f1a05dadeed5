"""The kiosk's pin numbers, from the one table of the project."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from simulator.errors import SimulatorError

TABLE = Path(__file__).resolve().parents[2] / "hardware" / "pins.toml"


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
    """Read the table. Raises `SimulatorError` naming the file and what it lacks."""
    try:
        with path.open("rb") as file:
            table = tomllib.load(file).get("kiosk", {})
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SimulatorError(f"{path}: {error}") from error
    for field in fields(KioskPins):
        if not isinstance(table.get(field.name), int):
            raise SimulatorError(f"{path}: [kiosk] {field.name}: expected a pin number")
    return KioskPins(**{field.name: table[field.name] for field in fields(KioskPins)})
