"""The MicroPython process of one boot of a board, and its console output."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from simulator.interpreters import Interpreter
from simulator.stand_ins import SOURCES, START

HERE = Path(__file__).resolve().parent
LAUNCH = HERE / "launch.py"


class BoardProcess:
    """One boot. Start it from a thread that outlives it: Linux ends it with that thread."""

    def __init__(
        self,
        port: int,
        speed: float,
        heap: str,
        flash_dir: Path,
        about: Mapping[str, object],
        on_line: Callable[[str], None],
        interpreter: Interpreter,
        stand_ins: Path = SOURCES,
    ) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-P", str(LAUNCH), str(os.getpid())),
                *(*interpreter.launched(), "-X", f"heapsize={heap}", str(stand_ins / START)),
                *(str(port), str(round(speed * 1000)), str(flash_dir), json.dumps(about)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=interpreter.environment(),
            start_new_session=True,  # a Ctrl-C in the terminal must not reach the board
        )
        self.pid = self._process.pid
        self._on_line = on_line
        self._reader = threading.Thread(target=self._read, name="simulator-console", daemon=True)
        self._reader.start()

    def wait(self, timeout_s: float) -> int | None:
        """The exit code, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout_s)
        return None

    def kill(self) -> None:
        """Kill the process (SIGKILL) and wait for it and its console's reader."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  # asked for above
        with self._process.stdout as console:
            for line in console:
                self._on_line(line.rstrip("\r\n"))
