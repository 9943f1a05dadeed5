"""The table of boards: no kiosk uses a pin that its board itself needs, and a board that cannot be
used is refused with the reason."""

import re

import pytest
import real_micropython as micropython
from hypothesis import given, settings
from hypothesis import strategies as st

from fevergate.kiosks.board_model import pins_source
from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD, REFUSED_BOARDS
from fevergate.kiosks.firmware_bundle import build
from hardware_build import boards
from hardware_build.errors import HardwareError
from simulator import SimulatorError
from simulator.pins import load_pins

ROOT = micropython.ROOT
CONTENT = boards.TABLE.read_text(encoding="utf-8")
TABLE = boards.load()

# The data sheets' pins, written down a second time, so that a row lost from the table is noticed.
RESERVED = {
    "ESP32-S3": {
        "strapping": {0, 3, 45, 46},
        "USB": {19, 20},
        "flash": set(range(26, 33)),
        "octal PSRAM": set(range(33, 38)),
        "JTAG": set(range(39, 43)),
        "console": {43, 44},
        "RGB lamp": {38, 48},
        "1.8 V": {47, 48},
    },
    "ESP32": {
        "strapping": {0, 2, 5, 12, 15},
        "console": {1, 3},
        "flash": set(range(6, 12)),
        "PSRAM": {16, 17},
        "JTAG": {13, 14},
    },
}
NONE_SUCH = {
    "ESP32-S3": {-1, 22, 23, 24, 25, 49},
    "ESP32": {-1, 20, 24, *range(28, 32), 37, 38, 40},
}
INPUT_ONLY = {34, 35, 36, 39}  # of an ESP32
EACH_BOARD = pytest.mark.parametrize("name", list(BOARDS))


def line_of(name, use):
    """A pin's line in the table, and its line number from 1."""
    section = ""
    for number, line in enumerate(CONTENT.splitlines(), start=1):
        if line.startswith("["):
            section = line
        elif section == f"[boards.{name}.pins]" and line.startswith(f"{use} ="):
            return line, number
    raise LookupError(name, use)


def moved(name, use, value):
    """The table's text with one pin moved to the GPIO `value`."""
    _, number = line_of(name, use)
    lines = CONTENT.splitlines()
    lines[number - 1] = f"{use} = {value}"
    return "\n".join(lines)


@pytest.fixture
def load(tmp_path):
    def loaded(content):
        path = tmp_path / "boards.toml"
        path.write_text(content)
        return boards.load(path)

    return loaded


@EACH_BOARD
def test_no_pin_is_used_that_the_board_needs_itself(name):
    model = BOARDS[name]
    for reason, reserved in RESERVED[model.chip].items():
        assert not reserved & set(model.pins.values()), reason
        assert reserved <= set(TABLE.gpios[name].never), reason
    assert not NONE_SUCH[model.chip] & set(TABLE.gpios[name].usable)


@EACH_BOARD
def test_the_check_refuses_each_reserved_pin_naming_line_and_reason(load, name):
    reserved = RESERVED[BOARDS[name].chip] | {"none such": NONE_SUCH[BOARDS[name].chip]}
    _, line = line_of(name, "red")
    for number in set().union(*reserved.values()):
        with pytest.raises(HardwareError) as refused:
            load(moved(name, "red", number))
        reason = TABLE.gpios[name].never.get(number, f"the chip has no GPIO {number}")
        message = str(refused.value)
        assert (
            f"line {line}" in message
            and f"[boards.{name}.pins] red" in message
            and reason in message
        )


@pytest.mark.parametrize(
    ("use", "value", "reason"),
    [
        ("red", "'27'", "red: Expected `int`"),
        ("red", "true", "red: Expected `int`"),
        ("horn", 1, "unknown; known are"),
        ("red", 8, "is sda's already"),
        ("green", 18, "high for a moment at power-on"),
        ("door", 10, "a glitch at power-on"),
    ],
)
def test_a_pin_that_does_not_suit_its_use_is_refused(load, use, value, reason):
    name = "esp32-s3-n8r2"
    content = moved(name, "amber", f"5\n{use} = 1") if use == "horn" else moved(name, use, value)
    with pytest.raises(HardwareError, match=reason):
        load(content)


def test_an_input_only_pin_is_no_output(load):
    for number in INPUT_ONLY:
        with pytest.raises(HardwareError, match="input-only, and red is output"):
            load(moved("esp32-wrover-e", "red", number))
        assert load(moved("esp32-wrover-e", "reader_rx", number))


