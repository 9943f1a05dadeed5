"""Which boards `fevergate flash` turns into kiosks, which it refuses, and at which step."""

import json

import esptool.loader
import pytest
import real_micropython
from flash_helpers import desk, flash, micropython, on_flash
from kiosk_helpers import ANSWER_S, FEVERISH, FIRMWARE, HEALTHY, SPEED, patient, readings

from fevergate.flash import image
from fevergate.flash.files import collect
from simulator import Board, Habits, chips

IMAGE = micropython()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "micropython.bin"
    path.write_bytes(IMAGE)
    return path


@pytest.fixture
def other(tmp_path):
    """A function that makes boards with other chips."""
    boards = []

    def make(chip, image=b"", **options):
        boards.append(desk(tmp_path / f"board{len(boards)}", image, chip, speed=SPEED, **options))
        return boards[-1]

    yield make
    for board in boards:
        board.stop()


def untouched(board):
    return set(board.flash_chip) == {0xFF} and not list(board.flash_dir.iterdir())


def test_an_image_for_another_chip_than_answers_is_not_written(other, file):
    board = other(chips.WROVER_E)
    refused = flash(board, "--micropython", file).exception
    assert "ESP32 answers, micropython.bin is for ESP32-S3" in str(refused)
    assert "take ESP32_GENERIC-SPIRAM from https://micropython.org/" in str(refused)
    assert untouched(board)
    refused = flash(board, "--micropython", file, "--board", "esp32-s3-n8r2").exception
    assert "ESP32 answers, ESP32-S3-DevKitC-1-N8R2 has ESP32-S3" in str(refused)
    assert untouched(board)


@pytest.mark.parametrize(
    ("chip", "why_zh", "why_en"),
    [
        (chips.ESP32_S3_N8, "没有 PSRAM", "no PSRAM"),
        (chips.ESP32_S3_N8R8, "八线 PSRAM", "octal PSRAM has open faults"),
        (chips.esp32_s3(16), "八线 PSRAM", "octal PSRAM has open faults"),
        (chips.ESP32_C3, "需要 ESP32-S3 / ESP32", "ESP32-C3, expected ESP32-S3 / ESP32"),
    ],
    ids=["without", "8 MB", "16 MB", "another chip"],
)
def test_a_board_whose_memory_does_not_serve_is_refused_before_anything_is_written(
    other, file, chip, why_zh, why_en
):
    board = other(chip)
    result = flash(board, "--micropython", file)
    assert result.exit_code == 1 and untouched(board)
    assert why_en in result.output and "buy one of these: ESP32-S3-DevKitC-1-N8R2" in result.output
    result = flash(board, "--micropython", file, "--language", "zh", "--json")
    (row,) = json.loads(result.stdout)["results"]
    assert row["check"] == "board" and why_zh in row["text"][0]
    assert "请改用以下之一：ESP32-S3-DevKitC-1-N8R2" in row["advice"][0]


def test_a_board_whose_lack_of_psram_shows_only_at_run_time_is_refused(other, tmp_path):
    path = tmp_path / "spiram.bin"
    path.write_bytes(micropython(chips.WROVER_E))
    board = other(chips.WROOM_32E)
    result = flash(board, "--micropython", path)
    assert result.exit_code == 1
    assert "✗ fails memory" in result.output and "heap of only 2" in result.output
    assert "no PSRAM: Wi-Fi and TLS leave about 100 KB" in result.output
    assert "buy one of these: ESP32-S3-DevKitC-1-N8R2" in result.output
    assert not (board.flash_dir / "kiosk").exists()
    # A board whose MicroPython build does not use PSRAM is refused as well.
    plain = other(chips.WROVER_E, micropython(chips.WROVER_E, board=b"Generic ESP32 module"))
    result = flash(plain, "--keep-micropython", "--board", "esp32-wrover-e")
    assert result.exit_code == 1 and "needs the image ESP32_GENERIC-SPIRAM" in result.output
    assert not (plain.flash_dir / "kiosk").exists()


def test_a_flash_too_small_for_the_image_is_left_as_it_is(other, file):
    board = other(chips.esp32_s3(2, flash_mb=2))
    assert "2MB of flash, micropython.bin needs 4MB" in str(
        flash(board, "--micropython", file).exception
    )
    assert untouched(board)


def test_the_image_that_was_kept_for_the_chip_that_answers_is_taken(other, tmp_path, file):
    path = tmp_path / "wrover.bin"
    path.write_bytes(micropython(chips.WROVER_E))
    image.keep(image.read(path))
    image.keep(image.read(file))
    board = other(chips.WROVER_E)
    report = json.loads(flash(board, "--json", "--unattended").stdout)
    assert report["image"]["name"] == "wrover.bin" and report["board"]["name"] == "esp32-wrover-e"
    assert bytes(board.flash_chip[0x1000 : 0x1000 + 64]) == path.read_bytes()[:64]
    assert report["memory"]["psram_bytes"] == 4 << 20  # an ESP32 can address only 4 MB of its 8 MB
    # The self-test uses this board's own pins: nothing answers on the default board's.
    assert {row["check"]: row["state"] for row in report["results"]}["bus"] == "ok"


def test_the_port_of_the_chips_own_usb_may_go_away_while_the_board_starts(other, file, monkeypatch):
    usb_port = Seen(0x303A, 0x1001)
    monkeypatch.setattr(esptool.loader, "get_port_vid_pid", usb_port)
    board = other(chips.ESP32_S3_N8R2, usb_jtag=True)
    result = flash(board, "--micropython", file, "--unattended")
    assert "✓ ok memory" in result.output and usb_port.asked
    assert on_flash(board) == {entry.path: entry.data for entry in collect().files}


class Seen:
    """Answers esptool's question which USB device a port is."""

    def __init__(self, *answer):
        self.answer, self.asked = answer, False

    def __call__(self, _port):
        self.asked = True
        return self.answer


@real_micropython.needs("32bit")
@pytest.mark.parametrize("chip", [chips.ESP32_S3_N8R2, chips.WROVER_E], ids=lambda chip: chip.name)
def test_flashed_firmware_works_with_32_bit_words_and_little_memory(other, site, tmp_path, chip):
    path = tmp_path / "image.bin"
    path.write_bytes(micropython(chip))
    desk = other(chip)
    settings = ("--settings-from", site.folder, "--kiosk", "north-1")
    assert flash(desk, "--micropython", path, *settings).exit_code == 0
    desk.stop()
    model = {"ESP32-S3": "esp32-s3-n8r2", "ESP32": "esp32-wrover-e"}[chip.name]
    # The heap, 224 KB, is a ninth of the smaller PSRAM.
    kiosk = Board(
        *("north-1", desk.flash_dir, FIRMWARE),
        speed=SPEED,
        model=model,
        interpreter="32bit",
        heap="224K",
        habits=patient(Habits(), SPEED),
    )
    with kiosk:
        kiosk.start()
        kiosk.wait_console("link up", ANSWER_S)
        kiosk.admit([HEALTHY, FEVERISH])
        kiosk.wait_crowd(ANSWER_S)
        assert [reading["verdict"] for reading in readings(kiosk)][-1] == "fever"
