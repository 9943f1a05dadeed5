"""Adds a random seed to the device tree, as a Pi's firmware does and QEMU does not.

Without it, the kernel's random generator is not ready for minutes; until then each system call,
which moves its stack at random, waits for a lock that all processors share.
"""

import os
import subprocess
from pathlib import Path

from emulated_pi.errors import PiCheckError

SEED_BYTES = 64


def add_seed(tree: Path) -> None:
    """Add the property `rng-seed` to /chosen of a device tree (DTB), by dtc's fdtput(1). Raises
    `PiCheckError` with its message."""
    seed = (f"{byte:02x}" for byte in os.urandom(SEED_BYTES))
    command = ["fdtput", "-t", "bx", str(tree), "/chosen", "rng-seed", *seed]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise PiCheckError(f"{tree}: fdtput: {done.stderr.strip()}")
