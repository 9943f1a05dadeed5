"""Pins of the gates: no pin is given a use that it cannot have, and no file but the table states a
pin's number."""

import os
import re
import subprocess
import sys

import pytest
import real_micropython as micropython
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware_build import pins
from hardware_build.errors import HardwareError

ROOT = micropython.ROOT
GOOD_PI = sorted(set(range(4, 28)) - {14, 15})


def text(*gates):
    lines = []
    for place, gate in enumerate(gates, start=1):
        lines += [f"[gateway.gate{place}]", *(f"{name} = {n}" for name, n in gate.items())]
    return "\n".join(lines)


def gate(**moved):
    return dict(zip(pins.GATE, GOOD_PI, strict=False)) | moved


@pytest.fixture
def load(tmp_path):
    def loaded(content):
        path = tmp_path / "pins.toml"
        path.write_text(content)
        return pins.load(path)

    return loaded


def test_firmware_and_gateway_take_their_pins_from_the_tables():
    result = subprocess.run(
        [sys.executable, "-m", "hardware_build.pin_tables", "--check"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "tools")},
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("moved", "reason"),
    [
        ({"red": 0}, "ID_SD"),
        ({"red": 1}, "ID_SC"),
        ({"red": 2}, "I2C"),
        ({"red": 3}, "I2C"),
        ({"red": 14}, "UART"),
        ({"red": 15}, "UART"),
        ({"red": 28}, "header"),
        ({"red": "'27'"}, "red: Expected `int`"),
        ({"horn": 5}, "unknown; known are"),
        ({"green": 4}, "is gate1.red's already"),
    ],
)
def test_a_pis_reserved_or_taken_pin_is_refused(load, moved, reason):
    with pytest.raises(HardwareError, match=reason):
        load(text(gate(**moved)))


DESK = "\n[desk]\nsda = 2\nscl = 3\n"


def test_the_desks_sensor_is_at_the_pis_own_bus_or_nowhere(load):
    content = text(gate())
    assert load(content).desk == {}
    assert load(content + DESK).desk == {"sda": 2, "scl": 3}
    for wrong, pattern in (
        ("sda = 4\nscl = 3", "sda: expected 2: a Pi's bus 1"),
        ("sda = 3\nscl = 2", "sda: expected 2"),
        ("sda = 2", "scl: missing"),
        ("sda = 2\nscl = 3\nint = 4", "int: unknown; known are sda, scl"),
        ("sda = 2\nscl = '3'", "scl: Expected `int`"),
    ):
        with pytest.raises(
            HardwareError, match=rf"\[desk\] {pattern}" if ":" in pattern else pattern
        ):
            load(f"{content}\n[desk]\n{wrong}\n")


def test_two_gates_do_not_share_a_pin(load):
    with pytest.raises(HardwareError, match=r"gate2\] red: BCM 4 is gate1.red's already"):
        load(text(gate(), gate()))


def test_a_missing_pin_is_named(load):
    table = gate()
    del table["buzzer"]
    with pytest.raises(HardwareError, match=r"gate1\] buzzer: missing"):
        load(text(table))


@settings(deadline=None)
@given(st.permutations(GOOD_PI))
def test_any_suitable_pins_are_accepted(tmp_path_factory, pi):
    path = tmp_path_factory.getbasetemp() / "good.toml"
    gate1 = dict(zip(pins.GATE, pi, strict=False))
    gate2 = dict(zip(pins.GATE, pi[len(pins.GATE) :], strict=False))
    path.write_text(text(gate1, gate2))
    assert pins.load(path).gateway == {"gate1": gate1, "gate2": gate2}


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_is_taken_for_a_table_or_ends_in_a_traceback(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "noise.toml"
    path.write_text(content, encoding="utf-8", errors="replace")
    with pytest.raises(HardwareError):
        pins.load(path)


STATED = re.compile(
    r"\b(?:GPIO|BCM)[ _-]?\d{1,2}\b|\b(?:Pin|LED|Buzzer|Button|PWM)\(\s*\d+\s*[,)]"
    r"|^\s*[\"']?(?:sda|scl|beeper|buzzer|acknowledge|door|reader_[tr]x|SDA|SCL|BEEPER"
    r"|GREEN|AMBER|RED|DOOR|READER_[TR]X)[\"']?"
    r"\s*[:=]\s*\d+\b",
    re.MULTILINE,
)
# Files that may state pins: the tables, files generated from them and compared with them, a list of
# the kernel's own, and these tests.
BUILT = re.compile(
    r"hardware/((pins|boards)\.(toml|md)|(modules|lamp-post|carrier)\.md|wiring/[\w-]+\.(gv|svg))"
    r"|hardware/circuit/\w+\.(net|kicad_pcb)"
    r"|firmware/kiosk_board\.py|gateway/fevergate/(alarm/gpio_pins|kiosks/boards)\.(py|json)"
    r"|tests/hardware/test_(pins|boards)\.py|tests/system/test_pi_check\.py"
)


def stated():
    for path in sorted(ROOT.rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        hidden = any(part.startswith(".") for part in name.split("/")[:-1])
        if hidden or "__pycache__" in name or not path.is_file():
            continue
        try:
            content = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if match := STATED.search(content):
            yield name, match[0].strip()


def test_no_file_but_the_tables_and_generated_files_states_a_pin():
    statements = dict(stated())
    assert [name for name in statements if not BUILT.fullmatch(name)] == []
    # The search does find pins: drawings and netlists have numbers.
    assert {"hardware/wiring/kiosk.svg", "hardware/circuit/carrier.net"} <= set(statements)
