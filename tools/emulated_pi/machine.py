"""The emulated Pi: QEMU's process, its serial line, its pins and its power."""

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from emulated_pi.button import GPEDS0, Chip, Debugger, edge
from emulated_pi.device_tree import add_seed
from emulated_pi.errors import PiCheckError
from emulated_pi.gpio import Lamps, lamps
from emulated_pi.serial_line import SerialLine
from fevergate.alarm.gpio_pins import GATES

QEMU = "qemu-system-aarch64"
SERIAL = "ttyS1"
"""The mini UART, which Debian's device tree makes the console; Bluetooth uses the other UART."""

GATE_PINS = GATES["gate1"]
"""Pins of the gate under test. The other gate's button is held high, so it counts as released."""

BOOT_S = 900.0
COMMAND_LINE = (
    f"console={SERIAL},115200 root=/dev/mmcblk0 rw rootwait loglevel=5 net.ifnames=0"
    # QEMU resets the machine when the watchdog is set, as if it had expired. The other drivers'
    # devices are missing or unused, and looking for them takes time.
    " module_blacklist=bcm2835_wdt,vc4,vchiq,dwc2,bluetooth,hci_uart,brcmfmac"
    " systemd.mask=e2scrub_reap.service"
)


class Power(NamedTuple):
    """Kernel, initrd and device tree to boot, from the card's own system."""

    kernel: Path
    initrd: Path
    device_tree: Path


class Machine:
    """A Pi with one card, which can be powered on and off."""

    def __init__(self, power: Power, card: Path, folder: Path) -> None:
        self._power, self._card, self._folder = power, card, folder
        self._process: subprocess.Popen[bytes] | None = None
        self._chip: Chip | None = None
        self.serial = SerialLine(folder / "console.log", self._check_running)
        self.boots = 0

    def boot(self, *parameters: str) -> float:
        """Power off and on, and wait until the serial line answers; returns the seconds until then.

        `parameters`: further parameters of the kernel. Raises `PiCheckError` if the Pi does not
        boot.
        """
        self.cut()
        for name in ("serial", "chip", "debugger"):
            (self._folder / name).unlink(missing_ok=True)
        began = time.monotonic()
        tree = self._folder / "pi.dtb"
        shutil.copyfile(self._power.device_tree, tree)
        add_seed(tree)
        with (self._folder / "qemu.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(QEMU, "-M", "raspi3b", "-smp", "4", "-m", "1G", "-display", "none"),
                    *("-kernel", str(self._power.kernel), "-initrd", str(self._power.initrd)),
                    *("-dtb", str(tree)),
                    *("-append", " ".join((COMMAND_LINE, *parameters))),
                    *("-drive", f"if=sd,format=raw,file={self._card}"),
                    *("-serial", "null"),
                    *("-serial", f"unix:{self._folder / 'serial'},server=on,wait=off"),
                    *("-qtest", f"unix:{self._folder / 'chip'},server=on,wait=off"),
                    *("-gdb", f"unix:{self._folder / 'debugger'},server=on,wait=off"),
                    *("-qtest-log", "none", "-monitor", "none", "-no-reboot"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        hellos = self.serial.hellos
        self.serial.open(self._connect("serial"))
        self._chip = Chip(self._connect("chip"))
        self._chip.level({pins["acknowledge"] for pins in GATES.values()}, high=True)
        self.boots += 1
        self.serial.until(lambda: self.serial.hellos > hellos, BOOT_S, "it boots")
        return time.monotonic() - began

    def _connect(self, name: str) -> socket.socket:
        path = self._folder / name
        end = time.monotonic() + 60
        while time.monotonic() < end:
            line = socket.socket(socket.AF_UNIX)
            try:
                line.connect(str(path))
                return line
            except OSError:
                line.close()
                self._check_running()
                time.sleep(0.1)
        raise PiCheckError(f"QEMU does not answer on its {name} line")

    def _check_running(self) -> None:
        if self._process is None or self._process.poll() is not None:
            log = (self._folder / "qemu.log").read_text(errors="replace").strip()
            raise PiCheckError(f"QEMU ended by itself: {log[-500:] or 'no word why'}")

    @property
    def lamps(self) -> Lamps:
        """Present levels of the gate's lines. Raises `PiCheckError` if the Pi is off."""
        return lamps(self._running_chip().lines(), GATE_PINS)

    def finger(self, mapped_at: int, *, down: bool) -> None:
        """Press or release the gate's button; `mapped_at` is the kernel's address of the GPIO
        block. Raises `PiCheckError`."""
        chip = self._running_chip()
        with contextlib.closing(Debugger(self._connect("debugger"))) as debugger:
            edge(chip, debugger, mapped_at + GPEDS0, GATE_PINS["acknowledge"], high=not down)

    def _running_chip(self) -> Chip:
        if self._chip is None:
            raise PiCheckError("the Pi is switched off")
        return self._chip

    def cut(self) -> None:
        """Cut the power; the card keeps what has been written to it."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self.serial.close()
        if self._chip is not None:
            self._chip.close()
        self._process = self._chip = None
