"""Starts the product's own programs as they are run at a gate, and ends them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from harness import process
from harness.errors import HarnessError

TOOLS = Path(__file__).resolve().parents[1]
END_S = 15
LOOK_S = 0.6


class Program:
    """One of the gateway's Python programs, with its log in a file."""

    def __init__(self, name: str, arguments: list[str], log: Path) -> None:
        self.name = name
        self._log = log
        path = os.pathsep.join(filter(None, (str(TOOLS), os.environ.get("PYTHONPATH"))))
        with log.open("ab") as file:
            self._process = process.start(
                [sys.executable, *arguments],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONPATH": path},
                start_new_session=True,  # Ctrl-C ends the demo, and the demo ends these
            )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def wait_for(self, path: Path, timeout_s: float) -> None:
        """Wait until it has made a file.

        Raises `HarnessError` with its last words if it ended, or did not in time.
        """
        wait_until(lambda: path.exists() or not self.running, timeout_s, f"{self.name} runs")
        if not self.running:
            words = self._log.read_text(errors="replace").strip().splitlines()[-3:]
            raise HarnessError(f"the {self.name} ended: {' '.join(words)}")

    def kill(self) -> None:
        """SIGKILL: it has no chance to save anything."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """SIGTERM, and SIGKILL if it does not go."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.kill()


def wait_until(ready: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait for something of the real world. Raises `HarnessError` saying what it was."""
    until = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > until:
            raise HarnessError(f"after {timeout_s:.0f} s still not: {what}")
        time.sleep(0.05)


class Guard(threading.Thread):
    """Presses the acknowledge button some seconds after its gate's lamp went red."""

    def __init__(
        self, lit: Callable[[], list[int]], press: Callable[[int], None], after_s: float
    ) -> None:
        super().__init__(name="guard", daemon=True)
        self._lit = lit
        self._press = press
        self._after_s = after_s
        self._off_duty = threading.Event()

    def run(self) -> None:
        since: dict[int, float] = {}
        while not self._off_duty.wait(LOOK_S):
            now = time.monotonic()
            since = {button: since.get(button, now) for button in self._lit()}
            for button, lit_at in since.items():
                if now - lit_at >= self._after_s:
                    self._press(button)

    def go_home(self) -> None:
        """Stop, and wait for that."""
        self._off_duty.set()
        self.join()
