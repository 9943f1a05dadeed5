"""The pin table, refused where a pin cannot do what it is given.

Runs on a bare Python, since it is asked before anything is installed. Sources: ESP32-WROOM-32
data sheet, tables 3 (pins) and 4 (strapping); BCM2835 ARM Peripherals, table 6-31; Raspberry Pi
HAT design guide (ID_SD, ID_SC).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.table import HARDWARE, Table, read

TABLE = HARDWARE / "pins.toml"

KIOSK = {
    "sda": "both ways",
    "scl": "both ways",
    "green": "output",
    "amber": "output",
    "red": "output",
    "beeper": "output",
}
GATE = {
    "red": "output",
    "amber": "output",
    "green": "output",
    "buzzer": "output",
    "acknowledge": "input",
}
"""What each pin has to do."""

DESK = {"sda": 2, "scl": 3}
"""Where the desk's sensor can be: bus 1 of every Pi, with its own pull-ups."""

_MISSING = "is not brought out on an ESP32-WROOM-32"
_ESP32: dict[int, str] = (
    dict.fromkeys((20, 24, *range(28, 32), 37, 38), _MISSING)
    | dict.fromkeys(range(6, 12), "is wired to the module's own flash")
    | dict.fromkeys((1, 3), "is UART0: the console, and what the board is flashed through")
)
_STRAPPING = {
    0: "low at reset: the board waits to be flashed",
    2: "must be low or open to be flashed",
    5: "timing of the SDIO slave",
    12: "high at reset: the flash gets 1.8 V, and the board does not start",
    15: "low at reset: no boot messages",
}
_INPUT_ONLY = range(34, 40)
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
"""A Pi's BCM number to the place on its 40-pin header, which is where a wire goes."""

PULLED_UP_AT_RESET = range(9)
"""BCM numbers that a Pi pulls up (50 to 65 kΩ) until somebody drives them; the others go down."""


@dataclass(frozen=True)
class Pins:
    """GPIO numbers of a kiosk's ESP32; BCM numbers of each gate's set and of the desk's sensor, if
    there is one, on a Pi."""

    kiosk: dict[str, int]
    gateway: dict[str, dict[str, int]]
    desk: dict[str, int] = field(default_factory=dict)


def load(path: Path = TABLE) -> Pins:
    """Read and check the table. Raises `HardwareError` naming line, pin and reason."""
    table = read(path)
    kiosk = dict(table.section("kiosk"))
    reasons = kiosk.pop("strapping", {})
    if not isinstance(reasons, dict):
        raise table.error('expected a table of name = "reason"', "kiosk", "strapping")
    numbers = _numbers(table, kiosk, KIOSK, "kiosk")
    for name, number in numbers.items():
        _check_esp32(table, name, number, reasons.get(name))
    for name in reasons:
        if numbers.get(name) not in _STRAPPING:
            raise table.error(
                "a reason for a pin that is no strapping pin", "kiosk", "strapping", name
            )
    gates = {
        gate: _numbers(table, table.section("gateway", gate), GATE, "gateway", gate)
        for gate in table.section("gateway")
    }
    if not gates:
        raise table.error("expected a table for one gate at least, such as [gateway.gate1]")
    taken: dict[int, str] = {}
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
            if number in taken:
                raise table.error(
                    f"BCM {number} is {taken[number]}'s already", "gateway", gate, name
                )
            taken[number] = f"{gate}.{name}"
    return Pins(numbers, gates, _desk(table))


def _desk(table: Table) -> dict[str, int]:
    if "desk" not in table.data:
        return {}
    numbers = _numbers(table, table.section("desk"), dict.fromkeys(DESK, "both ways"), "desk")
    for name, number in numbers.items():
        if number != DESK[name]:
            raise table.error(
                f"expected {DESK[name]}: a Pi's bus 1 is at no other pin", "desk", name
            )
    return numbers


def _numbers(
    table: Table, section: dict[str, Any], roles: dict[str, str], *keys: str
) -> dict[str, int]:
    for name, number in section.items():
        if name not in roles:
            raise table.error(f"unknown; known are {', '.join(roles)}", *keys, name)
        if isinstance(number, bool) or not isinstance(number, int):
            raise table.error(f"expected a pin number, got {number!r}", *keys, name)
    for name in roles:
        if name not in section:
            raise table.error(f"expected {name} = a pin number", *keys, name)
    return dict(section)


def _check_esp32(table: Table, name: str, number: int, reason: object) -> None:
    where = ("kiosk", name)
    if not 0 <= number <= 39:
        raise table.error(f"expected a GPIO of the ESP32, 0 to 39, got {number}", *where)
    if number in _ESP32:
        raise table.error(f"GPIO {number} {_ESP32[number]}", *where)
    if number in _INPUT_ONLY and KIOSK[name] != "input":
        raise table.error(f"GPIO {number} is input-only, and {name} is {KIOSK[name]}", *where)
    if number in _STRAPPING and not (isinstance(reason, str) and reason.strip()):
        raise table.error(
            f"GPIO {number} is a strapping pin ({_STRAPPING[number]}); if it is meant, say why:"
            f' [kiosk.strapping] {name} = "reason"',
            *where,
        )
    for other, theirs in table.section("kiosk").items():
        if other == name:
            return
        if theirs == number:
            raise table.error(f"GPIO {number} is {other}'s already", *where)


def markdown(pins: Pins) -> str:
    """The table for people who wire."""
    text = "| kiosk 测温亭 | ESP32 GPIO |\n| --- | --- |\n"
    text += "".join(f"| {name} | {number} |\n" for name, number in pins.kiosk.items())
    for gate, numbers in pins.gateway.items():
        text += f"\n| {gate} | BCM | header pin 排针 |\n| --- | --- | --- |\n"
        text += "".join(
            f"| {name} | {number} | {HEADER[number]} |\n" for name, number in numbers.items()
        )
    if pins.desk:
        text += "\n| desk sensor 值班台传感器 | BCM | header pin 排针 |\n| --- | --- | --- |\n"
        text += "".join(
            f"| {name} | {number} | {HEADER[number]} |\n" for name, number in pins.desk.items()
        )
    return text
