"""Starts programs that end with this process, so that a killed trial leaves none behind."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_STARTER = ThreadPoolExecutor(1, "fevergate-starter")
"""The thread that starts all programs. It must last as long as this process, because a program is
killed when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG)."""


def start(arguments: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """Like `subprocess.Popen`; on Linux the program is killed when this process ends in any way.

    Raises `OSError` if it cannot start. A program that changes its user is not killed.
    """
    command = list(arguments)
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return subprocess.Popen(command, **options)
    program = shutil.which(command[0])
    if program is None:
        raise FileNotFoundError(f"{command[0]}: no such program")
    tied = [setpriv, "--pdeathsig", "KILL", "--", program, *command[1:]]
    return _STARTER.submit(subprocess.Popen, tied, **options).result()
