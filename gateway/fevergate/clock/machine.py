"""What the operating system knows: the time since boot, and whether network time set the clock."""

import ctypes
import time
from pathlib import Path

SYNCHRONISED_FLAG = Path("/run/systemd/timesync/synchronized")


def uptime() -> float:
    """Return the seconds since the machine's boot, the same in every process; they run on while the
    machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def kernel_synchronised() -> bool | None:
    """Whether the kernel's clock is synchronised to network time; None where that is unknown.

    TIME_ERROR (5) means not synchronised (adjtimex(2)). systemd's ProtectClock= forbids the call
    (EPERM), so the flag file of systemd-timesyncd counts, too (systemd-timesyncd.service(8)).
    """
    try:
        state = ctypes.CDLL(None, use_errno=True).ntp_gettime(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        state = -1
    if 0 <= state < 5:
        return True
    if SYNCHRONISED_FLAG.exists():
        return True
    return None if state < 0 else False
