"""One table of pins, in which none can be what it cannot do, and no other place with a number."""

import os
import re
import subprocess
import sys

import pytest
import real_micropython as micropython
from hypothesis import given
from hypothesis import strategies as st

from simulator import SimulatorError
from simulator.pins import load_pins
from workshop import pins
from workshop.errors import HardwareError

ROOT = micropython.ROOT
GOOD_KIOSK = sorted({4, *range(13, 15), *range(16, 20), 21, 22, 23, *range(25, 28), 32, 33})
GOOD_PI = sorted(set(range(4, 28)) - {14, 15})


def text(kiosk, *gates, strapping=None):
    lines = ["[kiosk]", *(f"{name} = {number}" for name, number in kiosk.items())]
    if strapping:
        lines += ["[kiosk.strapping]", *(f'{name} = "{why}"' for name, why in strapping.items())]
    for place, gate in enumerate(gates, start=1):
        lines += [f"[gateway.gate{place}]", *(f"{name} = {n}" for name, n in gate.items())]
    return "\n".join(lines)


def kiosk(**moved):
    return dict(zip(pins.KIOSK, GOOD_KIOSK, strict=False)) | moved


def gate(**moved):
    return dict(zip(pins.GATE, GOOD_PI, strict=False)) | moved


@pytest.fixture
def load(tmp_path):
    def loaded(content):
        path = tmp_path / "pins.toml"
        path.write_text(content)
        return pins.load(path)

    return loaded


def test_firmware_and_gateway_take_their_pins_from_the_table():
    done = subprocess.run(
        [sys.executable, "-m", "workshop.pin_tables", "--check"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "tools")},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_simulated_board_refuses_what_the_table_refuses(tmp_path):
    path = tmp_path / "pins.toml"
    path.write_text(text(kiosk(red=34), gate()))
    with pytest.raises(SimulatorError, match="input-only"):
        load_pins(path)


@pytest.mark.parametrize(
    ("moved", "reason"),
    [
        ({"red": 34}, "input-only"),
        ({"red": 39}, "input-only"),
        ({"red": 6}, "flash"),
        ({"red": 11}, "flash"),
        ({"red": 1}, "UART0"),
        ({"red": 3}, "UART0"),
        ({"red": 20}, "not brought out"),
        ({"red": 40}, "0 to 39"),
        ({"red": -1}, "0 to 39"),
        ({"red": 0}, "strapping pin"),
        ({"red": 2}, "strapping pin"),
        ({"red": 5}, "strapping pin"),
        ({"red": 12}, "strapping pin"),
        ({"red": 15}, "strapping pin"),
        ({"beeper": GOOD_KIOSK[0]}, "is sda's already"),
        ({"horn": 33}, "unknown; known are"),
        ({"red": "'27'"}, "expected a pin number"),
        ({"red": "true"}, "expected a pin number"),
    ],
)
def test_a_kiosks_pin_that_cannot_be_is_refused_with_its_line(load, moved, reason):
    content = text(kiosk(**moved), gate())
    with pytest.raises(HardwareError, match=reason) as refused:
        load(content)
    name = next(iter(moved))
    line = [row.split(" ")[0] for row in content.splitlines()].index(name) + 1
    assert f"line {line}" in str(refused.value) and f"[kiosk] {name}" in str(refused.value)


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
        ({"green": 4}, "is gate1.red's already"),
    ],
)
def test_a_pis_reserved_or_taken_pin_is_refused(load, moved, reason):
    with pytest.raises(HardwareError, match=reason):
        load(text(kiosk(), gate(**moved)))


DESK = "\n[desk]\nsda = 2\nscl = 3\n"


