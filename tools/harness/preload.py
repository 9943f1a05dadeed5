"""Compiles a library that a process loads before the C library by LD_PRELOAD (ld.so(8))."""

import subprocess
from pathlib import Path
from shutil import which

from harness.errors import HarnessError


def compiled(source: Path, folder: Path, *options: str) -> Path:
    """Compile a C file into a library in `folder`. Raises `HarnessError`."""
    compiler = which("cc")
    if compiler is None:
        raise HarnessError(f"{source.name}: expected a C compiler; apt-get install gcc libc6-dev")
    library = folder / source.with_suffix(".so").name
    result = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", *options, "-o", library, source, "-ldl"],
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise HarnessError(f"{source.name}: {compiler}: {result.stderr.strip()[:500]}")
    return library