def test_a_missing_pin_is_named(load):
    line, _ = line_of("esp32-s3-n8r2", "door")
    with pytest.raises(HardwareError, match=r"door: missing"):
        load(CONTENT.replace(line + "\n", "", 1))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('{ gpio = "3", why', '{ gpio = "4", why', "GPIO 4 is usable as well"),
        (
            '  { gpio = "19, 20", why = "is USB, and goes high twice at power-on" },\n',
            "",
            "GPIO 19:",
        ),
        ('gpio = "26-32"', 'gpio = "32-26"', "GPIO 26: expected each pin"),
        ('default = "esp32-s3-n8r2"', 'default = "esp32-s3-n16r8"', "default: expected one of"),
        ('default = "esp32-s3-n8r2"', "default = [1]", "default: Expected `str`"),
        ('psram = "quad"', 'psram = "octal"', "needs quad PSRAM, got octal"),
        ('psram = "quad"', 'psram = "none"', "needs quad PSRAM, got none"),
        ('chip = "esp32-s3"', 'chip = "esp32-c3"', "expected one of esp32-s3, esp32"),
        ("psram_mb = 2", "psram_mb = 0", "psram_mb: Expected `int` >= 1"),
        (
            "image_offset = 0x1000",
            "image_offset = 0x10000",
            "image_offset: Expected `int` <= 32768",
        ),
        (
            'glitch = "high"',
            'glitch = "tall"',
            r"usable: Invalid enum value 'tall' - at `\$.usable\[1\].glitch`",
        ),
    ],
)
def test_a_table_that_is_wrong_is_refused(load, old, new, reason):
    assert old in CONTENT
    with pytest.raises(HardwareError, match=reason):
        load(CONTENT.replace(old, new, 1))


@settings(deadline=None)
@given(st.sampled_from(list(BOARDS)), st.sampled_from(list(boards.USES)), st.integers(-9, 99))
def test_any_number_is_taken_or_refused_with_a_reason(tmp_path_factory, name, use, number):
    path = tmp_path_factory.getbasetemp() / "any-boards.toml"
    path.write_text(moved(name, use, number))
    model = BOARDS[name]
    others = {n for other, n in model.pins.items() if other != use}
    reserved = set().union(*RESERVED[model.chip].values()) | NONE_SUCH[model.chip]
    odd = set()
    if model.chip == "ESP32":
        odd = set() if use == "reader_rx" else INPUT_ONLY
    elif use == "door":
        odd = set(range(1, 19))
    elif use != "reader_rx":
        odd = {18}
    known = set(range(49 if model.chip == "ESP32-S3" else 40))
    if number in known - NONE_SUCH[model.chip] - reserved - others - odd:
        assert boards.load(path).models[name].pins[use] == number
    else:
        with pytest.raises(HardwareError):
            boards.load(path)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_random_text_is_refused_as_a_table_without_a_traceback(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "noise-boards.toml"
    path.write_text(content, encoding="utf-8", errors="replace")
    with pytest.raises(HardwareError):
        boards.load(path)


def test_the_gateway_knows_the_same_boards():
    assert (TABLE.models, TABLE.refused) == (BOARDS, REFUSED_BOARDS)
    assert DEFAULT_BOARD == TABLE.default == "esp32-s3-n8r2"
    assert BOARDS["esp32-s3-n8r2"].offset == 0 and BOARDS["esp32-wrover-e"].offset == 0x1000
    for board in REFUSED_BOARDS.values():
        assert re.search(r"[\u4e00-\u9fff]", board.why[0]) and "PSRAM" in board.why[1]


@EACH_BOARD
def test_a_board_is_given_its_own_name_and_pins(name):
    module: dict[str, object] = {}
    exec(pins_source(BOARDS[name]), module)  # noqa: S102
    assert module["BOARD"] == name
    assert {use: module[use.upper()] for use in boards.USES} == BOARDS[name].pins


def test_the_firmware_in_the_repository_is_the_default_boards():
    text = (ROOT / "firmware/kiosk_board.py").read_text(encoding="utf-8")
    assert text == pins_source(BOARDS[DEFAULT_BOARD])


def test_an_update_does_not_replace_a_boards_pins():
    packed = build(ROOT / "firmware").data
    assert b"kiosk/panel.mpy " in packed
    assert b"kiosk_board.mpy" not in packed and b"kiosk/pins" not in packed


def test_the_simulated_board_refuses_what_the_table_refuses(tmp_path):
    assert vars(load_pins()) == BOARDS[DEFAULT_BOARD].pins
    path = tmp_path / "boards.toml"
    path.write_text(moved("esp32-s3-n8r2", "red", 19))
    with pytest.raises(SimulatorError, match="USB"):
        load_pins(path)
