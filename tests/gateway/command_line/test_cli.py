"""The command line explains itself; an error is one line, and the exit code is 2."""

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
    result = fevergate(*arguments, "--settings", str(path))
    assert result.returncode == 2
    assert result.stderr.startswith(f"fevergate: {path}: ") and result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["", "x" * 65])
@pytest.mark.parametrize(
    "command",
    ["acknowledge north", "lamps test north", "calibrate north-1", "desk check", "desk look"],
)
def test_nobody_is_noted_under_no_name_or_a_text_of_any_length(command, name):
    result = CliRunner().invoke(cli, [*command.split(), "--by", name])
    assert result.exit_code == 2 and "expected 1 to 64 characters" in result.output


def test_a_command_whose_libraries_are_missing_says_what_to_install(monkeypatch):
    for module in [module for module in sys.modules if module.startswith("fevergate.collect.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    result = CliRunner().invoke(cli, ["collect", "--name", "1"])
    assert str(result.exception) == "needs more: pip install 'fevergate[campus]'"


def test_the_settings_file_may_come_from_the_environment(tmp_path):
    result = fevergate("log", FEVERGATE_SETTINGS=str(tmp_path / "none.toml"))
    assert result.returncode == 2 and "none.toml: no such file" in result.stderr


def test_the_readme_names_only_commands_that_there_are():
    text = (real_micropython.ROOT / "README.md").read_text()
    names = set(re.findall(r"(?:bin/|`|sudo )fevergate ([a-z]+)", text))
    assert names and names <= set(COMMANDS)


PAGES = ("README.md", "README.zh.md", "*/README.md", "gateway/*.md", "firmware/*.md")


def test_the_pages_point_only_at_what_there_is():
    root = real_micropython.ROOT
    for path in (path for pattern in PAGES for path in root.glob(pattern)):
        text = path.read_text()
        links = {path.parent / link for link in re.findall(r"\]\(([^)#:]+)\)", text)}
        tools = re.findall(r"(?:^|`)(tools/[\w./-]*\w)(?=[`\s])", text, re.MULTILINE)
        links |= {root / tool for tool in tools}
        assert [link for link in links if not link.exists()] == [], path


def test_the_readme_is_short_and_leads_everybody_in():
    root = real_micropython.ROOT
    text = (root / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    for page in ("README.zh.md", *(f"{room}/README.md" for room in ROOMS)):
        assert f"({page})" in text
    assert "tools/demo" in text and "tools/test" in text


ROOMS = ("firmware", "gateway", "hardware", "tools", "tests")


@pytest.mark.parametrize("tool", ["audit", "make-asyncapi", "setup", "make-pins", "make-words"])
def test_a_tool_that_is_asked_for_help_explains_itself_and_does_nothing(tool):
    modules = {"make-pins": "hardware_build.pin_tables", "make-words": "measurement.words"}
    script = [str(real_micropython.ROOT / "tools" / tool)]
    module = [sys.executable, "-m", modules.get(tool, "")]
    helped = subprocess.run(
        [*(module if tool in modules else script), "--help"],
        env=os.environ | {"PYTHONPATH": str(real_micropython.ROOT / "tools")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert helped.returncode == 0 and not helped.stderr
    assert len(helped.stdout.split()) > 8


def test_the_demo_explains_itself_before_anything_is_set_up():
    result = subprocess.run(
        ["python3", str(real_micropython.ROOT / "tools/demonstration/arguments.py"), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    for option in ("--once", "--json", "--people", "--site", "--limit", "--kill"):
        assert option in result.stdout
