"""Presses a gate's button, although QEMU's GPIO block has no inputs.

QEMU's block detects no edge (hw/gpio/bcm2835_gpio.c, 7.2 to 10.1). It makes output lines only
(`qdev_init_gpio_out`) and has no interrupt; GPEDS, GPREN, GPFEN and the like are "Not implemented"
and read as 0. But GPSET0 and GPCLR0 change the level of an input, too, and QEMU's qtest can raise
the interrupt. The value of GPEDS0 ("event detected") comes from a debugger: it stops the kernel's
handler at the load of that register and sets the result. Everything after that is the Pi's own
software: pinctrl-bcm2835, gpiolib, lgpio, gpiozero, the gateway.
"""

import re
import socket

from emulated_pi.errors import PiCheckError
from emulated_pi.gpio import BASE, WORDS, Line, parse_registers

GPSET0, GPCLR0, GPEDS0 = 0x1C, 0x28, 0x40
"""Offsets of registers (BCM2835 ARM Peripherals, 6.1)."""

CONTROLLER = "/machine/soc/peripherals/ic gpu-irq"
INTERRUPT = 49
"""Interrupt of the first GPIO bank (BCM2835 ARM Peripherals, 7.5; bcm283x.dtsi: bank 2, number
17)."""

ANSWER_S = 60.0
PC = 32
"""QEMU's number of the program counter (gdb-xml/aarch64-core.xml)."""

_LOADS = {0xB9400000: 0xFFC00000, 0x88DFFC00: 0xFFFFFC00, 0xB8400000: 0xFFE00000}
"""Codes of `ldr w, [x, #n]`, `ldar w, [x]` and `ldur w, [x, #n]`, each with the mask of its fixed
bits (Arm Architecture Reference Manual, C6.2). Bits 0 to 4 number the register that is loaded."""


class _Client:
    """A connection to one of QEMU's servers."""

    def __init__(self, line: socket.socket) -> None:
        line.settimeout(ANSWER_S)
        self._line, self._file = line, line.makefile("rb")

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._line.close()


class Chip(_Client):
    """Client of QEMU's qtest (softmmu/qtest.c): reads and writes words of memory, sets interrupts.
    Every method raises `PiCheckError` if QEMU does not answer."""

    def lines(self) -> dict[int, Line]:
        """Present state of GPIOs 0 to 31, from the chip's registers."""
        answers = [self._ask(f"readl {BASE + 4 * index:#x}") for index in range(WORDS)]
        return parse_registers([int(answer, 16) for answer in answers])

    def level(self, numbers: set[int], *, high: bool) -> None:
        """Set the level of some of GPIOs 0 to 31."""
        word = sum(1 << number for number in numbers)
        self._ask(f"writel {BASE + (GPSET0 if high else GPCLR0):#x} {word:#x}")

    def interrupt(self, raised: bool) -> None:
        """Raise or lower the interrupt of the first GPIO bank."""
        self._ask(f"set_irq_in {CONTROLLER} {INTERRUPT} {raised:d}")

    def _ask(self, command: str) -> str:
        try:
            self._line.sendall(f"{command}\n".encode())
            answer = self._file.readline().decode("ascii", "replace").strip()
        except OSError as error:
            raise PiCheckError(f"QEMU's test line, {command}: {error}") from error
        status, _, value = answer.partition(" ")
        if status != "OK":
            raise PiCheckError(f"QEMU's test line, {command}: {answer or 'it ended'}")
        return value


