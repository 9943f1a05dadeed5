"""Runs a script on real MicroPython, for the firmware's tests."""

import subprocess
from pathlib import Path

import pytest

from simulator.interpreters import INTERPRETERS as ALL
from simulator.interpreters import interpreter as interpreter_of

ROOT = Path(__file__).resolve().parents[2]


def needs(name: str) -> pytest.MarkDecorator:
    """The mark of a test that needs the interpreter `name`. On a PC tools/setup installs all of
    them."""
    return pytest.mark.skipif(ALL[name].missing is not None, reason=str(ALL[name].missing))


INTERPRETERS = [pytest.param(name, marks=needs(name)) for name in ALL]
"""Parameters of a test that runs on each interpreter."""


def skip_without_raw_repl() -> None:
    """Skip a test that flashes a board over its cable if the interpreter has no raw REPL."""
    if not ALL["64bit"].raw_repl:
        pytest.skip(f"{ALL['64bit'].origin} has no raw REPL, which flashing needs")


def run(
    *arguments: str, heap: str = "320K", cwd: Path | None = None, interpreter: str | None = None
) -> str:
    """Run a script, and return what it printed. If the script fails, the test fails with its
    output.

    There is no time limit here: pytest-timeout ends a test whose script hangs.
    """
    chosen = interpreter_of(interpreter)
    result = subprocess.run(
        [*chosen.command(), "-X", f"heapsize={heap}", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=chosen.environment(),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
