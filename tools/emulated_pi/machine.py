"""The emulated Pi: QEMU's process, its serial line, its pins and its power."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from emulated_pi.button import GPEDS0, Chip, Debugger, edge
from emulated_pi.device_tree import SEED_BYTES, with_seed
from emulated_pi.errors import PiCheckError
from emulated_pi.gpio import BASE, WORDS, Lamps, lamps, parse_registers
from emulated_pi.serial_line import SerialLine
from fevergate.alarm.gpio_pins import GATES

QEMU = "qemu-system-aarch64"
SERIAL = "ttyS1"
"""The mini UART, which Debian's device tree makes the console; the other one is Bluetooth's."""

BOOT_S = 900.0
COMMAND_LINE = (
    f"console={SERIAL},115200 root=/dev/mmcblk0 rw rootwait loglevel=5 net.ifnames=0"
    # QEMU's power management takes a watchdog that is set for an expired one; the devices of the
    # other drivers are missing or unused, and are not worth looking for.
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
        self._monitor: Monitor | None = None
        self._chip: Chip | None = None
        self.serial = SerialLine(folder / "console.log", self._check_running)
        self.boots = 0

    def boot(self, *parameters: str) -> float:
        """Power off and on, and wait until the serial line answers; returns the seconds until then.

        `parameters` are the kernel's. Raises `PiCheckError`.
        """
        self.cut()
        for name in ("serial", "monitor", "chip", "debugger"):
            (self._folder / name).unlink(missing_ok=True)
        began = time.monotonic()
        tree = self._folder / "pi.dtb"
        tree.write_bytes(with_seed(self._power.device_tree.read_bytes(), os.urandom(SEED_BYTES)))
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
                    *("-qmp", f"unix:{self._folder / 'monitor'},server=on,wait=off"),
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
        self._monitor = Monitor(self._connect("monitor"))
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

    def lamps(self, gate: str = "gate1") -> Lamps:
        """Present levels of a gate's lines."""
        return lamps(parse_registers(self.registers()), GATES[gate])

    def finger(self, mapped_at: int, *, down: bool, gate: str = "gate1") -> None:
        """Press or release a gate's button; `mapped_at` is the kernel's address of the GPIO block.
        Raises `PiCheckError`."""
        if self._chip is None:
            raise PiCheckError("the Pi is switched off")
        debugger = Debugger(self._connect("debugger"))
        try:
            edge(
                self._chip,
                debugger,
                mapped_at + GPEDS0,
                GATES[gate]["acknowledge"],
                high=not down,
            )
        finally:
            debugger.close()

    def registers(self) -> str:
        """The GPIO chip's first registers as QEMU's monitor prints them. Raises `PiCheckError`."""
        if self._monitor is None:
            raise PiCheckError("the Pi is switched off")
        return self._monitor.ask(f"xp /{WORDS}wx {BASE:#x}")

    def cut(self) -> None:
        """Cut the power; the card keeps what has been written to it."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self.serial.close()
        for line in (self._monitor, self._chip):
            if line is not None:
                line.close()
        self._process = self._monitor = self._chip = None


class Monitor:
    """Client of QEMU's machine protocol (docs/interop/qmp-spec), as far as it is needed."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._file: IO[bytes] = line.makefile("rb")
        self._lock = threading.Lock()
        self._file.readline()  # the greeting
        self._call("qmp_capabilities", {})

    def ask(self, command: str) -> str:
        """Answer of the monitor for people to a command. Raises `PiCheckError`."""
        return str(self._call("human-monitor-command", {"command-line": command}))

    def _call(self, name: str, arguments: dict[str, str]) -> object:
        with self._lock:
            try:
                self._line.sendall(json.dumps({"execute": name, "arguments": arguments}).encode())
                for row in self._rows():
                    if "return" in row:
                        return row["return"]
                    if "error" in row:
                        raise PiCheckError(f"QEMU's monitor, {name}: {row['error']}")
            except (OSError, ValueError) as error:
                raise PiCheckError(f"QEMU's monitor: {error}") from error
        raise PiCheckError("QEMU's monitor ended")

    def _rows(self) -> Iterator[dict[str, object]]:
        while row := self._file.readline():
            yield json.loads(row)

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._line.close()
