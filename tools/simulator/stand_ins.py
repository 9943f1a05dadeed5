"""Folders of the stand-ins for a board's built-in modules: as sources, and compiled.

The compiled stand-ins are for measuring the heap. A source that is compiled at import leaves the
names of its local variables on the heap for good; a board's own modules, written in C, do not.
"""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from fevergate.kiosks.firmware_compiler import compiled

SOURCES = Path(__file__).resolve().parent / "device"
START = "run.py"
"""The script that the interpreter runs; it imports the others."""


@cache
def compiled_folder() -> Path:
    """A folder with the stand-ins as .mpy files, deleted when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="fevergate-stand-ins-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for source in SOURCES.glob("*.py"):
        if source.name == START:
            shutil.copyfile(source, folder / START)
        else:
            target = folder / source.with_suffix(".mpy").name
            target.write_bytes(compiled(source.read_bytes(), source.name))
    return folder
