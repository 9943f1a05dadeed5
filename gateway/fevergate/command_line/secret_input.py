"""Reads a secret for a command from a file, the environment or the terminal.

It never reads a secret from an argument, since every process list shows arguments.
"""

import os
import sys
from pathlib import Path

import click

MAX_BYTES = 4096
"""Largest size of a secret's file; a larger file is refused."""


def ask_secret(
    prompt: str, *, file: Path | None, option: str, variable: str, confirm: bool = False
) -> str:
    """Return the first line of `file` (- is standard input) or, without `file`, the environment's
    `variable` or, if that is empty, the text typed at the terminal, twice if `confirm` is set.

    Raises `click.UsageError` for a file without a secret, and if there is no terminal to ask at.
    """
    if file is not None:
        return _first_line(file, option)
    if secret := os.environ.get(variable, ""):
        return secret
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"{prompt}: no terminal to ask at; expected {option} FILE or ${variable}"
        )
    return click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)


def _first_line(file: Path, option: str) -> str:
    try:
        if str(file) == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with file.open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
        line = content.decode().split("\n")[0].rstrip("\r")
    except OSError as error:
        raise click.UsageError(f"{option}: {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{option}: {file}: expected UTF-8 text") from error
    if len(content) > MAX_BYTES or not line:
        raise click.UsageError(f"{option}: {file}: expected a secret on the first line")
    return line