def test_the_desks_sensor_is_at_the_pis_own_bus_or_nowhere(load):
    content = text(kiosk(), gate())
    assert load(content).desk == {}
    assert load(content + DESK).desk == {"sda": 2, "scl": 3}
    for wrong, said in (
        ("sda = 4\nscl = 3", "sda: expected 2: a Pi's bus 1"),
        ("sda = 3\nscl = 2", "sda: expected 2"),
        ("sda = 2", "scl: expected scl = a pin number"),
        ("sda = 2\nscl = 3\nint = 4", "int: unknown; known are sda, scl"),
        ("sda = 2\nscl = '3'", "expected a pin number"),
    ):
        with pytest.raises(HardwareError, match=rf"\[desk\] {said}" if ":" in said else said):
            load(f"{content}\n[desk]\n{wrong}\n")


def test_two_gates_do_not_share_a_pin(load):
    with pytest.raises(HardwareError, match=r"gate2\] red: BCM 4 is gate1.red's already"):
        load(text(kiosk(), gate(), gate()))


def test_a_missing_pin_is_named(load):
    table = kiosk()
    del table["scl"]
    with pytest.raises(HardwareError, match=r"\[kiosk\] scl: expected scl = a pin number"):
        load(text(table, gate()))


def test_a_strapping_pin_is_taken_with_a_reason_only(load):
    meant = {"red": "low at reset by its pull-down, as the flash wants it"}
    assert load(text(kiosk(red=12), gate(), strapping=meant)).kiosk["red"] == 12
    with pytest.raises(HardwareError, match="strapping pin"):
        load(text(kiosk(red=12), gate(), strapping={"red": " "}))
    with pytest.raises(HardwareError, match="no strapping pin"):
        load(text(kiosk(), gate(), strapping=meant))


@given(st.permutations(GOOD_KIOSK), st.permutations(GOOD_PI))
def test_any_pins_that_can_do_it_are_taken(tmp_path_factory, esp32, pi):
    path = tmp_path_factory.getbasetemp() / "good.toml"
    table = dict(zip(pins.KIOSK, esp32, strict=False))
    one = dict(zip(pins.GATE, pi, strict=False))
    other = dict(zip(pins.GATE, pi[len(pins.GATE) :], strict=False))
    path.write_text(text(table, one, other))
    assert pins.load(path) == pins.Pins(table, {"gate1": one, "gate2": other})


@given(st.sampled_from(list(pins.KIOSK)), st.integers(-100, 100))
def test_no_pin_is_taken_that_the_board_needs_itself(tmp_path_factory, name, number):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text(kiosk(**{name: number}), gate()))
    others = {n for other, n in kiosk().items() if other != name}
    if number in set(GOOD_KIOSK) - others:
        assert pins.load(path).kiosk[name] == number
    else:
        with pytest.raises(HardwareError):
            pins.load(path)


@given(st.text(max_size=200))
def test_no_text_is_taken_for_a_table_or_ends_in_a_traceback(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "noise.toml"
    path.write_text(content, encoding="utf-8", errors="replace")
    with pytest.raises(HardwareError):
        pins.load(path)


STATED = re.compile(
    r"\b(?:GPIO|BCM)[ _-]?\d{1,2}\b|\b(?:Pin|LED|Buzzer|Button|PWM)\(\s*\d+\s*[,)]"
    r"|^\s*[\"']?(?:sda|scl|beeper|buzzer|acknowledge|SDA|SCL|BEEPER|GREEN|AMBER|RED)[\"']?"
    r"\s*[:=]\s*\d+\b",
    re.MULTILINE,
)
# The table, what is built from it (and compared with it), and this.
BUILT = re.compile(
    r"hardware/(pins\.(toml|md)|wiring/[\w-]+\.(gv|svg)|circuit/\w+\.net)"
    r"|(firmware/kiosk|gateway/fevergate)/pins\.py|tests/hardware/test_pins\.py"
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
        if found := STATED.search(content):
            yield name, found[0].strip()


def test_nothing_else_states_a_pin():
    found = dict(stated())
    assert [name for name in found if not BUILT.fullmatch(name)] == []
    # It would be found: there are drawings and boards with numbers.
    assert {"hardware/wiring/kiosk.svg", "hardware/circuit/carrier.net"} <= set(found)
