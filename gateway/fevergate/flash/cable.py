"""A board with MicroPython at a serial port: writes files and runs code, by mpremote's raw REPL."""

from __future__ import annotations

import io
import json
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from serial import Serial, SerialException

from fevergate.errors import FlashError
from fevergate.flash.files import MAIN, BoardFile, Firmware
from fevergate.flash.image import MINIMUM
from fevergate.kiosks import usb

SILENCE_S = 5
ANSWERS_S = 3
REOPEN_S = 1
QUIET_S = 0.5
TRIES = 10
"""Attempts to reach the prompt: the first boot creates the file system, which takes seconds."""

CHUNK = 1024
TOGETHER = 8
HOLD_MS = 900_000
"""Time for all the flashing: the watchdog of a running kiosk can be prolonged, not stopped."""

_ABOUT = """
import json, sys
_i = sys.implementation
print(json.dumps([" ".join(getattr(_i, "_machine", "").split()), list(_i.version[:3]),
    "kiosk.starter" in sys.modules]))
"""
_HOLD = f"import machine; machine.WDT(timeout={HOLD_MS}).feed()"
_DIGESTS = """
import binascii, hashlib, json
def _digest(path):
    try:
        with open(path, "rb") as file:
            sha, buffer = hashlib.sha256(), memoryview(bytearray(1024))
            while True:
                got = file.readinto(buffer)
                if not got:
                    return binascii.hexlify(sha.digest()).decode()
                sha.update(buffer[:got])
    except OSError:
        return ""
"""
_LIST = """
import json, os
def _list(folder):
    try:
        found = list(os.ilistdir(folder))
    except OSError:
        return []
    here = []
    for one in found:
        path = folder + "/" + one[0]
        here += _list(path) if one[1] == 0x4000 else [path]
    return here
"""
_REMOVE = """
import os
for _path in %r:
    try:
        os.remove(_path)
    except OSError:
        pass
"""
_FOLDERS = """
import os
for _path in %r:
    try:
        os.mkdir(_path)
    except OSError:
        pass
"""
# Leaves the slot of an over-the-air update. `issued` stays, so that older offers stay refused.
_IN_FORCE = """
from kiosk.starter import Installed
_i = Installed()
if _i.good or _i.trial or _i.failed:
    _i.good = _i.trial = _i.failed = _i.version = _i.fault = ""
    _i.booted = False
    _i.write()
"""

Moved = Callable[[str, int, int], None]
"""Called with a file's name, the bytes written so far, and the bytes of all files."""


@dataclass(frozen=True)
class About:
    """The board's `sys.implementation`: machine, and MicroPython's version."""

    machine: str
    version: tuple[int, ...]


