"""Starts, kills and supervises the processes of a school."""

import threading
import time
from collections.abc import Callable

from faults.school import School
from fevergate.system.periodic_thread import PeriodicThread
from harness.admin import acknowledge_if_up
from harness.worker import Worker

RESTART_S = 1.0
"""Pause before a restart, as in the systemd units."""


class Parts:
    """The processes of a school by name; one that ends by itself is started again."""

    def __init__(self, school: School) -> None:
        self._school = school
        self._broker = True
        self._workers: dict[str, Worker] = {}
        self._lock = threading.RLock()
        self._systemd = PeriodicThread("systemd", RESTART_S, self._supervise, first_s=RESTART_S)
        self._turn = 0
        self.gateway_began = 0.0
        """Time of the gateway's last start by `start`, monotonic s."""
        self.fallen = 0
        """Number of times that a process has ended by itself."""

    def start(self) -> None:
        """Start the processes that are down; returns when all but the gateway answer. Raises
        `HarnessError`."""
        school, workers = self._school, self._workers
        with self._lock:
            if not self._systemd.ident:
                self._systemd.start()
            if not self._broker:
                school.broker.start()
                self._broker = True
            if "gateway" not in workers:
                self.gateway_began = time.monotonic()
                workers["gateway"] = school.begin_gateway()
            starting: list[tuple[str, Callable[[Worker], Worker]]] = []
            for name, begin, wait in (
                ("campus", school.begin_campus, school.wait_for_campus),
                ("pages", school.begin_pages, school.wait_for_pages),
            ):
                if name not in workers:
                    workers[name] = begin()
                    starting.append((name, wait))
            for name, wait in starting:
                workers[name] = wait(workers[name])

    def kill(self, *names: str) -> None:
        """Kill processes (SIGKILL)."""
        with self._lock:
            for name in names:
                if name == "broker":
                    self._school.broker.kill()
                    self._broker = False
                elif worker := self._workers.pop(name, None):
                    worker.kill()

    def stop(self, *names: str) -> None:
        """Stop processes (SIGTERM), and wait for their end."""
        with self._lock:
            for name in names:
                if worker := self._workers.pop(name, None):
                    worker.stop()

    def close(self) -> None:
        """Stop all but the broker."""
        self._systemd.stop()
        self.stop("gateway", "pages", "campus")

    def acknowledge(self) -> None:
        """Acknowledge an alarm, alternately on the board and over MQTT; if the board fails, over
        MQTT."""
        self._turn += 1
        if self._turn % 2 and self._school.acknowledge_on_the_board():
            return
        acknowledge_if_up(self._school)

    def _supervise(self) -> None:
        begin = {
            "gateway": self._school.begin_gateway,
            "campus": self._school.begin_campus,
            "pages": self._school.begin_pages,
        }
        with self._lock:
            for name, worker in list(self._workers.items()):
                if worker.ended and not self._systemd.stopping.is_set():
                    self.fallen += 1
                    self._workers[name] = begin[name]()