class Debugger(_Client):
    """Client of QEMU's gdb server (GDB manual, Remote Serial Protocol). The Pi is halted from the
    moment of connection until `let_go`, except within `run_until_read`."""

    def __init__(self, line: socket.socket) -> None:
        super().__init__(line)
        self._ask("qXfer:features:read:target.xml:0,ffb")  # required before registers can be set

    def watch(self, address: int, *, on: bool) -> None:
        """Set or remove a read watchpoint on a word. Raises `PiCheckError`."""
        self._want_ok(f"{'Z' if on else 'z'}3,{address:x},4")

    def run_until_read(self) -> None:
        """Let the Pi run until it is about to read a watched word. Raises `PiCheckError`."""
        self._send("c")
        stop = self._receive()
        thread = re.match(r"T05thread:([0-9a-f]+);[ra]?watch:", stop)
        if not thread:
            raise PiCheckError(f"expected that a watched word is read, the debugger says {stop!r}")
        self._want_ok(f"Hg{thread[1]}")

    def answer(self, value: int) -> None:
        """Skip the load at which the Pi is halted, as if it had loaded `value`. Raises
        `PiCheckError`."""
        pc = int.from_bytes(self._bytes(f"p{PC:x}"), "little")
        instruction = int.from_bytes(self._bytes(f"m{pc:x},4"), "little")
        if not any(instruction & mask == load for load, mask in _LOADS.items()):
            raise PiCheckError(f"expected a load of 32 bits at {pc:#x}: {instruction:#010x}")
        self._set(instruction & 0b11111, value)
        self._set(PC, pc + 4)

    def _set(self, register: int, value: int) -> None:
        self._want_ok(f"P{register:x}={value.to_bytes(8, 'little').hex()}")

    def let_go(self) -> None:
        """Let the Pi run on. Raises `PiCheckError`."""
        self._want_ok("D")

    def _bytes(self, packet: str) -> bytes:
        answer = self._ask(packet)
        try:
            return bytes.fromhex(answer)
        except ValueError:
            raise PiCheckError(f"the debugger, {packet}: {answer!r}") from None

    def _want_ok(self, packet: str) -> None:
        answer = self._ask(packet)
        if answer != "OK":
            raise PiCheckError(f"the debugger, {packet}: {answer!r}")

    def _ask(self, packet: str) -> str:
        self._send(packet)
        while (answer := self._receive()).startswith("T"):  # the stop at our connection
            pass
        return answer

    def _send(self, packet: str) -> None:
        checksum = sum(packet.encode()) & 0xFF
        self._line.sendall(f"${packet}#{checksum:02x}".encode())

    def _receive(self) -> str:
        """Receive one packet; acknowledgements ("+") of our packets are skipped."""
        try:
            while (byte := self._file.read(1)) != b"$":
                if not byte:
                    raise PiCheckError("the debugger's line ended")
            packet = b""
            while (byte := self._file.read(1)) not in (b"#", b""):
                packet += byte
            self._file.read(2)
            self._line.sendall(b"+")
        except TimeoutError:
            raise PiCheckError(
                f"the kernel did not ask within {ANSWER_S:.0f} s which button was pressed"
            ) from None
        except OSError as error:
            raise PiCheckError(f"the debugger's line: {error}") from error
        return packet.decode("ascii", "replace")


def edge(chip: Chip, debugger: Debugger, events: int, number: int, *, high: bool) -> None:
    """Change a GPIO's level and report the edge to the kernel, whose address of GPEDS0 is `events`.

    Raises `PiCheckError`.
    """
    debugger.watch(events, on=True)
    chip.level({number}, high=high)
    chip.interrupt(True)
    debugger.run_until_read()
    debugger.answer(1 << number)
    chip.interrupt(False)
    debugger.watch(events, on=False)
    debugger.let_go()


def mapped_at(vmalloc: str) -> int:
    """The kernel's address of the GPIO block, from /proc/vmallocinfo (mm/vmalloc.c).

    Raises `PiCheckError`.
    """
    line = re.search(rf"^0x([0-9a-f]{{16}})-.* phys=0x0*{BASE:x}\b", vmalloc, re.MULTILINE)
    if not line or not int(line[1], 16):
        raise PiCheckError(f"/proc/vmallocinfo does not tell of {BASE:#x}: {vmalloc[:200]!r}")
    return int(line[1], 16)
