"""A board with MicroPython at a serial port: writes files and runs code, by mpremote's raw REPL."""

from __future__ import annotations

import hashlib
import io
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from serial import Serial

from fevergate.errors import FlashError, NothingFoundError

MINIMUM = (1, 28)
"""The oldest MicroPython (major, minor) that the firmware runs on."""

SILENCE_S = 5
ANSWERS_S = 3
REOPEN_S = 1
QUIET_S = 0.5
TRIES = 10
"""Attempts to reach the prompt: the first boot creates the file system, which takes seconds."""

CHUNK = 1024
DIGESTS_S = 60
HOLD_MS = 900_000
"""Time for all the flashing: the watchdog of a running kiosk can be prolonged, not stopped."""

SETTINGS_FILES = ("ca.der", "settings.json")
"""Written in this order: if the cable is pulled half-way, the board has no settings and asks."""

_ABOUT = """
import json, sys
_i = sys.implementation
print(json.dumps([" ".join(getattr(_i, "_machine", "").split()), list(_i.version[:3]),
    "kiosk.starter" in sys.modules]))
"""
_HOLD = f"import machine; machine.WDT(timeout={HOLD_MS}).feed()"
_DIGESTS = """
import binascii, hashlib, os
def _below(folder):
    for name, kind, *_ in os.ilistdir(folder):
        yield from _below(folder + "/" + name) if kind == 0x4000 else (folder + "/" + name,)
def _digest(path):
    with open(path, "rb") as file:
        sha, buffer = hashlib.sha256(), memoryview(bytearray(1024))
        while size := file.readinto(buffer):
            sha.update(buffer[:size])
        return binascii.hexlify(sha.digest()).decode()
def _digests(folders, paths):
    for folder in folders:
        try:
            paths += list(_below(folder))
        except OSError:
            pass
    digests = {}
    for path in paths:
        try:
            digests[path] = _digest(path)
        except OSError:
            pass
    return digests
"""

_About = tuple[str, tuple[int, ...], bool]
"""What `_ABOUT` prints: machine, version, and whether a kiosk's firmware runs."""

Moved = Callable[[int, int], None]
"""Called with the bytes written so far, and the bytes of all files."""


@dataclass(frozen=True)
class BoardFile:
    """A file, and its absolute path on the board."""

    path: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class About:
    """The board's `sys.implementation`: machine, and MicroPython's version."""

    machine: str
    version: tuple[int, ...]


def settings_files(folder: Path, kiosk: str) -> list[BoardFile]:
    """A kiosk's files in a provisioned folder. Raises `NothingFoundError`."""
    source = folder / "kiosks" / kiosk
    if not (source / "settings.json").is_file():
        names = sorted(path.name for path in (folder / "kiosks").glob("*/"))
        raise NothingFoundError(f"kiosk {kiosk!r}: expected one of {', '.join(names) or 'none'}")
    return [BoardFile(f"/{name}", (source / name).read_bytes()) for name in SETTINGS_FILES]


