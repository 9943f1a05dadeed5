"""Lets one thread run before everything else of the machine that is not of real-time priority.

A thread of ordinary priority that wakes up on a busy machine waits until those that run have used
up their share of a processor, 3 ms each and more. Source: sched(7), SCHED_RR.
"""

import logging
import os

log = logging.getLogger(__name__)

LOWEST = 1
"""Of the real-time priorities: before all ordinary threads, after the kernel's own (50)."""


def take(thread: int = 0) -> bool:
    """Give it to the calling thread, or to another, not to processes that it starts; whether we
    may.

    A user may by RLIMIT_RTPRIO (`LimitRTPRIO=` of a unit), unless the kernel shares out real time
    among control groups (CONFIG_RT_GROUP_SCHED, which Raspberry Pi OS and Debian leave out).
    """
    try:
        os.sched_setscheduler(thread, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(LOWEST))
    except OSError as error:
        log.info("no precedence over other programs: %s", error)
        return False
    return True
