"""Adds a random seed to the device tree, as a Pi's firmware does and QEMU does not.

Without a seed, the kernel's random generator is not ready for minutes. Until then each system call
waits for a lock that all processors share, because the kernel moves the call's stack by a random
offset.
"""

import os
import subprocess
from pathlib import Path

from emulated_pi.errors import PiCheckError

SEED_BYTES = 64


def add_seed(tree: Path) -> None:
    """Add the property `rng-seed` to /chosen of a device tree (DTB), with dtc's fdtput(1). Raises
    `PiCheckError` with fdtput's message."""
    seed = (f"{byte:02x}" for byte in os.urandom(SEED_BYTES))
    command = ["fdtput", "-t", "bx", str(tree), "/chosen", "rng-seed", *seed]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise PiCheckError(f"{tree}: fdtput: {result.stderr.strip()}")
