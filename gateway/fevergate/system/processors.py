"""Keeps the threads of a process on one processor while it has little to do.

Threads of Python run one at a time: one that was woken waits until the other gives Python's lock
up. A thread that writes to SQLite does so for some 10 us at each statement, but a thread that waits
on another processor takes longer than that to wake up, finds the lock taken again, and goes on
waiting, statement after statement. On the writer's own processor a thread with precedence runs the
moment that the lock is free.

On one processor, however, SQLite cannot work beside Python: with much to do, all are better.
Source: sched_setaffinity(2); CPython 3.11, Python/ceval_gil.h, `take_gil`.
"""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

FULL_BATCH = 200
"""Records in a batch from which on all processors are used, and commits follow each other at once
(`storage.writer_thread`)."""

FEW = 50
"""Records in a batch up to which one is."""


class Processors:
    """Where the threads of this process run."""

    def __init__(self, precedes: Callable[[], bool]) -> None:
        """`precedes`: whether a thread has precedence over other programs; without one, a thread
        would wait for its turn on the one processor while others are idle."""
        self._precedes = precedes
        self._all = os.sched_getaffinity(0)
        self._last = {max(self._all)}  # a Pi serves its devices with the first
        self._used = self._all

    def batch(self, records: int) -> None:
        """Choose for a batch of so many records."""
        if records >= FULL_BATCH:
            self._use(self._all)
        elif records <= FEW and self._precedes():
            self._use(self._last)

    def _use(self, processors: set[int]) -> None:
        if processors == self._used:
            return
        self._used = processors
        try:
            for task in Path("/proc/self/task").iterdir():
                with suppress(ProcessLookupError):  # it has ended meanwhile
                    os.sched_setaffinity(int(task.name), processors)
        except OSError as error:
            log.info("threads stay where they are: %s", error)
