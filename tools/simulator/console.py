"""One boot of a board whose console is a terminal: MicroPython's own REPL at its end.

Ctrl-C reaches a program as a signal, and the REPL as a byte, as on a UART. Code that never ends
in the raw REPL is not interrupted by it: MicroPython's unix port reads nothing meanwhile.
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
_LOCAL, _SPECIAL = 3, 6  # of what tcgetattr gives


class ConsoleProcess:
    """Start it from a thread that outlives it: Linux ties it to that thread. `on_bytes` gets what
    the board says; `raw` as after a soft reset out of the raw REPL."""

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
        """Somebody types. What a program does not read waits for the REPL."""
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
        """SIGKILL, and wait for all of it."""
        self._process.kill()
        self._process.wait()
        self._over.set()
        os.close(self._theirs)
        for thread in self._threads:
            thread.join()
        os.close(self._ours)

    def _reads(self) -> bool:
        """Whether the REPL reads: it then takes a Ctrl-C as a byte."""
        return not termios.tcgetattr(self._ours)[_LOCAL] & termios.ISIG

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # nobody holds the other end any more
            while data := os.read(self._ours, 4096):
                self._on_bytes(data)

    def _write(self) -> None:
        while not self._over.wait(_POLL_S):
            with self._writing, contextlib.suppress(OSError):
                if self._waiting and self._reads():
                    self._pass_on()

    def _pass_on(self) -> None:
        """At most a line: the REPL throws away what comes while it turns to the next one."""
        some = bytes(self._waiting[: min(self._waiting.find(b"\r") + 1 or 1024, 1024)])
        del self._waiting[: os.write(self._ours, some)]
