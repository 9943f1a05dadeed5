"""Slows every fsync down as an SD card does, by a library preloaded before the C library."""

import subprocess
from pathlib import Path
from shutil import which

from harness.errors import HarnessError

_SHIM = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
#define SLOW(name) \\
    int name(int fd) { \\
        usleep((useconds_t)(MS * 1000)); \\
        return ((int (*)(int))dlsym(RTLD_NEXT, #name))(fd); \\
    }
SLOW(fsync)
SLOW(fdatasync)
"""


def environment(folder: Path, fsync_ms: float) -> dict[str, str]:
    """Environment variables that make a process's fsyncs take `fsync_ms` longer; none for 0.

    Raises `HarnessError` if the library cannot be compiled.
    """
    if not fsync_ms:
        return {}
    compiler = which("cc")
    if compiler is None:
        raise HarnessError("--fsync-ms: expected a C compiler; apt-get install gcc libc6-dev")
    source, library = folder / "slow.c", folder / "slow.so"
    source.write_text(_SHIM)
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", f"-DMS={fsync_ms}", "-o", library, source, "-ldl"],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise HarnessError(f"--fsync-ms: {compiler}: {done.stderr.strip()[:200]}")
    return {"LD_PRELOAD": str(library)}
