"""The command line: it teaches, and what goes wrong is one line and exit 2."""

import os
import re
import subprocess
import sys

import pytest
import real_micropython
from click.testing import CliRunner
from every_command import COMMANDS

from fevergate.cli import cli


def fevergate(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "fevergate.cli", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        timeout=120,
    )


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help_that_says_what_it_does(command):
    helped = CliRunner().invoke(cli, [command, "--help"])
    assert helped.exit_code == 0 and len(helped.output.splitlines()) > 6


@pytest.mark.parametrize(
    "arguments",
    [["gateway"], ["log"], ["acknowledge", "north", "--by", "Li"], ["campus"]],
)
def test_wrong_settings_are_one_line_and_exit_2(tmp_path, arguments):
    path = tmp_path / "x.toml"
    path.write_text('campus = "EAST"\nhost = 1\n')
    done = fevergate(*arguments, "--settings", str(path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"fevergate: {path}: ") and done.stderr.count("\n") == 1


def test_the_settings_file_may_come_from_the_environment(tmp_path):
    done = fevergate("log", FEVERGATE_SETTINGS=str(tmp_path / "none.toml"))
    assert done.returncode == 2 and "none.toml: no such file" in done.stderr


def test_the_readme_names_only_commands_that_there_are():
    text = (real_micropython.ROOT / "README.md").read_text()
    named = set(re.findall(r"(?:bin/|`|sudo )fevergate ([a-z]+)", text))
    assert named and named <= set(COMMANDS)


def test_the_readme_points_only_at_what_there_is():
    root = real_micropython.ROOT
    text = (root / "README.md").read_text()
    named = set(re.findall(r"\]\(([^)#:]+)\)", text))
    named |= set(re.findall(r"^(tools/[\w-]+)", text, re.MULTILINE))
    named |= set(re.findall(r"`(tools/[\w-]+)", text))
    assert {"tools/demo", "tools/test", "hardware/pins.toml"} <= named
    assert [path for path in named if not (root / path).exists()] == []


def test_the_demo_explains_itself_before_anything_is_set_up():
    done = subprocess.run(
        ["python3", str(real_micropython.ROOT / "tools/demonstration/arguments.py"), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    for option in ("--once", "--json", "--people", "--site", "--limit", "--kill"):
        assert option in done.stdout
