"""MicroPython onto a chip: esptool, over the ROM loader that DTR and RTS start.

https://docs.espressif.com/projects/esptool/en/latest/esp32/esptool/scripting.html
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from esp_pylib.logger import EspLog, EspLogBase
from esptool import cmds
from esptool.loader import DEFAULT_TIMEOUT, ESPLoader
from esptool.targets.esp32 import ESP32ROM
from esptool.util import FatalError
from serial import SerialException

from fevergate.errors import FlashError
from fevergate.flash.image import OFFSET, Image

BAUD = 460_800
ATTEMPTS = 4

Progress = Callable[[int, int], None]


class _Told(EspLogBase):
    """Hears what esptool says, and passes on how far it is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def _unheard(self, *_: Any, **__: Any) -> None:
        """What goes wrong is raised as well."""

    print = err = warn = note = hint = debug = set_verbosity = _unheard

    def progress_bar(
        self,
        cur_iter: int,
        total_iters: int,
        prefix: str = "",
        suffix: str = "",
        bar_length: int = 30,
    ) -> None:
        self._progress(cur_iter, total_iters)


@contextmanager
def _quiet(progress: Progress) -> Iterator[None]:
    before = EspLog.instance
    EspLog.instance = _Told(progress)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        EspLog.instance = before


def write_micropython(port: str, image: Image, progress: Progress, baud: int = BAUD) -> str:
    """Write `image` onto the ESP32 at a serial port (a device or one of pyserial's URLs), read back
    its digest, and start the board; what lies there already is not written again. `progress` gets
    bytes sent and bytes in all. Returns what chip it is. Raises `FlashError`."""
    with _quiet(progress):
        chip: ESPLoader | None = None
        try:
            chip = cmds.connect_esp(port, connect_attempts=ATTEMPTS)
            # esptool's other chips are kinds of it, too.
            if not isinstance(chip, ESP32ROM) or chip.CHIP_NAME != ESP32ROM.CHIP_NAME:
                raise FlashError(f"{port}: {chip.CHIP_NAME}, expected {ESP32ROM.CHIP_NAME}")
            # What most commands ask for: else each would set the port up twice.
            chip._port.timeout = DEFAULT_TIMEOUT
            about = chip.get_chip_description()
            chip = cmds.run_stub(chip)
            # A line that was lost is for a person to look at, not to be taken up in the middle.
            chip.WRITE_FLASH_ATTEMPTS = 1  # pyright: ignore[reportAttributeAccessIssue]
            chip.change_baud(baud)
            cmds.attach_flash(chip)
            cmds.write_flash(chip, [(OFFSET, image.data)], skip_flashed=True)
            cmds.reset_chip(chip, "hard-reset")
        except (FatalError, SerialException, OSError) as error:
            raise FlashError(f"{port}: {_plain(error)}") from error
        finally:
            if chip is not None:
                _close(chip)
    return about


def _close(chip: ESPLoader) -> None:
    try:
        chip._port.close()
    except (SerialException, OSError):
        return  # it was pulled


_ADVICE = {
    "Could not open": "no such port, or no right to it",
    "Failed to connect": "hold BOOT while this starts; is it an ESP32, with a cable that has data?",
}


def _plain(error: Exception) -> str:
    """esptool's words in one line, and what a person can do."""
    words = " ".join(str(error).split())
    for known, advice in _ADVICE.items():
        if known in words:
            return f"{words}: {advice}"
    return f"{words}: look at the cable and flash again, half an image is no harm"
