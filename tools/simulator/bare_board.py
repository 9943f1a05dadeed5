"""A new board on a desk: an empty flash, and a USB cable over which it is flashed.

Without an image on its flash the board reports the missing image and waits. With one it runs
MicroPython, which runs the kiosk's files. The file system is a folder of the host.
"""

import time
from functools import partial
from pathlib import Path
from typing import Any

from simulator.board import Board
from simulator.chips import ESP32_S3_N8R2, MIB, Chip
from simulator.console import ConsoleProcess
from simulator.errors import SimulatorError
from simulator.frames import ResetCause
from simulator.rom import RomLoader, starts
from simulator.serial_line import Lines, SerialLine, UsbJtagLines

_POLL_S = 0.01
_OWN_USB_S = 0.5  # until MicroPython's TinyUSB replaces USB-Serial/JTAG
_BANNER = b"ets Jun  8 2016 00:22:57\r\n\r\nrst:0x1 (POWERON_RESET),boot:"
_DOWNLOAD = (
    _BANNER + b"0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))\r\nwaiting for download\r\n"
)
_EMPTY = _BANNER + b"0x13 (SPI_FAST_FLASH_BOOT)\r\ninvalid header: 0xffffffff\r\n"
SPIRAM, OCTAL = b"module with SPIRAM", b"with Octal-SPIRAM"
"""Parts of the board name in a MicroPython image; they state the PSRAM for which it is built."""

HEAP_WITHOUT_PSRAM = "256K"
"""Approximate Python heap of an ESP32-S3 without PSRAM, before Wi-Fi starts."""

_SOFT = b"MPY: soft reboot\r\n"


class BareBoard(Board):
    """A board to be flashed over its serial port `url`; `options` are `Board`'s.

    `usb_jtag`: the cable is in the chip's own USB socket, not in the USB bridge's. The port of the
    chip disappears when MicroPython starts its own.
    """

    def __init__(
        self,
        name: str,
        flash_dir: str | Path,
        *,
        chip: Chip = ESP32_S3_N8R2,
        usb_jtag: bool = False,
        **options: Any,
    ) -> None:
        model = "esp32-wrover-e" if chip.name == "ESP32" else None
        # mpremote needs the raw REPL; only a 64-bit interpreter can have one.
        super().__init__(name, flash_dir, flash_dir, model=model, interpreter="64bit", **options)
        if not self.interpreter.raw_repl:
            raise SimulatorError(
                f"{name}: {self.interpreter.origin} has no raw REPL, which flashing needs"
            )
        self._heap_asked = "heap" in options
        self.flash_dir.mkdir(parents=True, exist_ok=True)
        self.chip = chip
        self.flash_chip = bytearray(b"\xff") * chip.flash_bytes
        self._usb_jtag = usb_jtag
        self.lines = UsbJtagLines() if usb_jtag else Lines()
        self.loader: RomLoader | None = None
        self._console: ConsoleProcess | None = None
        self._soft = False
        self._half_line = b""
        self.cable = SerialLine(self.lines, self._typed)

    @property
    def url(self) -> str:
        """URL of its serial port, for pyserial."""
        return self.cable.url

    def _check_flash(self) -> None:
        """Check nothing: a board with an empty flash starts, too."""

    def stop(self) -> None:
        """Power off and remove the cable."""
        super().stop()
        self.cable.close()

    def _typed(self, data: bytes) -> None:
        loader, console = self.loader, self._console
        if loader is not None:
            self.cable.to_host(loader.feed(data))
        elif console is not None:
            console.write(data)

    def _output(self, data: bytes) -> None:
        self.cable.to_host(data)
        *lines, self._half_line = (self._half_line + data).split(b"\n")
        for line in lines:
            self._hear(line.decode(errors="replace").rstrip("\r"))

    def _boot(self, cause: ResetCause) -> ResetCause | None:
        raw, self._soft = self._soft, False
        # A soft reset does not sample the boot pins.
        download = False if raw else self.lines.wait_boot(self._stopping)
        if download is None:
            return None
        self.boots += 1
        resets = self.lines.resets
        self.world.boot(power_on=cause is ResetCause.POWER_ON, soft=raw)
        if download:
            self.loader = RomLoader(self.flash_chip, self.chip)
            self.cable.to_host(_DOWNLOAD)
        elif not starts(bytes(self.flash_chip), self.chip):
            self._output(_EMPTY)
        else:
            if self._usb_jtag and not raw:
                time.sleep(_OWN_USB_S)
                self.cable.drop()
            return self._interpret(cause, resets, raw=raw)
        try:
            while not self._stopping.is_set() and self.lines.resets == resets:
                time.sleep(_POLL_S)
        finally:
            self.loader = None
        return None if self._stopping.is_set() else ResetCause.HARD

    def _psram_found(self) -> int:
        """Bytes of PSRAM that the image can use. An image is built for one kind of PSRAM, and an
        ESP32 addresses 4 MiB at most."""
        flash = bytes(self.flash_chip)
        if self.chip.name == "ESP32":
            return min(self.chip.psram_bytes, 4 * MIB) if SPIRAM in flash else 0
        kind = "octal" if OCTAL in flash else "quad"
        return self.chip.psram_bytes if self.chip.psram == kind else 0

    def _about(self, cause: ResetCause) -> dict[str, object]:
        return super()._about(cause) | {"psram_bytes": self._psram_found()}

    def _interpret(self, cause: ResetCause, resets: int, *, raw: bool) -> ResetCause | None:
        """Run MicroPython until a reset or power-off; returns the cause of the next boot."""
        psram_bytes = self._psram_found()
        if not self._heap_asked:
            self.heap = f"{psram_bytes >> 10}K" if psram_bytes else HEAP_WITHOUT_PSRAM
        try:
            return self._supervise(
                cause,
                partial(self._open_console, raw=raw),
                reset=lambda: self.lines.resets != resets,
            )
        finally:
            self._console = None

    def _open_console(self, *boot: Any, raw: bool) -> ConsoleProcess:
        self._console = ConsoleProcess(*boot, on_bytes=self._output, raw=raw)
        return self._console

    def _ended(self, exit_code: int) -> ResetCause | None:
        """Soft reset after exit code 0 (Ctrl-D in the raw REPL); any other code is a crash."""
        if exit_code:
            return super()._ended(exit_code)
        self.exit_code = 0
        self._soft = True
        self._output(_SOFT)
        return ResetCause.SOFT
