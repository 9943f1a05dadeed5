"""The systemd units are hardened, and start what there is."""

import re
import shutil
import subprocess

import pytest
import real_micropython
from every_command import COMMANDS

UNITS = sorted((real_micropython.ROOT / "gateway/systemd").glob("*.service"))


LIMIT = real_micropython.ROOT / "gateway/machine/fevergate-broker-limit.service"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
@pytest.mark.parametrize("unit", [*UNITS, LIMIT], ids=lambda unit: unit.name)
def test_a_unit_is_exposed_as_little_as_can_be(unit):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-200:] + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_there_is(unit):
    (command,) = re.findall(r"ExecStart=fevergate (\w+)", unit.read_text())
    assert command in COMMANDS


def test_a_slow_start_of_the_gateway_is_not_given_up_and_begun_anew():
    """systemd's own limit is 90 s; an overloaded Pi took 64."""
    text = (real_micropython.ROOT / "gateway/systemd/fevergate-gateway.service").read_text()
    assert "Type=notify" in text and int(re.findall(r"TimeoutStartSec=(\d+)\n", text)[0]) >= 300


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="no shellcheck here")
def test_what_the_teacher_runs_as_root_is_sound_shell():
    tools = real_micropython.ROOT / "tools"
    scripts = [path for path in tools.iterdir() if path.is_file() and shell(path)]
    done = subprocess.run(
        ["shellcheck", str(real_micropython.ROOT / "gateway/install"), *map(str, scripts)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def shell(path):
    return path.read_bytes().startswith(b"#!/usr/bin/env bash")


def test_the_page_names_every_file_that_the_script_puts_into_the_system():
    script = (real_micropython.ROOT / "gateway/install").read_text()
    page = (real_micropython.ROOT / "gateway/install.md").read_text()
    put = re.findall(r"^    \[(?:\$units/)?(\S+)\]=", script, re.MULTILINE)
    assert len(put) >= 6 and all(path in page for path in put)
    assert set(re.findall(r"`sudo gateway/install (--[a-z-]+)", page)) <= set(
        re.findall(r"(--[a-z-]+)", script)
    )
