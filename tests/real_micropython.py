"""Runs a script on real MicroPython, as the tests of the firmware need it."""

import subprocess
from pathlib import Path

from simulator.interpreters import interpreter as interpreter_of

ROOT = Path(__file__).resolve().parent.parent


def run(
    *arguments: str, heap: str = "320K", cwd: Path | None = None, interpreter: str | None = None
) -> str:
    """What the script printed. Fails with its traceback where it did."""
    chosen = interpreter_of(interpreter)
    done = subprocess.run(
        [*chosen.command(), "-X", f"heapsize={heap}", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=chosen.environment(),
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
