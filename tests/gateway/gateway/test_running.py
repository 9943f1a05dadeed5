"""`status` and `doctor` report pins, line, disk and clock as the running gateway has them."""

import sqlite3
import stat

import msgspec
import pytest
from click.testing import CliRunner
from gpiozero.pins.mock import MockFactory

from fevergate.alarm import gpio
from fevergate.cli import cli
from fevergate.clock.machine import uptime
from fevergate.gateway import run_state
from fevergate.gateway.run_state import RunState, read_run_state, write_run_state
from fevergate.gateway.service import Gateway
from fevergate.operations import doctor_gateway, doctor_lamps, status_command
from fevergate.provision import provision
from fevergate.settings.gateway import load_gateway
from fevergate.system.machine import Machine

DARK = "no lamp can be lit: /dev/gpiochip0 may not be opened"


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / "gateway"
    provision(folder, campus="east", gateway="gw-east", gates={"north": ["north-1"]})
    return load_gateway(folder / "gateway.toml")


@pytest.fixture
def write_state(settings, tmp_path, monkeypatch):
    """Writes the run state of a gateway under systemd, and returns the path of its file."""
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
    for module in (doctor_lamps, doctor_gateway, status_command):
        monkeypatch.setattr(
            module,
            "read_run_state",
            lambda settings_folder: read_run_state(settings_folder, folder),
        )

    def write_state(**fields):
        fine = {"pins": "rpigpio", "chip": 0, "line": True, "pid": 1}
        settings_folder = str(settings.folder.resolve())
        times = {"boot_s": uptime(), "since_s": uptime() - 100}
        write_run_state(RunState(**{"settings": settings_folder, **times, **fine, **fields}))
        return folder / run_state.NAME

    return write_state


def findings(settings):
    results = [*doctor_gateway.gateway(settings), *doctor_lamps.pins(settings)]
    return {finding.check: (finding.state, finding.text[1]) for finding in results}


def test_what_it_says_is_for_everybody_who_may_log_in(write_state):
    assert stat.S_IMODE(write_state().stat().st_mode) == 0o644


def test_a_gateway_that_has_everything(settings, write_state):
    write_state()
    assert findings(settings) == {
        "gateway": ("ok", f"{run_state.__version__} runs, with its line, its disk and a clock"),
        "pins": ("ok", "the gateway has rpigpio, gpiochip0"),
    }


@pytest.mark.parametrize(
    ("fields", "check", "text"),
    [
        ({"pins": "", "dark": {"north": DARK}}, "pins", f"north: {DARK}"),
        ({"line": False}, "gateway", "the gateway has no line to the broker"),
        ({"disk": "full"}, "gateway", "the gateway stores nothing: full"),
        ({"clock": False}, "gateway", "the gateway does not believe the clock"),
        ({"boot_s": uptime() - 20}, "gateway", "it has hung for 20 s"),
    ],
)
def test_what_it_lacks_is_a_failure(settings, write_state, monkeypatch, fields, check, text):
    if "boot_s" in fields:
        monkeypatch.setattr(run_state, "uptime", lambda: fields["boot_s"] + 20)
    write_state(**fields)
    pi = Machine("Raspberry Pi 4 Model B", 0xC03114, 0)
    monkeypatch.setattr(doctor_lamps, "recognise", lambda: pi)
    assert findings(settings)[check] == ("failed", text)


def test_a_pc_without_lamps_is_no_failure(settings, write_state, monkeypatch):
    monkeypatch.setattr(doctor_lamps, "recognise", lambda: Machine("", 0xA02082, None))
    write_state(pins="", dark={"north": DARK})
    assert findings(settings)["pins"] == ("warning", f"north: {DARK}")


def test_a_gateway_that_began_just_now_may_have_no_line_yet(settings, write_state):
    write_state(line=False, since_s=uptime() - 1)
    assert findings(settings)["gateway"][0] == "ok"


def test_another_gateways_state_and_rubbish_are_ignored(settings, write_state):
    path = write_state(settings="/etc/other")
    assert read_run_state(settings.folder, path.parent) is None
    for rubbish in (b"", b"{", b"[1]", b'{"pid": "x"}', bytes(100_000)):
        path.write_bytes(rubbish)
        assert read_run_state(settings.folder, path.parent) is None


def test_the_gateway_says_what_it_has(settings):
    gateway = Gateway(settings, MockFactory())
    state = gateway.run_state()
    assert (state.pins, state.dark, state.line, state.disk) == ("mock", {}, False, "")
    assert msgspec.json.decode(msgspec.json.encode(state), type=RunState) == state
    gateway._disk_trouble(sqlite3.OperationalError("disk I/O error"))
    assert gateway.run_state().disk == "cannot be opened or written"


@pytest.mark.parametrize(
    ("fields", "en", "zh"),
    [
        ({}, "pins rpigpio, gpiochip0; line yes; disk fine; clock fine", "消息线路 有"),
        ({"dark": {"north": DARK}}, "the gateway runs: pins none", "引脚 无"),
        ({"line": False, "clock": False}, "line none; disk fine; clock not believed", "不可信"),
    ],
)
def test_status_shows_it(settings, write_state, fields, en, zh):
    write_state(**fields)
    toml = str(settings.folder / "gateway.toml")
    assert en in CliRunner().invoke(cli, ["status", "--settings", toml, "--language", "en"]).output
    assert zh in CliRunner().invoke(cli, ["status", "--settings", toml]).output


def test_doctor_loads_no_pin_library_that_writes_into_the_working_directory(
    settings, monkeypatch, tmp_path
):
    """lgpio makes its pipes in the working directory when it is loaded."""
    (tmp_path / "lgpio.py").write_text("raise OSError('.lgd-nfy-3')\n")
    monkeypatch.syspath_prepend(tmp_path)
    pi = Machine("Raspberry Pi 4 Model B", 0xC03114, 0)
    monkeypatch.setattr(doctor_lamps, "recognise", lambda: pi)
    monkeypatch.setattr(gpio, "chip_of", lambda machine: machine.chip)
    (finding,) = doctor_lamps.pins(settings)
    assert finding.state == "ok" and "the gateway does not run" in finding.text[1]
