"""Settings over USB: mpremote's protocol to real MicroPython behind a pseudo-terminal."""

import os
import pty
import subprocess
import threading
import tty

import pytest
import real_micropython
from click.testing import CliRunner

from fevergate.cli import cli
from fevergate.provision import provision
from simulator.interpreters import interpreter

REPL = real_micropython.ROOT / "tools/simulator/device/repl.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("usb") / "site"
    provision(folder, campus="east", gateway="gw", gates={"north": ["north-1", "north-2"]})
    return folder


class Cable:
    """A pseudo-terminal; `broken` loses a byte of what the board is told to write."""

    def __init__(self, flash, *, silent=False, broken=b""):
        self.ours, theirs = pty.openpty()
        tty.setraw(theirs)
        self.port = os.ttyname(theirs)
        self._theirs = theirs
        self._broken = broken
        flash.mkdir()
        self.board = subprocess.Popen(
            [
                *interpreter().command(),
                *(["-c", "import time; time.sleep(60)"] if silent else [str(REPL), str(flash)]),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        assert self.board.stdin and self.board.stdout
        self._stdin, self._stdout = self.board.stdin, self.board.stdout
        threading.Thread(target=self._down, daemon=True).start()
        threading.Thread(target=self._up, daemon=True).start()

    def _down(self):
        while True:
            try:
                data = os.read(self.ours, 4096)
                if self._broken and self._broken in data:
                    data = data.replace(self._broken, self._broken[:-1] + b"?", 1)
                self._stdin.write(data)
            except OSError:
                return

    def _up(self):
        while data := self._stdout.read(4096):
            os.write(self.ours, data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.board.kill()
        self.board.wait()
        os.close(self.ours)
        os.close(self._theirs)


def fevergate(*arguments):
    return CliRunner().invoke(cli, ["provision", "kiosk", *map(str, arguments)])


def test_a_kiosks_settings_are_on_the_board_byte_for_byte_and_it_starts_anew(folder, tmp_path):
    flash = tmp_path / "flash"
    with Cable(flash) as cable:
        done = fevergate(folder, "north-1", "--port", cable.port)
        assert done.exit_code == 0, done.output + repr(done.exception)
        assert "north-1: written to linux" in done.output
        cable.board.wait(10)  # it was reset
    for name in ("settings.json", "ca.der"):
        assert (flash / name).read_bytes() == (folder / "kiosks/north-1" / name).read_bytes()
    password = (folder / "kiosks/north-1/settings.json").read_text().split('"password": "')[1][:20]
    assert password not in done.output


def test_what_a_bad_cable_changed_is_noticed(folder, tmp_path):
    with Cable(tmp_path / "flash", broken=b"broker_host") as cable:
        done = fevergate(folder, "north-1", "--port", cable.port)
    assert "reads back otherwise" in str(done.exception)


def test_what_is_missing_is_named(folder, tmp_path):
    done = fevergate(folder, "north-1", "--port", tmp_path / "ttyUSB9")
    assert "no such port" in str(done.exception)
    done = fevergate(folder, "south-1", "--port", tmp_path / "ttyUSB9")
    assert "expected one of north-1, north-2" in str(done.exception)


def test_something_else_at_the_port_is_no_board(folder, tmp_path):
    with Cable(tmp_path / "flash", silent=True) as cable:
        done = fevergate(folder, "north-1", "--port", cable.port)
    assert "expected a board with MicroPython" in str(done.exception)
