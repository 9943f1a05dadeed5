"""Which files are taken as MicroPython's image, which are refused, and which are cached."""

import hashlib
import re
from pathlib import Path

import pytest
from flash_helpers import micropython
from hypothesis import given
from hypothesis import strategies as st

from fevergate.errors import FlashError
from fevergate.flash import image
from fevergate.flash.command import flash_command
from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD
from simulator import chips
from simulator.interpreters import BOARD_VERSION

WHOLE = micropython()
S3, WROVER = BOARDS[DEFAULT_BOARD], BOARDS["esp32-wrover-e"]
APPLICATION = 0x10000


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "ESP32_GENERIC_S3-v1.28.0.bin"
    path.write_bytes(WHOLE)
    return path


def refused(name, data, model=None):
    with pytest.raises(FlashError) as refused:
        image.judge(name, data, model)
    return str(refused.value)


@pytest.mark.parametrize(
    ("chip", "model"), [(chips.ESP32_S3_N8R2, S3), (chips.WROVER_E, WROVER)], ids=["S3", "WROVER"]
)
def test_a_whole_image_says_its_version_and_for_which_board_it_is(chip, model):
    verdict = image.judge("x.bin", micropython(chip))
    assert (verdict.version, verdict.model, verdict.flash_bytes) == ((1, 28), model, 4 << 20)
    assert image.judge("x.bin", micropython(chip), model) == verdict


def test_an_image_for_another_chip_is_named_with_the_page_of_the_right_one():
    message = refused("x.bin", micropython(chips.WROVER_E), S3)
    assert "made for ESP32, expected ESP32-S3" in message
    assert "ESP32_GENERIC_S3 from https://micropython.org/download/ESP32_GENERIC_S3/" in message
    message = refused("x.bin", WHOLE, WROVER)
    assert "made for ESP32-S3, expected ESP32" in message
    assert "ESP32_GENERIC-SPIRAM from https://micropython.org/download/ESP32_GENERIC/" in message
    other_image = bytearray(WHOLE)
    other_image[12] = 5
    assert "made for ESP32-C3, expected ESP32-S3" in refused("x.bin", bytes(other_image))


@pytest.mark.parametrize(
    ("chip", "board"),
    [
        (chips.WROVER_E, b"Generic ESP32 module"),
        (chips.WROVER_E, b"Generic ESP32 module with OTA"),
        (chips.ESP32_S3_N8R2, b"Generic ESP32S3 module with Octal-SPIRAM"),
    ],
)
def test_an_image_that_does_not_reach_the_boards_memory_is_refused(chip, board):
    message = refused("x.bin", micropython(chip, board=board))
    assert f"built for {board.decode()!r}" in message and "does not reach the memory" in message


def test_an_image_of_ones_own_is_taken_and_left_to_the_self_test():
    assert image.judge("x.bin", micropython(board=b"Our kiosk")).model == S3


def test_an_older_micropython_is_refused():
    assert "MicroPython 1.27, expected 1.28" in refused("x.bin", micropython(version=b"v1.27.9"))


def test_another_program_for_an_esp32_is_refused():
    assert "holds 'tasmota32'" in refused("x.bin", micropython(project=b"tasmota32"))


def test_something_else_is_refused_and_says_what_to_download():
    assert "ESP32_GENERIC_S3" in refused("x.bin", b"<html>404</html>" * 100)
    assert "ESP32_GENERIC-SPIRAM" in refused("x.bin", b"", WROVER)
    assert "partition table" in refused("x.bin", WHOLE[:0x7000].ljust(0x9000, b"\xff"))


@given(st.integers(0, len(WHOLE)))
def test_a_download_that_was_cut_off_is_refused_wherever_it_ends(length):
    if length < len(WHOLE):
        refused("x.bin", WHOLE[:length])


@given(st.integers(APPLICATION, len(WHOLE) - 1), st.integers(1, 255))
def test_a_damaged_byte_of_the_program_is_found_wherever_it_is(at, flipped):
    damaged = bytearray(WHOLE)
    damaged[at] ^= flipped
    refused("x.bin", bytes(damaged))


def test_an_image_without_a_digest_is_held_to_its_checksum():
    content = micropython(digest=False)
    assert image.judge("x.bin", content).version == (1, 28)
    damaged = bytearray(content)
    damaged[-100] ^= 1
    assert "its checksum is wrong" in refused("x.bin", bytes(damaged))


def test_the_file_must_be_the_one_whose_digest_was_published(file):
    digest = hashlib.sha256(WHOLE).hexdigest()
    assert image.read(file, digest.upper()).sha256 == digest
    with pytest.raises(FlashError, match="expected 0000"):
        image.read(file, "0" * 64)
    with pytest.raises(FlashError, match="64 hex digits"):
        image.read(file, "abc")


def test_a_digest_that_lies_beside_the_file_is_looked_at(file):
    beside = file.with_name(file.name + ".sha256")
    beside.write_text(f"{hashlib.sha256(WHOLE).hexdigest()}  {file.name}\n")
    image.read(file)
    beside.write_text(f"{'0' * 64}  {file.name}\n")
    with pytest.raises(FlashError, match="SHA-256"):
        image.read(file)
    beside.write_text("see website")
    with pytest.raises(FlashError, match="as sha256sum writes it"):
        image.read(file)


def test_what_was_taken_once_is_there_for_the_next_board(file):
    with pytest.raises(FlashError, match=r"ESP32_GENERIC_S3 from https://micropython\.org/.*1\.28"):
        image.cached(S3)
    image.keep(image.read(file))
    assert image.cached(S3) == image.read(file)
    with pytest.raises(FlashError, match="no MicroPython was kept yet for ESP32-DevKitC-VE"):
        image.cached(WROVER)


def test_what_rots_in_the_cache_is_not_flashed(file):
    path = image.keep(image.read(file))
    path.write_bytes(WHOLE[:-1] + b"?")
    with pytest.raises(FlashError, match="damaged"):
        image.cached(S3)


def test_the_version_that_boards_are_told_to_take_is_one_that_flashing_takes():
    assert BOARD_VERSION.startswith(".".join(map(str, image.MINIMUM)) + ".")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FlashError, match=r"none\.bin: No such file"):
        image.read(tmp_path / "none.bin")


PAGE = (Path(__file__).parents[3] / "hardware/flash.md").read_text(encoding="utf-8")


def test_the_page_names_each_board_with_its_image_and_where_it_is_written():
    rows = re.findall(r"\| `([\w-]+)` \| (.+) \| \[`(.+)`\]\((.+)\) \| (0x[0-9a-f]+) \|", PAGE)
    assert {name: cells for name, *cells in rows} == {
        name: [model.title, model.image, image.page(model), hex(model.offset)]
        for name, model in BOARDS.items()
    }


def test_the_page_names_the_commands_options_and_no_others():
    options = {option for parameter in flash_command.params for option in parameter.opts}
    page_options = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", PAGE)) - {"--wifi-ssid"}
    assert page_options <= options
    # for developers, and self-explanatory
    assert options - page_options == {"--firmware", "--language"}