class Cable:
    """An open serial port, as a context manager; all failures raise `FlashError`. The port may be
    missing for `patience_s`, as an ESP32-S3's own USB port is while MicroPython starts."""

    def __init__(self, port: str, patience_s: float = 0) -> None:
        self.port = port
        self._known = False
        self._until = time.monotonic() + patience_s
        self._board = self._opened()

    def __enter__(self) -> Cable:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the cable was pulled
            self._board.close()

    def take(self) -> About:
        """Interrupt the running program, prolong a kiosk's watchdog, and begin with an empty heap.
        Tries again while the board may still be booting."""
        while True:
            try:
                about = self._asked()
                break
            except FlashError:
                if time.monotonic() >= self._until:
                    raise
            time.sleep(REOPEN_S)
            self.__exit__()
            self._board = self._opened()
        if about.version[:2] < MINIMUM:
            version = ".".join(map(str, about.version))
            raise FlashError(
                f"{self.port}: MicroPython {version}, expected {MINIMUM[0]}.{MINIMUM[1]} or newer"
            )
        with self._spoken():
            self._enter(soft_reset=True)
        self.run(_DIGESTS)
        return about

    def _opened(self) -> SerialTransport:
        while True:
            try:
                return SerialTransport(self.port, timeout=SILENCE_S)
            except (TransportError, OSError) as error:
                if time.monotonic() >= self._until:
                    why = f"no such port, or no right to it: {error}"
                    raise FlashError(f"{self.port}: {why}") from error
            time.sleep(REOPEN_S)

    def _asked(self) -> About:
        with self._spoken():
            self._prompt()
        try:
            machine, version, runs = self._json_of(_ABOUT, kind=_About)
        except FlashError:  # the board was booting, and answered an earlier prompt
            with self._spoken():
                self._prompt()
            machine, version, runs = self._json_of(_ABOUT, kind=_About)
        self._known = True
        if runs:
            self.run(_HOLD)
        return About(machine, version)

    def reset(self) -> None:
        """Reboot the board; nothing can be asked after that.

        RTS and DTR are released first: they can pull the boot pin low for a moment, and a board
        that starts meanwhile would wait for a download.
        """
        port: Serial = self._board.serial  # pyright: ignore[reportAssignmentType]
        with suppress(OSError):  # a pseudo-terminal has none
            port.rts = False
            port.dtr = False
        with self._spoken():
            self._board.exec_raw_no_follow("import machine;machine.reset()")

    def ask(self, expression: str, timeout_s: int = 10, kind: Any = Any) -> Any:
        """Evaluate an expression on the board; its value must be JSON of a type."""
        return self._json_of(f"import json; print(json.dumps({expression}))", timeout_s, kind)

    def _json_of(self, code: str, timeout_s: int = 10, kind: Any = Any) -> Any:
        text = self.run(code, timeout_s)
        try:
            return msgspec.json.decode(text, type=kind)
        except (msgspec.MsgspecError, ValueError) as error:
            raise FlashError(f"{self.port}: expected an answer, got {text[:80]!r}") from error

    def run(self, code: str, timeout_s: int = 10) -> str:
        """Execute code; returns the last line that it printed."""
        with self._spoken():
            out, wrong = self._board.exec_raw(code, timeout=timeout_s)
            if wrong:
                raise TransportExecError(1, wrong.decode(errors="replace"))
        lines = out.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def digests(self, paths: Sequence[str], folders: Sequence[str] = ()) -> dict[str, str]:
        """SHA-256 of those of `paths` that are on the board, and of every file below `folders`."""
        expression = f"_digests({list(folders)}, {list(paths)})"
        return self.ask(expression, DIGESTS_S, dict[str, str])

    def write(self, files: Sequence[BoardFile], moved: Moved) -> None:
        """Write files, and make the folders that they need. The board reads each back."""
        folders = {str(folder) for file in files for folder in Path(file.path).parents[:-1]}
        size = sum(len(file.data) for file in files)
        before = 0
        with self._spoken():
            for folder in sorted(folders):
                with suppress(FileExistsError):
                    self._board.fs_mkdir(folder)
            for file in files:
                progress = partial(lambda before, at, _: moved(before + at, size), before)
                self._board.fs_writefile(file.path, file.data, CHUNK, progress)
                before += len(file.data)
        digests = self.digests([file.path for file in files])
        for file in files:
            if digests.get(file.path) != file.sha256:
                raise FlashError(
                    f"{self.port}: {file.path} does not read back as it was written: take another"
                    " cable or port, then flash again"
                )

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files that are on the board."""
        with self._spoken():
            for path in paths:
                self._board.fs_rmfile(path)

    def _prompt(self) -> None:
        """Enter the raw REPL. A board that was booting answers earlier attempts late; those answers
        are discarded, because they would be taken for answers to the next attempts."""
        for left in reversed(range(TRIES)):
            try:
                self._enter(ANSWERS_S)
            except TransportError:
                if not left:
                    raise
            else:
                if left == TRIES - 1:
                    return
                break
        time.sleep(QUIET_S)
        line: Serial = self._board.serial  # pyright: ignore[reportAssignmentType]
        while line.in_waiting:
            line.read(line.in_waiting)
            time.sleep(QUIET_S)
        self._enter(ANSWERS_S)

    def _enter(self, timeout_s: int = 10, *, soft_reset: bool = False) -> None:
        with redirect_stdout(io.StringIO()):  # mpremote prints unexpected answers
            self._board.enter_raw_repl(soft_reset, timeout_s)

    @contextmanager
    def _spoken(self) -> Iterator[None]:
        """Turn mpremote's errors into `FlashError`."""
        try:
            yield
        except TransportExecError as error:
            last = error.error_output.strip().splitlines()[-1]
            raise FlashError(f"{self.port}: the board says: {last[:200]}") from error
        except (TransportError, OSError, struct.error) as error:
            # With a pulled cable the port fails, or the board just stops answering.
            if self._known or not isinstance(error, TransportError | struct.error):
                why = f"the line was lost ({error}): look at the cable and flash again"
            else:
                why = f"expected a board with MicroPython: {error}"
            raise FlashError(f"{self.port}: {why}") from error
