"""What can fall, and stands up again."""

from __future__ import annotations

from collections.abc import Callable

from faults.school import School
from faults.witness import clock
from fevergate.bench.admin import Admin
from fevergate.bench.stage import Worker
from fevergate.errors import FeverGateError


class Parts:
    """The processes of a school, each by its name."""

    def __init__(self, school: School) -> None:
        self._school = school
        self._broker = True
        self._workers: dict[str, Worker] = {}
        self._turn = 0
        self.gateway_began = 0.0
        """When the gateway was started last, by the witness's clock."""

    def start(self) -> None:
        """Start whatever is down; returns when all but the gateway answer."""
        school, workers = self._school, self._workers
        if not self._broker:
            school.broker.start()
            self._broker = True
        if "gateway" not in workers:
            self.gateway_began = clock()
            workers["gateway"] = school.start_gateway()
        starting: list[tuple[str, Callable[[Worker], Worker]]] = []
        for name, begin, wait in (
            ("campus", school.start_campus, school.wait_for_campus),
            ("pages", school.start_pages, school.wait_for_pages),
        ):
            if name not in workers:
                workers[name] = begin()
                starting.append((name, wait))
        for name, wait in starting:
            workers[name] = wait(workers[name])

    def kill(self, *names: str) -> None:
        """SIGKILL."""
        for name in names:
            if name == "broker":
                self._school.broker.kill()
                self._broker = False
            elif worker := self._workers.pop(name, None):
                worker.kill()
                self._heard_out(name, worker)

    def stop(self, *names: str) -> None:
        """SIGTERM, and wait; without names all but the broker."""
        for name in names or tuple(self._workers):
            if worker := self._workers.pop(name, None):
                worker.__exit__()
                self._heard_out(name, worker)

    def acknowledge(self) -> None:
        """A guard comes by, and takes the board, or a program of the administrator's; where there
        is no line he comes again."""
        self._turn += 1
        if self._turn % 2 and self._school.acknowledge_on_the_board():
            return
        try:
            with Admin(self._school) as guard:
                guard.acknowledge()
        except (FeverGateError, OSError):
            return

    def _heard_out(self, name: str, worker: Worker) -> None:
        worker.last_lines()
        if name == "gateway":
            self._school.witness.dies()
