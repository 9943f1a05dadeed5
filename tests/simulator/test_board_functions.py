"""Each function of a board that the firmware uses is in the simulator's table, so that nobody has
to guess what the simulator does."""

import re

import pytest
from board_functions import uses
from simulator_helpers import ROOT

README = ROOT / "tools" / "simulator" / "README.md"


def on_flash() -> list[str]:
    """The source of all that a board runs."""
    return [path.read_text() for path in (ROOT / "firmware").rglob("*.py")]


def table() -> list[list[str]]:
    rows = [line.strip("|").split(" | ") for line in README.read_text().splitlines()]
    return [row for row in rows if len(row) == 4 and "`" in row[0]]


def known() -> set[str]:
    return {name for row in table() for name in re.findall(r"`([\w.]+)`", row[0])}


def test_whatever_the_firmware_asks_of_a_board_is_in_the_table() -> None:
    missing = uses(on_flash()) - known()
    assert not missing, f"add to {README}: {', '.join(sorted(missing))}"


def test_no_row_is_left_of_a_function_that_nobody_uses() -> None:
    self_test = ROOT / "gateway" / "fevergate" / "flash" / "on_board.py"
    words = set(re.findall(r"\w+", " ".join([*on_flash(), self_test.read_text()])))
    unused = {name for name in known() if name.rpartition(".")[2] not in words}
    assert not unused, f"take out of {README}: {', '.join(sorted(unused))}"


def test_each_row_says_what_the_port_and_what_the_simulator_does() -> None:
    assert table()
    for names, port, simulator, _ in table():
        assert port.strip() and simulator.strip(), names


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import machine as m\nm.deepsleep()", {"machine.deepsleep"}),
        ("from network import WLAN as W\nW(0).scan()", {"network.WLAN", "network.WLAN.scan"}),
        (
            "import network\nself._wlan = network.WLAN(0) if ssid else None\nx.wlan.ipconfig()",
            {"network.WLAN", "network.WLAN.ipconfig"},
        ),
        (
            "def f():\n    from machine import Pin\n    sda = Pin(number)\n    sda.irq(f)",
            {"machine.Pin", "machine.Pin.irq"},
        ),
        ("import json, machine\njson.loads(machine.idle())", {"machine.idle"}),
        ("from kiosk import machine\nmachine.idle()", set()),
        ("import time\nnow = time.ticks_ms()\nnow.values()", {"time.ticks_ms"}),
    ],
)
def test_a_use_is_found_however_it_is_written(source: str, found: set[str]) -> None:
    assert uses([source]) == found
