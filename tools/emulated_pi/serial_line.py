"""The Pi's serial line: sends commands, receives their results and a kiosk's reports.

The other end is `guest/agent`.
"""

import base64
import binascii
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from emulated_pi.errors import PiCheckError

RECORD = b"\x1e"
"""Starts each record; what precedes it on a line was printed by the kernel."""


class Result(NamedTuple):
    """Exit code and output of a command on the Pi."""

    code: int
    text: str


class Event(NamedTuple):
    """A kiosk's report, "sent" or "stored", the reading's number, and the time of receipt
    (monotonic s)."""

    word: str
    number: int
    at: float


class SerialLine:
    """The serial line over all boots of the Pi; what was received is kept."""

    def __init__(self, log: Path, alive: Callable[[], None]) -> None:
        """`alive` raises `PiCheckError` if QEMU no longer runs."""
        self._log, self._alive = log, alive
        self._line: socket.socket | None = None
        self._events: list[Event] = []
        self._parts: dict[str, str] = {}
        self._answers: dict[int, Result] = {}
        self._changed = threading.Condition()
        self._number = 0
        self.hellos = 0
        """Number of times that the agent has started."""

    def open(self, line: socket.socket) -> None:
        """Receive from a new connection."""
        self.close()
        self._line = line
        threading.Thread(target=self._listen, args=(line,), name="serial", daemon=True).start()

    def close(self) -> None:
        """Close the connection; what was received is kept."""
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)
            self._line.close()
            self._line = None

    def _listen(self, line: socket.socket) -> None:
        with (
            self._log.open("ab", buffering=0) as log,
            line.makefile("rb") as file,
            contextlib.suppress(OSError, ValueError),
        ):
            for row in file:
                log.write(row)
                self._hear(row)

    def _hear(self, row: bytes) -> None:
        _, separator, message = row.strip().rpartition(RECORD)
        words = message.decode("ascii", "replace").split()
        if not separator or not words:
            return
        with self._changed:
            if words == ["hello"]:
                self.hellos += 1
            elif words[0] == "part" and len(words) == 3:
                self._parts[words[1]] = self._parts.get(words[1], "") + words[2]
            elif words[0] == "done" and len(words) == 3:
                with contextlib.suppress(ValueError, binascii.Error):
                    text = base64.b64decode(self._parts.pop(words[1], ""))
                    self._answers[int(words[1])] = Result(
                        int(words[2]), text.decode("utf-8", "replace").strip()
                    )
            elif len(words) == 2 and words[1].isdecimal():
                self._events.append(Event(words[0], int(words[1]), time.monotonic()))
            self._changed.notify_all()

    def run(self, command: str, timeout_s: float, *, check: bool = True) -> Result:
        """Run a shell command as root. Raises `PiCheckError` if it fails or does not end."""
        if self._line is None:
            raise PiCheckError(f"{command}: the Pi is switched off")
        self._number += 1
        number = self._number
        line = f"{number} {base64.b64encode(command.encode()).decode()}\n"
        try:
            self._line.sendall(line.encode())
        except OSError as error:
            raise PiCheckError(f"{command}: the serial line ended: {error}") from error
        self.until(lambda: number in self._answers, timeout_s, command)
        result = self._answers.pop(number)
        if check and result.code:
            raise PiCheckError(f"{command}: {result.text[-600:]} (exit code {result.code})")
        return result

    def until(self, condition: Callable[[], object], seconds: float, description: str) -> None:
        """Wait until what was received meets a condition. Raises `PiCheckError` after `seconds`."""
        end = time.monotonic() + seconds
        with self._changed:
            while not condition():
                self._changed.wait(0.2)
                self._alive()
                if time.monotonic() > end:
                    raise PiCheckError(f"after {seconds:.0f} s still waiting for: {description}")

    def events(self, word: str) -> list[int]:
        """Numbers of the readings for which the kiosk has reported `word`, in order."""
        with self._changed:
            return [event.number for event in self._events if event.word == word]

    def heard_at(self, word: str, number: int) -> float | None:
        """When the kiosk first reported `word` for a reading (monotonic s), or None."""
        with self._changed:
            times = (event.at for event in self._events if event[:2] == (word, number))
            return next(times, None)
