"""Runs a script on real MicroPython, as the tests of the firmware need it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_START = "import sys, micropython_module as m; sys.exit(m.run_main(['micropython'] + sys.argv[1:]))"


def run(*arguments: str, heap: str = "320K", cwd: Path | None = None) -> str:
    """What the script printed. Fails with its traceback where it did."""
    done = subprocess.run(
        [sys.executable, "-c", _START, "-X", f"heapsize={heap}", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
