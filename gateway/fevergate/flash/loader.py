"""MicroPython onto a chip: esptool, over the ROM loader that DTR and RTS start.

https://docs.espressif.com/projects/esptool/en/latest/esp32/esptool/scripting.html
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from typing import Any

from esp_pylib.logger import EspLog, EspLogBase
from esptool import cmds
from esptool.loader import DEFAULT_TIMEOUT
from esptool.targets.esp32 import ESP32ROM
from esptool.targets.esp32s3 import ESP32S3ROM
from esptool.util import FatalError, flash_size_bytes
from serial import SerialException

from fevergate.errors import FlashError
from fevergate.flash.image import Image

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


@dataclass(frozen=True)
class Chip:
    """What answers at a port."""

    name: str
    """As esptool names it: "ESP32-S3"."""
    description: str
    psram: str
    """"none", "quad" or "octal" by the chip's eFuses; "unknown" where they do not tell: PSRAM
    beside the chip, as in an ESP32-WROVER-E, is in none."""


class RomLoader:
    """A chip that waits for download; all that goes wrong is a `FlashError`. See `opened`."""

    def __init__(self, port: str, loader: Any) -> None:
        self._port = port
        self._loader = loader
        self.chip = Chip(loader.CHIP_NAME, loader.get_chip_description(), _psram(loader))

    def write(self, image: Image, baud: int = BAUD) -> None:
        """Write an image where the chip looks for it, and read back its digest; what lies there
        already is not written again. Nothing is written to a flash that is too small for it."""
        loader: Any = cmds.run_stub(self._loader)
        # A line that was lost is for a person to look at, not to be taken up in the middle.
        loader.WRITE_FLASH_ATTEMPTS = 1
        self._loader = loader
        loader.change_baud(baud)
        cmds.attach_flash(loader)
        size = cmds.detect_flash_size(loader)
        if (flash_size_bytes(size) or image.flash_bytes) < image.flash_bytes:
            raise FlashError(
                f"{self._port}: {size} of flash, {image.name} expects {image.flash_bytes >> 20}MB"
            )
        cmds.write_flash(loader, [(image.model.offset, image.data)], skip_flashed=True)

    def restart(self) -> None:
        """Start what lies on the flash. A chip's own USB port goes away meanwhile; whether it did
        start shows when it is asked something."""
        with suppress(FatalError, SerialException, OSError):
            cmds.reset_chip(self._loader, "hard-reset")


@contextmanager
def opened(port: str, progress: Progress) -> Iterator[RomLoader]:
    """The chip at a serial port (a device or one of pyserial's URLs), reset into its ROM's loader
    and out of it again; `progress` gets bytes sent and bytes in all. Raises `FlashError`."""
    with _quiet(progress):
        loader: Any = None
        try:
            loader = cmds.connect_esp(port, connect_attempts=ATTEMPTS)
            # What most commands ask for: else each would set the port up twice.
            loader._port.timeout = DEFAULT_TIMEOUT
            rom = RomLoader(port, loader)
            try:
                yield rom
            except FlashError:
                rom.restart()  # a board that is refused goes on as before
                raise
            rom.restart()
        except (FatalError, SerialException, OSError) as error:
            raise FlashError(f"{port}: {_plain(error)}") from error
        finally:
            if loader is not None:
                _close(loader)


# ESP32-S3: eFuse PSRAM_CAP (esptool, `ESP32S3ROM.get_chip_features`). In a package there are 2 MB
# with four lines, and 8 or 16 MB with eight (ESP32-S3 Series Datasheet v2.2, table 1-1).
_S3_PSRAM = {0: "none", 1: "octal", 2: "quad", 3: "octal"}
# ESP32: packages with PSRAM (ESP32-PICO-V3-02, ESP32-D0WDR2-V3).
_ESP32_WITH_PSRAM = (6, 7)


def _psram(loader: Any) -> str:
    if isinstance(loader, ESP32S3ROM):
        return _S3_PSRAM.get(loader.get_psram_cap(), "unknown")
    # esptool's other chips are kinds of it, too.
    plain = isinstance(loader, ESP32ROM) and loader.CHIP_NAME == ESP32ROM.CHIP_NAME
    return "quad" if plain and loader.get_pkg_version() in _ESP32_WITH_PSRAM else "unknown"


def _close(chip: Any) -> None:
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
