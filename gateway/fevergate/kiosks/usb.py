"""Writes a provisioned kiosk's settings onto its board over USB, through MicroPython's raw REPL.

Source: https://docs.micropython.org/en/latest/reference/repl.html#raw-mode-and-raw-paste-mode
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport
from serial import Serial, SerialException

from fevergate.errors import NothingFoundError, ProvisionError

FILES = ("ca.der", "settings.json")
"""Written in this order: if the cable is pulled half-way, the board has no settings and asks."""

SILENCE_S = 5


Moved = Callable[[str, int, int], None]
"""Called with a file's name, the bytes written so far, and its size."""


def write_settings(folder: Path, kiosk: str, port: str, progress: Moved) -> str:
    """Write `kiosks/<kiosk>` of a provisioned folder onto the board at `port`, and boot the board.

    Each file is read back. Returns what MicroPython calls the board. Raises `NothingFoundError`,
    `ProvisionError`.
    """
    source = kiosk_folder(folder, kiosk)
    try:
        board = SerialTransport(port, timeout=SILENCE_S)
    except (TransportError, SerialException, OSError) as error:
        raise ProvisionError(f"{port}: no such port, or no right to it: {error}") from error
    try:
        board.enter_raw_repl(soft_reset=False)
        about = board.exec("import sys;print(sys.implementation._machine)").decode()
        send(board, source, port, progress)
        restart(board)
    except (TransportError, SerialException, OSError) as error:
        raise ProvisionError(f"{port}: expected a board with MicroPython: {error}") from error
    finally:
        board.close()
    return " ".join(about.split())


def kiosk_folder(folder: Path, kiosk: str) -> Path:
    """The folder of one kiosk's files in a provisioned folder. Raises `NothingFoundError`."""
    source = folder / "kiosks" / kiosk
    if not (source / "settings.json").is_file():
        known = sorted(path.name for path in (folder / "kiosks").glob("*/"))
        raise NothingFoundError(f"kiosk {kiosk!r}: expected one of {', '.join(known) or 'none'}")
    return source


def send(board: SerialTransport, source: Path, port: str, progress: Moved) -> None:
    """Write a kiosk's files over an open raw REPL and read each back.

    Raises `ProvisionError`, and mpremote's own errors.
    """
    for name in FILES:
        data = (source / name).read_bytes()
        board.fs_writefile(f"/{name}", data, progress_callback=partial(progress, name))
        if board.fs_hashfile(f"/{name}", "sha256") != hashlib.sha256(data).digest():
            raise ProvisionError(f"{port}: {name} reads back otherwise than it was written")


def restart(board: SerialTransport) -> None:
    """Boot the board. Raises mpremote's own errors.

    RTS and DTR are released first: they can pull the boot pin low for a moment, and a board that
    starts meanwhile would wait for a download.
    """
    port: Serial = board.serial  # pyright: ignore[reportAssignmentType]
    with contextlib.suppress(OSError):  # a pseudo-terminal has none
        port.rts = False
        port.dtr = False
    board.exec_raw_no_follow("import machine;machine.reset()")
