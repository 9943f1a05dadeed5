"""Writes MicroPython onto a chip with esptool, which starts the chip's ROM loader by the lines DTR
and RTS.

https://docs.espressif.com/projects/esptool/en/latest/esp32/esptool/scripting.html
"""

import io
import struct
import termios
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

from fevergate.errors import FlashError
from fevergate.flash.image import Image

BAUD = 460_800
ATTEMPTS = 4

Progress = Callable[[int, int], None]


class _ProgressOnly(EspLogBase):
    """Logger for esptool that passes its progress on and drops its messages."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def _drop(self, *_: Any, **__: Any) -> None:
        """Drop a message: if a step fails, esptool raises an exception too."""

    print = err = warn = note = hint = debug = set_verbosity = _drop

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
    EspLog.instance = _ProgressOnly(progress)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        EspLog.instance = before


@dataclass(frozen=True)
class Chip:
    """The chip at a port."""

    name: str
    """esptool's name of the chip, such as "ESP32-S3"."""
    description: str
    psram: str
    """"none", "quad" or "octal" by the chip's eFuses; "unknown" if the eFuses do not say. They do
    not cover PSRAM outside the chip's package, as in an ESP32-WROVER-E."""


class RomLoader:
    """A chip in download mode, made by `opened`; all failures raise `FlashError`."""

    def __init__(self, port: str, loader: Any) -> None:
        self._port = port
        self._loader = loader
        self.chip = Chip(loader.CHIP_NAME, loader.get_chip_description(), _psram(loader))

    def write(self, image: Image, baud: int = BAUD) -> None:
        """Write an image at its offset and verify its digest; parts that the flash already holds
        are skipped. Raises `FlashError` before writing if the flash is too small."""
        loader: Any = cmds.run_stub(self._loader)
        # No retry after a lost connection: a person should check the cable first.
        loader.WRITE_FLASH_ATTEMPTS = 1
        self._loader = loader
        loader.change_baud(baud)
        cmds.attach_flash(loader)
        size = cmds.detect_flash_size(loader)
        if (flash_size_bytes(size) or image.flash_bytes) < image.flash_bytes:
            raise FlashError(
                f"{self._port}: has {size} of flash, {image.name} needs {image.flash_bytes >> 20}MB"
            )
        cmds.write_flash(loader, [(image.model.offset, image.data)], skip_flashed=True)

    def restart(self) -> None:
        """Reset the chip, so that it starts from flash. Errors are ignored, because a chip's own
        USB port disappears during a reset; the next request shows whether the chip started."""
        with suppress(FatalError, OSError):
            cmds.reset_chip(self._loader, "hard-reset")


@contextmanager
def opened(port: str, progress: Progress) -> Iterator[RomLoader]:
    """Reset the chip at a serial port (a device or pyserial URL) into its ROM loader; at the end of
    the block it is restarted. `progress` is called with the bytes sent and their total. Raises
    `FlashError`."""
    with _quiet(progress):
        loader: Any = None
        try:
            loader = cmds.connect_esp(port, connect_attempts=ATTEMPTS)
            # esptool changes the port's timeout for each command that needs another one, and then
            # changes it back. This is the timeout of most commands, so that few changes remain.
            loader._port.timeout = DEFAULT_TIMEOUT
            rom = RomLoader(port, loader)
            try:
                yield rom
            except FlashError:
                rom.restart()  # a refused board starts again with the software that it has
                raise
            rom.restart()
        except (FatalError, OSError, *_NONSENSE) as error:
            raise FlashError(f"{port}: {_plain(error)}") from error
        finally:
            if loader is not None:
                with suppress(OSError):  # the cable was pulled
                    loader._port.close()


# ESP32-S3: value of eFuse PSRAM_CAP (esptool, `ESP32S3ROM.get_chip_features`). PSRAM of 2 MB in the
# package is quad, of 8 or 16 MB octal (ESP32-S3 Series Datasheet v2.2, table 1-1).
_S3_PSRAM = {0: "none", 1: "octal", 2: "quad", 3: "octal"}
# ESP32: numbers of the packages with PSRAM (ESP32-PICO-V3-02, ESP32-D0WDR2-V3).
_ESP32_WITH_PSRAM = (6, 7)


def _psram(loader: Any) -> str:
    if isinstance(loader, ESP32S3ROM):
        return _S3_PSRAM.get(loader.get_psram_cap(), "unknown")
    # The class alone is not enough: esptool derives other chips' classes from ESP32ROM.
    plain = isinstance(loader, ESP32ROM) and loader.CHIP_NAME == ESP32ROM.CHIP_NAME
    return "quad" if plain and loader.get_pkg_version() in _ESP32_WITH_PSRAM else "unknown"


_NONSENSE = (LookupError, TypeError, ValueError, ArithmeticError, struct.error, termios.error)
"""Errors of esptool if a chip's answer is shorter than or different from what it expects, and of
pyserial if the port disappears while its input is discarded."""

_ADVICE = {
    "Could not open": "no such port, or no right to it",
    "Failed to connect": "hold BOOT while this starts; is it an ESP32, with a cable that has data?",
}


def _plain(error: Exception) -> str:
    """esptool's message in one line, with advice."""
    words = " ".join(str(error).split())
    if isinstance(error, _NONSENSE):
        words = f"the answer is not a chip's ({words})"
    for pattern, advice in _ADVICE.items():
        if pattern in words:
            return f"{words}: {advice}"
    return f"{words}: check the cable and flash again; a half-written image does no harm"
