"""Completion by the Tab key, and the answer to a mistyped command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import real_micropython
from click.testing import CliRunner

from fevergate.cli import cli
from fevergate.provision import provision

FEVERGATE = Path(sys.executable).parent / "fevergate"
SCRIPTS = real_micropython.ROOT / "gateway/machine"


@pytest.fixture
def settings(tmp_path):
    gates = {"north": ["north-1", "north-2"], "south": ["south-1"]}
    provision(tmp_path, campus="east", gateway="gw-east", gates=gates)
    return tmp_path / "gateway.toml"


def completed(settings, *words):
    """Return what bash is offered for the last of the words."""
    result = subprocess.run(
        [FEVERGATE],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ
        | {
            "_FEVERGATE_COMPLETE": "bash_complete",
            "COMP_WORDS": "\n".join(["fevergate", *words]),
            "COMP_CWORD": str(len(words)),
            "FEVERGATE_SETTINGS": str(settings),
        },
    )
    return [line.partition(",")[2] for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["acknowledge", "n"], ["north"]),
        (["acknowledge", ""], ["north", "south"]),
        (["lamps", "test", "s"], ["south"]),
        (["strike", ""], ["north-1", "north-2", "south-1"]),
        (["settings", "north-1", ""], ["north-2", "south-1"]),
        (["update", "s"], ["south-1"]),
        (["calibrate", "north"], ["north-1", "north-2"]),
        (["log", "--date", "y"], ["yesterday"]),
        (["ackn"], ["acknowledge"]),
    ],
)
def test_commands_gates_and_kiosks_are_completed(settings, words, offered):
    assert completed(settings, *words) == offered


def test_where_the_settings_cannot_be_read_nothing_is_offered_and_nothing_is_said(tmp_path):
    assert "".join(completed(tmp_path / "none.toml", "acknowledge", "")) == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_that_is_installed_is_the_one_that_click_makes(shell):
    result = subprocess.run(
        [FEVERGATE],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=os.environ | {"_FEVERGATE_COMPLETE": f"{shell}_source"},
    )
    assert (SCRIPTS / f"completion.{shell}").read_text().endswith(result.stdout)
    installer = (real_micropython.ROOT / "gateway/install").read_text()
    assert f"]=completion.{shell}\n" in installer


@pytest.mark.parametrize(
    ("mistyped", "command"), [("lgo", "log"), ("aknowledge", "acknowledge"), ("stauts", "status")]
)
def test_a_mistyped_command_is_answered_with_the_nearest(mistyped, command):
    result = CliRunner().invoke(cli, [mistyped])
    assert result.exit_code == 2 and f"'{command}'" in result.output
