"""The systemd units are hardened, and start what there is."""

import re
import shutil
import subprocess

import pytest
import real_micropython
from every_command import COMMANDS

UNITS = sorted((real_micropython.ROOT / "gateway/systemd").glob("*.service"))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_exposed_as_little_as_can_be(unit):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-200:] + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_there_is(unit):
    (command,) = re.findall(r"ExecStart=\S*/fevergate (\w+)", unit.read_text())
    assert command in COMMANDS
