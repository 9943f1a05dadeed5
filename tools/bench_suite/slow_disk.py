"""A disk whose every fsync takes longer, as an SD card's does: a shim before the C library's."""

from __future__ import annotations

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
    """What to start a process with so that its fsyncs take `fsync_ms` longer; nothing for 0.

    Raises `HarnessError` where there is no C compiler to make the shim with.
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
