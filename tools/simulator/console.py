"""One boot of a board whose console is a terminal with MicroPython's own REPL.

Ctrl-C reaches a program as a signal, and the REPL as a byte, as on a UART. It does not interrupt
code in the raw REPL, because MicroPython's unix port reads nothing while that code runs.
"""

import contextlib
import os
import pty
import termios
import threading
import tty
from collections.abc import Callable
from typing import Any

from simulator.process import BoardProcess
from simulator.stand_ins import SOURCES

CONSOLE = SOURCES / "console.py"
CTRL_C = b"\x03"
_POLL_S = 0.01
_LOCAL, _SPECIAL = 3, 6  # indices into the list of termios.tcgetattr


class ConsoleProcess(BoardProcess):
    """A boot on a pseudo-terminal. `on_bytes` receives the output; `raw`: start in the raw REPL."""

    def __init__(self, *boot: Any, on_bytes: Callable[[bytes], None], raw: bool) -> None:
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        modes = termios.tcgetattr(self._theirs)
        modes[_LOCAL] |= termios.ISIG
        modes[_SPECIAL][termios.VQUIT] = modes[_SPECIAL][termios.VSUSP] = b"\0"
        termios.tcsetattr(self._theirs, termios.TCSANOW, modes)
        super().__init__(
            *boot,
            script=CONSOLE,
            through=("setsid", "--ctty"),  # so that Ctrl-C interrupts
            options=("-i",),
            arguments=("raw" if raw else "",),
            **dict.fromkeys(("stdin", "stdout", "stderr"), self._theirs),
        )
        self._on_bytes = on_bytes
        self._over = threading.Event()
        self._waiting = bytearray(b"\x01" if raw else b"")
        self._writing = threading.Lock()
        self._start(self._read, self._write)

    def write(self, data: bytes) -> None:
        """Type `data`; bytes that the program does not read wait for the REPL."""
        with self._writing:
            reads = self._reads()
            if not reads and CTRL_C in data:
                os.write(self._ours, CTRL_C)
                data = data.replace(CTRL_C, b"")
            at_once = reads and not self._waiting
            self._waiting += data
            if at_once:
                self._pass_on()

    def _join(self) -> None:
        self._over.set()
        os.close(self._theirs)
        super()._join()
        os.close(self._ours)

    def _reads(self) -> bool:
        """Whether the REPL reads the terminal, which the REPL sets to pass Ctrl-C as a byte."""
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
        """Write one line at most, because the REPL discards input while it handles a line."""
        line = bytes(self._waiting[: min(self._waiting.find(b"\r") + 1 or 1024, 1024)])
        del self._waiting[: os.write(self._ours, line)]
