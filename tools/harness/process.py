"""Programs that go with the one that started them: nothing of a killed trial runs on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_STARTER = ThreadPoolExecutor(1, "fevergate-starter")
"""Linux counts the thread that started a program as its parent (prctl(2), PR_SET_PDEATHSIG), so one
that lasts as long as this process starts them all."""


def start(arguments: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """As `subprocess.Popen`; on Linux the program is killed when this process ends, however.

    Raises `OSError` where it cannot be started. A program that changes its user is not killed.
    """
    command = list(arguments)
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return subprocess.Popen(command, **options)
    found = shutil.which(command[0])
    if found is None:
        raise FileNotFoundError(f"{command[0]}: no such program")
    tied = [setpriv, "--pdeathsig", "KILL", "--", found, *command[1:]]
    return _STARTER.submit(subprocess.Popen, tied, **options).result()
