"""Keeps the threads of a process on one processor while it has little to do.

Threads of Python run one at a time: a thread that was woken waits until the running thread releases
Python's lock. A thread that writes to SQLite releases it for some 10 us at each statement. A thread
that waits on another processor takes longer than that to wake up, finds the lock taken again, and
goes on waiting, statement after statement. On the writer's own processor a thread with precedence
runs as soon as the lock is free.

On one processor, however, SQLite cannot work beside Python: if there is much to do, it is better to
use all processors. Source: sched_setaffinity(2); CPython 3.11, Python/ceval_gil.h, `take_gil`.
"""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

FULL_BATCH = 200
"""If a batch has at least this many records, all processors are used, and commits follow each other
at once (`storage.writer_thread`)."""

FEW = 50
"""If a batch has at most this many records, one processor is used."""


class CpuAffinity:
    """Chooses the processors on which the threads of this process run."""

    def __init__(self, precedes: Callable[[], bool]) -> None:
        """`precedes` returns whether a thread has precedence over other programs. Without
        precedence, a thread would wait for its turn on the one processor while others are idle."""
        self._precedes = precedes
        self._all = os.sched_getaffinity(0)
        self._last = {max(self._all)}  # a Pi serves its devices with the first
        self._used = self._all

    def batch(self, records: int) -> None:
        """Choose the processors for a batch of this many records."""
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
                with suppress(ProcessLookupError):  # the thread has ended meanwhile
                    os.sched_setaffinity(int(task.name), processors)
        except OSError as error:
            log.info("threads stay where they are: %s", error)
