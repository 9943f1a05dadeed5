"""Runs a Python module as a process and reads its standard output line by line."""

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from harness.errors import HarnessError
from simulator import child_process

TOOLS = Path(__file__).resolve().parents[1]
END_S = 120


class Worker:
    """A child process. It ends with its `with` block, and on Linux also when this process dies."""

    def __init__(
        self,
        module: str,
        *arguments: str,
        environment: dict[str, str] | None = None,
        heard: Callable[[str], object] | None = None,
        gone: Callable[[], object] = lambda: None,
        log: Path | None = None,
    ) -> None:
        """`heard(line)` is called from a thread with each line of standard output; without it the
        lines wait for calls of `line`. `gone()` is called once the process has ended and its last
        line was read. `log`: file for standard error; by default it goes to this process's own."""
        self.name = f"{module} {arguments[0]}" if module == "fevergate.cli" else module
        self._heard = heard
        self._gone = gone
        self._log = log
        path = os.pathsep.join(filter(None, (str(TOOLS), os.environ.get("PYTHONPATH"))))
        errors = log.open("ab") if log else None
        self._process = child_process.start(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=os.environ | {"PYTHONPATH": path} | (environment or {}),
            start_new_session=True,  # Ctrl-C reaches only this process, which then ends the child
        )
        if errors:
            errors.close()
        self.pid = self._process.pid
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL if the process still runs after `END_S`; no effect if it has
        ended."""
        assert self._process.stdin  # noqa: S101 - a pipe, see __init__
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)
        self.kill()

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """Send SIGKILL; returns once all its output was read."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def wait(self, timeout_s: float) -> None:
        """Wait until the process ends. Raises `HarnessError` at a timeout, and if its exit code is
        not 0."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise HarnessError(f"{self.name} does not end in {timeout_s:.0f} s") from None
        if code:
            raise HarnessError(f"{self.name} ended with {code}")

    def wait_for(self, path: Path, timeout_s: float) -> None:
        """Wait until the process has created a file. Raises `HarnessError` at a timeout, and, with
        the last lines of the log, if the process has ended."""
        wait_until(lambda: path.exists() or self.ended, timeout_s, f"{self.name} runs")
        if self.ended:
            lines = self._log.read_text(errors="replace").splitlines()[-3:] if self._log else []
            raise HarnessError(f"{self.name} ended: {' '.join(lines)}")

    def tell(self, line: str) -> None:
        """Write a line to the process's standard input."""
        assert self._process.stdin  # noqa: S101 - a pipe, see __init__
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def line(self, timeout_s: float) -> str:
        """Next line of standard output. Raises `HarnessError` at a timeout, and if the process has
        ended."""
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise HarnessError(f"{self.name}: no line in {timeout_s:.0f} s") from None
        if line is None:
            raise HarnessError(f"{self.name}: ended, exit {self._process.wait()}")
        return line

    def status_kb(self, field: str) -> int:
        """A figure in kB of /proc/PID/status, such as VmRSS."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1])
        raise HarnessError(f"/proc/{self.pid}/status: no {field}")

    def forget_peak(self) -> None:
        """Reset VmHWM, its peak memory (Linux, proc_pid_clear_refs(5))."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def cpu_s(self) -> float:
        """CPU seconds used, user and system."""
        return cpu_s(self.pid)

    def _read(self) -> None:
        assert self._process.stdout  # noqa: S101 - a pipe, see __init__
        for line in self._process.stdout:
            if line.endswith(b"\n"):  # drop a line that SIGKILL cut short
                (self._heard or self._lines.put)(line.decode().rstrip("\n"))
        self._gone()
        self._lines.put(None)


def cpu_s(pid: int) -> float:
    """CPU seconds used by a process, user and system (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def wait_until(ready: Callable[[], bool], timeout_s: float, condition: str) -> None:
    """Wait until `ready()` is true. Raises `HarnessError` with `condition` in words."""
    until = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > until:
            raise HarnessError(f"after {timeout_s:.0f} s still not: {condition}")
        time.sleep(0.05)
