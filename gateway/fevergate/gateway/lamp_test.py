"""Tests a gate's lamps one after the other, then its buzzer, and stores who asked for the test and
when.

The test is announced as a test and raises no fever; a real fever ends it at once.
"""

import logging
import threading
import time
from collections.abc import Callable

from fevergate.alarm.alarm import Alarm
from fevergate.storage.records import LampsTested

log = logging.getLogger(__name__)

STEPS = ("red", "amber", "green", "sound")
STEP_S = 2.0
"""Duration of each step."""

Keep = Callable[[LampsTested, Callable[[], None]], None]


class LampTests:
    """Runs lamp tests, one at a time at each gate and each in its own thread; `keep` stores each
    test."""

    def __init__(
        self,
        alarm: Alarm,
        keep: Keep,
        now: Callable[[], float] = time.time,
        *,
        buzzer: bool = True,
        step_s: float = STEP_S,
    ) -> None:
        self._alarm = alarm
        self._keep = keep
        self._now = now
        self._steps = STEPS if buzzer else STEPS[:-1]
        self._step_s = step_s
        self._lock = threading.Lock()
        self._running: dict[str, threading.Thread] = {}
        self._stopping = threading.Event()

    def begin(self, gate: str, by: str) -> None:
        """Start a test for the person `by`, unless one is running at the gate; returns at once."""
        with self._lock:
            if gate in self._running or self._stopping.is_set():
                return
            thread = threading.Thread(
                target=self._run, args=(gate, by), name=f"lamps of {gate}", daemon=True
            )
            self._running[gate] = thread
        log.info("lamp test at %s, for %s", gate, by, extra={"gate": gate})
        thread.start()

    def stop(self) -> None:
        """Break off running tests."""
        self._stopping.set()
        with self._lock:
            running = list(self._running.values())
        for thread in running:
            thread.join()

    def _run(self, gate: str, by: str) -> None:
        at, completed = self._now(), False
        try:
            try:
                completed = self._play(gate)
            except Exception:  # a failing lamp: the test is stored as broken off
                log.exception("lamp test at %s", gate)
            if not completed:
                log.warning("lamp test at %s: broken off", gate, extra={"gate": gate})
            self._keep(LampsTested(gate, by, at, completed), lambda: None)
        finally:
            with self._lock:
                del self._running[gate]

    def _play(self, gate: str) -> bool:
        try:
            for step in self._steps:
                if not self._alarm.try_lamp(gate, step) or self._stopping.wait(self._step_s):
                    return False
        finally:
            free = self._alarm.try_lamp(gate, None)
        return free
