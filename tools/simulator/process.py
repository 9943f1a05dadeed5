"""The MicroPython process of one boot of a board, and its console output."""

import contextlib
import json
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simulator import child_process
from simulator.interpreters import Interpreter
from simulator.stand_ins import SOURCES, START


class BoardProcess:
    """One boot: MicroPython runs `script`, one of the stand-ins.

    `options` and `arguments` are added to the interpreter's and the script's own. `through` is a
    command that starts the interpreter, empty to start it directly."""

    def __init__(
        self,
        interpreter: Interpreter,
        port: int,
        speed: float,
        heap: str,
        flash_dir: Path,
        about: Mapping[str, object],
        script: Path = SOURCES / START,
        *,
        options: tuple[str, ...] = (),
        arguments: tuple[str, ...] = (),
        through: tuple[str, ...] = (),
        **streams: Any,
    ) -> None:
        self._process = child_process.start(
            [
                *(*through, *interpreter.command(), "-X", f"heapsize={heap}"),
                *(*options, str(script)),
                *(str(port), str(round(speed * 1000)), str(flash_dir), json.dumps(about)),
                *arguments,
            ],
            env=interpreter.environment(),
            start_new_session=not through,  # a Ctrl-C in the terminal must not reach the board
            **streams,
        )
        self.pid = self._process.pid
        self._threads: list[threading.Thread] = []

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the process to end; returns its exit code, or None if it runs on after
        `timeout_s`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout_s)
        return None

    def kill(self) -> None:
        """Kill the process (SIGKILL) and wait for it and its threads."""
        self._process.kill()
        self._process.wait()
        self._join()

    def _start(self, *work: Callable[[], None]) -> None:
        self._threads = [
            threading.Thread(target=target, name="simulator-console", daemon=True)
            for target in work
        ]
        for thread in self._threads:
            thread.start()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()


class LineProcess(BoardProcess):
    """A boot whose console takes no input; `on_line` is called with each line printed."""

    def __init__(self, *boot: Any, on_line: Callable[[str], None]) -> None:
        super().__init__(
            *boot,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._on_line = on_line
        self._start(self._read)

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  # asked for above
        with self._process.stdout as console:
            for line in console:
                self._on_line(line.rstrip("\r\n"))
