"""Gives a thread real-time priority, so that it runs before all ordinary threads of the machine.

On a busy machine a thread of ordinary priority that wakes up waits until the running threads have
used up their share of a processor, 3 ms each or more. Source: sched(7), SCHED_RR.
"""

import logging
import os

log = logging.getLogger(__name__)

LOWEST = 1
"""The lowest real-time priority: before all ordinary threads, after the kernel's own (50)."""


def set_realtime_priority(thread: int = 0) -> bool:
    """Give a thread (0: the calling one) real-time priority, but not the processes that it starts;
    returns whether this is allowed.

    RLIMIT_RTPRIO (`LimitRTPRIO=` of a unit) allows it to a user, unless the kernel shares out real
    time among control groups (CONFIG_RT_GROUP_SCHED, which Raspberry Pi OS and Debian leave out).
    """
    try:
        os.sched_setscheduler(thread, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(LOWEST))
    except OSError as error:
        log.info("no precedence over other programs: %s", error)
        return False
    return True
