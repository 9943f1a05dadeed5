"""Settings are written to a board over USB, by mpremote's protocol for the raw REPL."""

import pytest
from click.testing import CliRunner
from flash_helpers import desk, micropython
from kiosk_helpers import until

from fevergate.cli import cli
from fevergate.kiosks import cable
from fevergate.provision import provision
from simulator.serial_line import Lines, SerialLine


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("usb") / "site"
    provision(folder, campus="east", gateway="gw", gates={"north": ["north-1", "north-2"]})
    return folder


@pytest.fixture
def board(tmp_path):
    with desk(tmp_path / "flash", micropython()) as board:
        yield board


def fevergate(*arguments):
    return CliRunner().invoke(cli, ["provision", "kiosk", *map(str, arguments)])


def test_a_kiosks_settings_are_written_byte_for_byte_and_the_board_restarts(folder, board):
    result = fevergate(folder, "north-1", "--port", board.url)
    assert result.exit_code == 0, result.output + repr(result.exception)
    assert "north-1: written to linux" in result.output
    until(lambda: board.boots > 2)  # the command begins with a soft reset and ends with a reset
    for name in ("settings.json", "ca.der"):
        written = (board.flash_dir / name).read_bytes()
        assert written == (folder / "kiosks/north-1" / name).read_bytes()
    password = (folder / "kiosks/north-1/settings.json").read_text().split('"password": "')[1][:20]
    assert password not in result.output


def test_a_byte_that_a_bad_cable_changed_is_noticed(folder, board):
    board.cable.noise = lambda data: data.replace(b"broker_host", b"broker_hos?")
    result = fevergate(folder, "north-1", "--port", board.url)
    assert "does not read back" in str(result.exception)


def test_a_missing_port_and_an_unknown_kiosk_are_named(folder, tmp_path):
    result = fevergate(folder, "north-1", "--port", tmp_path / "ttyUSB9")
    assert "no such port" in str(result.exception)
    result = fevergate(folder, "south-1", "--port", tmp_path / "ttyUSB9")
    assert "expected one of north-1, north-2" in str(result.exception)


def test_a_device_without_micropython_is_refused(folder, monkeypatch):
    monkeypatch.setattr(cable, "TRIES", 1)
    silent = SerialLine(Lines(), lambda data: None)
    try:
        result = fevergate(folder, "north-1", "--port", silent.url)
    finally:
        silent.close()
    assert "expected a board with MicroPython" in str(result.exception)
