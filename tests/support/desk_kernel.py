"""A fake of the kernel's I2C interface (i2c-dev and i2c-bcm2835), with the virtual bus behind it.

It replaces only the `open`, `close` and `ioctl` that smbus2 calls, and reads smbus2's structures as
the kernel does. Source: drivers/i2c/i2c-dev.c, drivers/i2c/busses/i2c-bcm2835.c.
"""

import ctypes
import errno
import os
from dataclasses import dataclass, field
from types import SimpleNamespace

import smbus2.smbus2

from simulator.bus import VirtualBus
from simulator.errors import BusTimeoutError, NotAcknowledgedError

I2C_FUNCS, I2C_RDWR = 0x0705, 0x0707
FUNC_I2C, FUNC_SMBUS_WORD = 0x1, 0x600000
READ = 0x1
MOST_MESSAGES = 42


@dataclass
class Time:
    """A test's own clock, in place of `time`: a sleep moves it on at once."""

    now_s: float = 10.0

    def monotonic(self):
        return self.now_s

    def sleep(self, seconds):
        self.now_s += max(0.0, seconds)

    @property
    def now_ms(self):
        return self.now_s * 1000


@dataclass
class Kernel:
    """The adapter at `path`. `refuse`: errno with which `open` fails; `late`: number of transfers
    in which the interrupt comes too late for a repeated start."""

    bus: VirtualBus
    time: Time = field(default_factory=Time)
    path: str = "/dev/i2c-1"
    refuse: int = 0
    functions: int = FUNC_I2C | FUNC_SMBUS_WORD
    late: int = 0
    opened: int = 0
    messages: list = field(default_factory=list)
    """Every transfer, as a list of its messages: (address, flags, bytes written or number of bytes
    to read)."""

    def open(self, path, flags):
        if self.refuse or path != self.path:
            number = self.refuse or errno.ENOENT
            raise OSError(number, os.strerror(number), path)
        assert flags == os.O_RDWR
        self.opened += 1
        return 1000

    def close(self, descriptor):
        assert descriptor == 1000
        self.opened -= 1

    def ioctl(self, descriptor, request, argument):
        assert descriptor == 1000 and self.opened
        if request == I2C_FUNCS:
            argument.value = self.functions
            return 0
        assert request == I2C_RDWR, "nothing but raw transfers: who else would check the PEC?"
        messages = [argument.msgs[number] for number in range(argument.nmsgs)]
        answer = self.transfer(
            [(message.addr, message.flags, _body(message)) for message in messages]
        )
        if isinstance(answer, int):
            raise OSError(answer, os.strerror(answer))
        for message in messages:
            if message.flags & READ:
                ctypes.memmove(message.buf, answer, message.len)
        return len(messages)

    def transfer(self, wire):
        """Do one I2C_RDWR; return the bytes that were read, or an errno."""
        self.messages.append(wire)
        if not 0 < len(wire) <= MOST_MESSAGES:
            return errno.EINVAL
        if any(flags & READ for _, flags, _ in wire[:-1]):
            return errno.EOPNOTSUPP  # "only one read message supported, has to be last"
        address, flags, last = wire[-1]
        written = b"".join(body for _, flag, body in wire if not flag & READ)
        count = last if flags & READ else 0
        try:
            if self.late and count and written:
                self.late -= 1
                self.bus.transfer(self.time.now_ms, address, written)  # a stop, then a new start
                return self.bus.transfer(self.time.now_ms, address, b"", count)
            return self.bus.transfer(self.time.now_ms, address, written, count)
        except BusTimeoutError:
            return errno.ETIMEDOUT
        except NotAcknowledgedError:
            return errno.EREMOTEIO

    def install(self, monkeypatch):
        """Replace the kernel for smbus2 until the test is over."""
        edge = SimpleNamespace(open=self.open, close=self.close, O_RDWR=os.O_RDWR)
        monkeypatch.setattr(smbus2.smbus2, "os", edge)
        monkeypatch.setattr(smbus2.smbus2, "ioctl", self.ioctl)
        return self


def _body(message):
    if message.flags & READ:
        return message.len
    return ctypes.string_at(message.buf, message.len)
