"""Reads the pins of a Pi's gates and desk, and refuses a pin that cannot serve its use.

A kiosk's pins are in `boards`. Sources: BCM2835 ARM Peripherals, table 6-31; Raspberry Pi HAT
design guide (ID_SD, ID_SC).
"""

from dataclasses import dataclass, field
from pathlib import Path

from hardware_build import boards
from hardware_build.table import HARDWARE, Table, read

TABLE = HARDWARE / "pins.toml"

GATE = {
    "red": "output",
    "amber": "output",
    "green": "output",
    "buzzer": "output",
    "acknowledge": "input",
}
"""Direction of each pin of a gate."""

DESK = {"sda": 2, "scl": 3}
"""The only pins for the desk's sensor: I2C bus 1 of every Pi, which has pull-ups."""

_PI: dict[int, str] = {
    0: "is ID_SD, which reads a HAT's memory at boot",
    1: "is ID_SC, which reads a HAT's memory at boot",
    2: "is the I2C bus (SDA), pulled up by 1.8 kΩ on the board: the desk sensor's",
    3: "is the I2C bus (SCL), pulled up by 1.8 kΩ on the board: the desk sensor's",
    14: "is the UART (TXD), which goes high at boot",
    15: "is the UART (RXD)",
}
HEADER = {
    2: 3, 3: 5, 4: 7, 14: 8, 15: 10, 17: 11, 18: 12, 27: 13, 22: 15, 23: 16, 24: 18, 10: 19,
    9: 21, 25: 22, 11: 23, 8: 24, 7: 26, 0: 27, 1: 28, 5: 29, 6: 31, 12: 32, 13: 33, 19: 35,
    16: 36, 26: 37, 20: 38, 21: 40,
}  # fmt: skip
"""Position on a Pi's 40-pin header, by BCM number."""

PULLED_UP_AT_RESET = range(9)
"""BCM numbers pulled up (50 to 65 kΩ) until a program drives them; the others are pulled down."""


@dataclass(frozen=True)
class Pins:
    """Pins of the kiosk's default board (GPIO), of a Pi's gates and of its desk sensor (BCM)."""

    kiosk: dict[str, int]
    gateway: dict[str, dict[str, int]]
    desk: dict[str, int] = field(default_factory=dict)
    board: str = ""
    """The default board's title."""


def load(path: Path = TABLE, boards_path: Path = boards.TABLE) -> Pins:
    """Read and check the tables. Raises `HardwareError` naming line, pin and reason."""
    table = read(path)
    models = boards.load(boards_path)
    gates = {
        gate: boards.numbers(table, GATE, "gateway", gate) for gate in table.section("gateway")
    }
    if not gates:
        raise table.error("expected a table for one gate at least, such as [gateway.gate1]")
    uses: dict[int, str] = {}
    for gate, pins in gates.items():
        for name, number in pins.items():
            if number not in HEADER:
                raise table.error(
                    f"BCM {number} is not on a Pi's header, which has 2 to 27",
                    "gateway",
                    gate,
                    name,
                )
            if number in _PI:
                raise table.error(f"BCM {number} {_PI[number]}", "gateway", gate, name)
            if number in uses:
                raise table.error(
                    f"BCM {number} is {uses[number]}'s already", "gateway", gate, name
                )
            uses[number] = f"{gate}.{name}"
    model = models.models[models.default]
    return Pins(model.pins, gates, _desk(table), model.title)


def _desk(table: Table) -> dict[str, int]:
    if "desk" not in table.data:
        return {}
    numbers = boards.numbers(table, DESK, "desk")
    for name, number in numbers.items():
        if number != DESK[name]:
            raise table.error(
                f"expected {DESK[name]}: a Pi's bus 1 is at no other pin", "desk", name
            )
    return numbers
