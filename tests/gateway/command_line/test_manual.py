"""The manual page says what the commands say."""

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
    return {option for one in command.params for option in one.opts if option.startswith("--")}


def test_every_command_is_there_with_every_option():
    text = plain(PAGE)
    for name, command in COMMANDS.items():
        assert f"\n.SS {name}\n" in text
        inner = command.commands.values() if isinstance(command, click.Group) else [command]
        for one in inner:
            assert all(option in text for option in options(one)), one.name


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff here")
def test_the_typesetter_has_no_complaint():
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-z"],
        input=PAGE.encode(),
        capture_output=True,
    )
    assert done.returncode == 0 and done.stderr == b"", done.stderr.decode()
