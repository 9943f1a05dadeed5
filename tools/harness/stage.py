"""A private folder with a provisioned gateway and a running broker, and processes beside it."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from fevergate.provision import provision
from fevergate.settings import load_gateway
from harness import process
from harness.broker import LocalBroker, free_port
from harness.errors import HarnessError

TOOLS = Path(__file__).resolve().parents[1]
CAMPUS = "bench"
GATE = "north"
END_S = 30


class Worker:
    """A process of ours whose lines are read as they come; it ends with its `with` block."""

    def __init__(
        self,
        module: str,
        *arguments: str,
        environment: dict[str, str] | None = None,
        heard: Callable[[str], object] | None = None,
    ) -> None:
        """`heard` is told each line, from a thread of its own; else they wait to be asked for."""
        self.name = module
        self._heard = heard
        path = os.pathsep.join(filter(None, (str(TOOLS), os.environ.get("PYTHONPATH"))))
        self._process = process.start(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": path} | (environment or {}),
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join()

    @property
    def ended(self) -> bool:
        """Whether it is no more."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def wait(self, timeout_s: float) -> None:
        """Until it ends by itself. Raises `HarnessError` where it does not, or not well."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise HarnessError(f"{self.name} does not end in {timeout_s:.0f} s") from None
        if code:
            raise HarnessError(f"{self.name} ended with {code}")

    def tell(self, line: str) -> None:
        """A line on its standard input."""
        assert self._process.stdin  # noqa: S101 - asked for above
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def line(self, timeout_s: float) -> str:
        """Its next line. Raises `HarnessError` where none comes."""
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise HarnessError(f"{self.name}: said nothing for {timeout_s:.0f} s") from None
        if line is None:
            raise HarnessError(f"{self.name}: ended, exit {self._process.wait()}")
        return line

    def last_lines(self) -> list[str]:
        """What it said until its end, and nobody has read yet."""
        self._reader.join()
        lines = []
        while not self._lines.empty():
            lines.append(self._lines.get_nowait())
        return [line for line in lines if line is not None]

    def drop_lines(self) -> None:
        """Forget what it said up to now."""
        while not self._lines.empty():
            self._lines.get_nowait()

    def status_kb(self, field: str) -> int:
        """A figure in kB of /proc/PID/status, such as VmRSS."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1])
        raise HarnessError(f"/proc/{self.pid}/status: no {field}")

    def cpu_s(self) -> float:
        """Seconds of CPU that it used, user and system."""
        text = Path(f"/proc/{self.pid}/stat").read_text()
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _read(self) -> None:
        assert self._process.stdout  # noqa: S101 - asked for above
        for line in self._process.stdout:
            if line.endswith(b"\n"):  # one that SIGKILL cut short says nothing
                text = line.decode().rstrip("\n")
                if self._heard:
                    self._heard(text)
                else:
                    self._lines.put(text)
        self._lines.put(None)


class Stage:
    """Use it in a `with` statement; `folder` holds it all, and is a private one by default."""

    def __init__(
        self,
        kiosks: int,
        folder: Path | None = None,
        queued: int = 0,
        *,
        collect: bool = False,
        campus_server_url: str | None = None,
    ) -> None:
        self._own = tempfile.TemporaryDirectory(prefix="fevergate-bench-", dir=folder)
        self.folder = Path(self._own.name) / "gateway"
        self.kiosks = [f"kiosk-{number}" for number in range(1, kiosks + 1)]
        provision(
            self.folder,
            campus=CAMPUS,
            gateway="gw-bench",
            gates={GATE: self.kiosks},
            broker_port=free_port(),
            collect=collect,
            campus_server_url=campus_server_url,
        )
        if queued:
            self._let_queue(queued)
        self.path = self.folder / "gateway.toml"
        toml = self.path.read_text().replace("port = 8443", f"port = {free_port()}")
        self.path.write_text(toml)
        self.password = ""
        """Of the pages' administrator, once there is one."""
        self.settings = load_gateway(self.path)
        self.card: Path | None = None
        self.broker = LocalBroker(self.folder)

    def __enter__(self) -> Self:
        try:
            self.broker.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.broker.stop()
        if self.card:
            subprocess.run(["umount", "--lazy", self.card], check=False)
        self._own.cleanup()

    def put_database_on_a_card(self, size_mb: int) -> bool:
        """A file system of its own for the database; False where this user may not mount one."""
        card = self.folder / "card"
        card.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(card)]
        if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
            return False
        self.card = card
        self.path.write_text('database = "card/fevergate.db"\n' + self.path.read_text())
        self.settings = load_gateway(self.path)
        return True

    def _let_queue(self, messages: int) -> None:
        """Room at the broker for a backlog of so many, and for a few beside."""
        path = self.folder / "mosquitto.conf"
        lines = [
            f"max_queued_messages {messages + 1000}" if line.startswith("max_queued_m") else line
            for line in path.read_text().splitlines()
        ]
        path.write_text("\n".join(lines) + "\n")

    @property
    def database(self) -> Path:
        return self.settings.path(self.settings.database)

    def gateway(self, environment: dict[str, str] | None = None) -> Worker:
        """The shipped gateway on timed mock pins."""
        return Worker("harness.timed_gateway", str(self.path), environment=environment)

    def load(self, *arguments: str) -> Worker:
        """The load generator."""
        return Worker("harness.load", str(self.path), *arguments)
