"""The manual page lists every command and option, and is valid troff."""

import shutil
import subprocess

import click
import pytest
from every_command import COMMANDS

from release.manual import page

PAGE = page("2026-11-25")


def plain(text):
    return text.replace("\\-", "-").replace("\\&", "").replace("\\e", "\\")


def options(command):
    names = [name for parameter in command.params for name in parameter.opts]
    return {name for name in names if name.startswith("--")}


def test_every_command_is_there_with_every_option():
    text = plain(PAGE)
    for name, command in COMMANDS.items():
        assert f"\n.SS {name}\n" in text
        leaves = command.commands.values() if isinstance(command, click.Group) else [command]
        for leaf in leaves:
            assert all(option in text for option in options(leaf)), leaf.name


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff here")
def test_groff_formats_the_page_without_warnings():
    result = subprocess.run(
        ["groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-z"],
        input=PAGE.encode(),
        capture_output=True,
    )
    assert result.returncode == 0 and result.stderr == b"", result.stderr.decode()
