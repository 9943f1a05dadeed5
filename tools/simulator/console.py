"""One boot of a board whose console is a terminal with MicroPython's own REPL.

Ctrl-C reaches a program as a signal and the REPL as a byte, as on a UART. It does not interrupt
code in the raw REPL: MicroPython's unix port reads nothing meanwhile.
"""

import contextlib
import json
import os
import pty
import subprocess
import sys
import termios
import threading
import tty
from collections.abc import Callable, Mapping
from pathlib import Path

from simulator.interpreters import Interpreter
from simulator.process import HERE, LAUNCH

CONSOLE = HERE / "device" / "console.py"
CTRL_C = b"\x03"
_POLL_S = 0.01
_LOCAL, _SPECIAL = 3, 6  # indices into the list of termios.tcgetattr


class ConsoleProcess:
    """MicroPython on a pseudo-terminal. Start it from a thread that outlives it: Linux ends it
    with that thread. `on_bytes` gets the output; `raw` starts in the raw REPL."""

    def __init__(
        self,
        port: int,
        speed: float,
        heap: str,
        flash_dir: Path,
        about: Mapping[str, object],
        on_bytes: Callable[[bytes], None],
        interpreter: Interpreter,
        *,
        raw: bool,
    ) -> None:
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        modes = termios.tcgetattr(self._theirs)
        modes[_LOCAL] |= termios.ISIG
        modes[_SPECIAL][termios.VQUIT] = modes[_SPECIAL][termios.VSUSP] = b"\0"
        termios.tcsetattr(self._theirs, termios.TCSANOW, modes)
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-P", str(LAUNCH), str(os.getpid())),
                *(*interpreter.launched(), "-X", f"heapsize={heap}", "-i", str(CONSOLE)),
                *(str(port), str(round(speed * 1000)), str(flash_dir), json.dumps(about)),
                "raw" if raw else "",
            ],
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            env=interpreter.environment(),
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._on_bytes = on_bytes
        self._over = threading.Event()
        self._waiting = bytearray(b"\x01" if raw else b"")
        self._writing = threading.Lock()
        self._threads = [
            threading.Thread(target=work, name="simulator-console", daemon=True)
            for work in (self._read, self._write)
        ]
        for thread in self._threads:
            thread.start()

    def wait(self, timeout_s: float) -> int | None:
        """The exit code, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout_s)
        return None

    def write(self, data: bytes) -> None:
        """Type `data`; what the program does not read waits for the REPL."""
        with self._writing:
            reads = self._reads()
            if not reads and CTRL_C in data:
                os.write(self._ours, CTRL_C)
                data = data.replace(CTRL_C, b"")
            at_once = reads and not self._waiting
            self._waiting += data
            if at_once:
                self._pass_on()

    def kill(self) -> None:
        """Kill the process (SIGKILL) and wait for it and its threads."""
        self._process.kill()
        self._process.wait()
        self._over.set()
        os.close(self._theirs)
        for thread in self._threads:
            thread.join()
        os.close(self._ours)

    def _reads(self) -> bool:
        """Whether the REPL reads the terminal: it takes Ctrl-C as a byte."""
        return not termios.tcgetattr(self._ours)[_LOCAL] & termios.ISIG

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while data := os.read(self._ours, 4096):
                self._on_bytes(data)

    def _write(self) -> None:
        while not self._over.wait(_POLL_S):
            with self._writing, contextlib.suppress(OSError):
                if self._waiting and self._reads():
                    self._pass_on()

    def _pass_on(self) -> None:
        """Write one line at most: the REPL discards input that comes while it handles a line."""
        some = bytes(self._waiting[: min(self._waiting.find(b"\r") + 1 or 1024, 1024)])
        del self._waiting[: os.write(self._ours, some)]
