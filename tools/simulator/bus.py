"""The I2C bus: addressing, wires that are held low, and wires driven as plain GPIO.

Works without a board too, under any driver that can be given a `transfer`.
"""

from dataclasses import dataclass
from typing import Protocol

from simulator.errors import BusTimeoutError, NotAcknowledgedError

DEFAULT_HZ = 100_000


class Device(Protocol):
    """A device on the bus."""

    def answers(self, address: int) -> bool: ...
    def holds_sda(self, now_ms: float, /) -> bool: ...
    def clocked(self, now_ms: float, /) -> None: ...
    def sda_was_low(self, now_ms: float, low_ms: float, /) -> None: ...
    def transfer(
        self, now_ms: float, address: int, data: bytes, count: int, clock_hz: int, /
    ) -> bytes: ...


@dataclass(frozen=True)
class _Master:
    """An I2C peripheral of the board: its clock, and whether it uses the bus's pins."""

    wired: bool
    clock_hz: int


class VirtualBus:
    """Devices on the wires `sda` and `scl` (pin numbers of the board)."""

    def __init__(self, sda: int = -1, scl: int = -2) -> None:
        self.sda = sda
        self.scl = scl
        self._devices: list[Device] = []
        self.release()

    def attach(self, device: Device) -> None:
        """Connect a device; of several with the same address only the first one answers."""
        self._devices.append(device)

    def release(self) -> None:
        """Reset the board's side: only peripheral 0 is set up, and no wire is driven low."""
        self._masters = {0: _Master(True, DEFAULT_HZ)}
        self._pending: tuple[int, bytes] | None = None
        self._let_go()

    def setup(self, now_ms: float, bus: int, scl: int, sda: int, clock_hz: int) -> None:
        """Connect a peripheral to pins; no device answers unless they are the bus's pins."""
        wired = (sda, scl) == (self.sda, self.scl)
        self._masters[bus] = _Master(wired, clock_hz)
        if wired:
            self.drive(now_ms, self.sda, low=False)
            self.drive(now_ms, self.scl, low=False)

    def drive(self, now_ms: float, pin: int, *, low: bool) -> None:
        """Pull a wire low as GPIO, or release it."""
        if pin == self.scl:
            if self._scl_low and not low:
                for device in self._devices:
                    device.clocked(now_ms)
            elif low:
                self._sda_low_since_ms = None  # a wake pulse needs SCL high throughout
            self._scl_low = low
        elif pin == self.sda and low != self._sda_low:
            self._sda_low = low
            since_ms = self._sda_low_since_ms
            self._sda_low_since_ms = now_ms if low and not self._scl_low else None
            if not low and since_ms is not None:
                for device in self._devices:
                    device.sda_was_low(now_ms, now_ms - since_ms)

    def level(self, now_ms: float, pin: int) -> int:
        """Level of SDA or SCL; both have pull-ups."""
        if pin == self.scl:
            return 0 if self._scl_low else 1
        held_low = self._sda_low or any(device.holds_sda(now_ms) for device in self._devices)
        return 0 if held_low else 1

    def transfer(
        self,
        now_ms: float,
        address: int,
        data: bytes = b"",
        count: int = 0,
        *,
        stop: bool = True,
        bus: int = 0,
    ) -> bytes:
        """Write `data`, then read `count` bytes after a repeated start.

        Without `stop` the data is kept for the read that follows. Raises `NotAcknowledgedError`
        and `BusTimeoutError`.
        """
        master = self._masters.get(bus)
        pending, self._pending = self._pending, None
        if master is None or not master.wired:
            raise NotAcknowledgedError("there is nobody on these pins")
        if not (self.level(now_ms, self.sda) and self.level(now_ms, self.scl)):
            raise BusTimeoutError("a wire of the bus is held low")
        if pending and pending[0] == address and count and not data:
            data = pending[1]
        device = next((device for device in self._devices if device.answers(address)), None)
        if device is None:
            raise NotAcknowledgedError(f"nobody answers to 0x{address:02x}")
        if not stop and not count:
            # Acknowledge the address now; the data goes out with the read.
            self._pending = (address, data)
            data = b""
        return device.transfer(now_ms, address, data, count, master.clock_hz)

    def scan(self, now_ms: float, bus: int = 0) -> list[int]:
        """Addresses from 0x08 to 0x77 that answer."""
        answering: list[int] = []
        for address in range(0x08, 0x78):
            try:
                self.transfer(now_ms, address, bus=bus)
            except NotAcknowledgedError:
                continue
            except BusTimeoutError:
                break  # a wire is held low: no address can answer
            answering.append(address)
        return answering

    def _let_go(self) -> None:
        self._sda_low = self._scl_low = False
        self._sda_low_since_ms: float | None = None