@dataclass(frozen=True)
class Copied:
    """Numbers of files written, found unchanged, and removed as not part of the firmware."""

    written: int
    unchanged: int
    removed: int


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
        try:
            self._board.close()
        except (SerialException, OSError):
            return  # the cable was pulled

    def take(self) -> About:
        """Interrupt what runs, prolong a kiosk's watchdog, and start with an empty heap.
        Tried again while the board may still be booting."""
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
            shown = ".".join(map(str, about.version))
            raise FlashError(
                f"{self.port}: MicroPython {shown}, expected {MINIMUM[0]}.{MINIMUM[1]} or newer"
            )
        with self._spoken():
            self._board.enter_raw_repl(soft_reset=True)
        return about

    def _opened(self) -> SerialTransport:
        while True:
            try:
                return SerialTransport(self.port, timeout=SILENCE_S)
            except (TransportError, SerialException, OSError) as error:
                if time.monotonic() >= self._until:
                    why = f"no such port, or no right to it: {error}"
                    raise FlashError(f"{self.port}: {why}") from error
            time.sleep(REOPEN_S)

    def _asked(self) -> About:
        with self._spoken():
            self._prompt()
        machine, version, runs = json.loads(self.run(_ABOUT))
        self._known = True
        if runs:
            self.run(_HOLD)
        return About(machine, tuple(version))

    def put(self, firmware: Firmware, moved: Moved) -> Copied:
        """Write files that are missing or differ, remove others from the firmware's folders, and
        make this firmware the one that boots. Each file's SHA-256 is checked on the board."""
        *body, main = firmware.files
        there = self._digests([one.path for one in firmware.files])
        missing = [one for one in body if there[one.path] != one.sha256]
        strangers = self._strangers(firmware)
        if missing or strangers:
            self.run(_REMOVE % [MAIN])
            there[MAIN] = ""
        self.run(_FOLDERS % sorted({parent for one in missing for parent in _parents(one.path)}))
        last = [main] if there[MAIN] != main.sha256 else []
        size = sum(len(one.data) for one in missing + last)
        done = 0
        for one in missing:
            self._write(one, done, size, moved)
            done += len(one.data)
        self._verify(missing)
        self.run(_REMOVE % strangers)
        self.run(_IN_FORCE)
        for one in last:
            self._write(one, done, size, moved)
        self._verify(last)
        written = len(missing) + len(last)
        return Copied(written, len(firmware.files) - written, len(strangers))

    def settings(self, folder: Path, kiosk: str, moved: Moved) -> None:
        """Write a kiosk's settings and authority certificate. Raises `NothingFoundError` too."""
        source = usb.kiosk_folder(folder, kiosk)
        with self._spoken():
            usb.send(self._board, source, self.port, moved)

    def reset(self) -> None:
        """Reboot the board; nothing can be asked after that."""
        with self._spoken():
            usb.restart(self._board)

    def define(self, source: str) -> None:
        """Run code that defines names for `ask`."""
        self.run(source)

    def ask(self, expression: str, timeout_s: int = 10) -> Any:
        """Evaluate an expression on the board; its value must be JSON."""
        text = self.run(f"import json; print(json.dumps({expression}))", timeout_s)
        try:
            return json.loads(text)
        except ValueError as error:
            raise FlashError(f"{self.port}: expected an answer, got {text[:80]!r}") from error

    def run(self, code: str, timeout_s: int = 10) -> str:
        """Execute code; returns the last line that it printed."""
        with self._spoken():
            out, wrong = self._board.exec_raw(code, timeout=timeout_s)
        if wrong:
            last = wrong.decode(errors="replace").strip().splitlines()[-1]
            raise FlashError(f"{self.port}: the board says: {last[:200]}")
        lines = out.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _prompt(self) -> None:
        """Enter the raw REPL. A board that was booting answers earlier attempts late; these answers
        are discarded, else they would be taken for the next ones."""
        for left in reversed(range(TRIES)):
            try:
                self._board.enter_raw_repl(soft_reset=False, timeout_overall=ANSWERS_S)
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
        self._board.enter_raw_repl(soft_reset=False, timeout_overall=ANSWERS_S)

    def _digests(self, paths: Iterable[str]) -> dict[str, str]:
        """SHA-256 of each file on the board, "" for a missing one."""
        self.run(_DIGESTS)
        wanted = list(paths)
        found: dict[str, str] = {}
        for at in range(0, len(wanted), TOGETHER):
            some = wanted[at : at + TOGETHER]
            found |= zip(some, self.ask(f"[_digest(one) for one in {some!r}]"), strict=True)
        return found

    def _strangers(self, firmware: Firmware) -> list[str]:
        self.run(_LIST)
        ours = {one.path for one in firmware.files}
        found = [path for folder in firmware.folders for path in self.ask(f"_list({folder!r})")]
        stale = [path for path, digest in self._digests(firmware.stale).items() if digest]
        return [path for path in found if path not in ours] + stale

    def _write(self, one: BoardFile, before: int, size: int, moved: Moved) -> None:
        with self._spoken():
            self._board.fs_writefile(
                one.path,
                one.data,
                chunk_size=CHUNK,
                progress_callback=lambda at, _: moved(one.path, before + at, size),
            )

    def _verify(self, files: list[BoardFile]) -> None:
        there = self._digests([one.path for one in files])
        for one in files:
            if there[one.path] != one.sha256:
                raise FlashError(
                    f"{self.port}: {one.path} reads back otherwise than it was written: another "
                    "cable or port, then flash again"
                )

    @contextmanager
    def _spoken(self) -> Iterator[None]:
        """Turn mpremote's errors into `FlashError`, and suppress what it prints."""
        try:
            with redirect_stdout(io.StringIO()):
                yield
        except TransportExecError as error:
            last = error.error_output.strip().splitlines()[-1]
            raise FlashError(f"{self.port}: the board says: {last[:200]}") from error
        except (TransportError, SerialException, OSError, struct.error) as error:
            # With a pulled cable the port fails, or the board just stops answering.
            if self._known or not isinstance(error, TransportError | struct.error):
                why = f"the line was lost ({error}): look at the cable and flash again"
            else:
                why = f"expected a board with MicroPython: {error}"
            raise FlashError(f"{self.port}: {why}") from error


def _parents(path: str) -> list[str]:
    """The folders above a path, outermost first when sorted."""
    parts = path.split("/")[1:-1]
    return ["/" + "/".join(parts[: index + 1]) for index in range(len(parts))]
