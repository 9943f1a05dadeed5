"""The Pi's I2C bus through smbus2, with the interface that the firmware's MLX90614 driver uses.

A word is read by one I2C_RDWR ioctl with two messages: write the register, then, after a repeated
start, read three bytes. So the firmware's driver gets the raw checksum (PEC), checks it and counts
errors. The kernel's SMBus calls would drop the PEC, or check it without the driver's count.

Properties of a real Pi that no test here covers (sources: drivers/i2c/busses/i2c-bcm2835.c;
raspberrypi/linux 254, 493, 4884; i2c-dev(4)):

- Up to the Pi 4, a repeated start needs an interrupt in time. If the interrupt is late, the write
  ends with a stop and the read's checksum is wrong: the error is counted and the read repeated.
- The BCM2835's controller garbles a byte during which the device stretches the clock. If an
  MLX90614 stretches it, checksum errors will show that; `dtoverlay=i2c-gpio`, a software bus,
  handles a stretched clock.
- The bus clock is derived from the core clock, which may change. The frequency in the device tree
  is checked: the sensor is specified up to 100 kHz.
"""

from __future__ import annotations

import errno
import getpass
from pathlib import Path

from smbus2 import I2cFunc, SMBus, i2c_msg

from fevergate.errors import DeskError
from fevergate.texts.translations import both

CLOCK_MAX_HZ = 100_000
DEVICES = Path("/sys/bus/i2c/devices")


class LinuxI2C:
    """The methods of `machine.I2C` that the driver uses. As there, they raise `OSError`."""

    def __init__(self, bus: SMBus) -> None:
        self._bus = bus
        self.errno = 0
        """Error number of the last failed transfer."""

    def readfrom_mem_into(self, address: int, register: int, buffer: bytearray) -> None:
        """Write a register's number, then, after a repeated start, read `len(buffer)` bytes."""
        answer = i2c_msg.read(address, len(buffer))
        self._transfer(i2c_msg.write(address, [register]), answer)
        buffer[:] = bytes(answer)

    def _transfer(self, *messages: i2c_msg) -> None:
        try:
            self._bus.i2c_rdwr(*messages)
        except OSError as error:
            self.errno = error.errno or 0
            raise


class DeskBus:
    """The bus /dev/i2c-`number`, open until `close`. Raises `DeskError` with advice."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.path = f"/dev/i2c-{number}"
        self._bus = self._open()
        self.i2c = LinuxI2C(self._bus)

    def restart(self) -> None:
        """Reopen the device file, as needed after a USB adapter was plugged in again."""
        self._bus.close()
        self._bus = self._open()
        self.i2c = LinuxI2C(self._bus)

    def close(self) -> None:
        self._bus.close()

    def __enter__(self) -> DeskBus:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def clock_hz(self) -> int | None:
        """Return the bus frequency (Hz) in the device tree; None if it is not there, as for other
        adapters."""
        try:
            value = (DEVICES / f"i2c-{self.number}/of_node/clock-frequency").read_bytes()
        except OSError:
            return None
        return int.from_bytes(value, "big") or None

    def _open(self) -> SMBus:
        try:
            bus = SMBus(self.path)
        except FileNotFoundError as error:
            raise self._absent() from error
        except PermissionError as error:
            user = getpass.getuser()
            raise DeskError(
                both("{user} may not use {path}", user=user, path=self.path),
                both("sudo usermod -aG i2c {user}, then sign in again", user=user),
            ) from error
        except OSError as error:
            raise DeskError(
                both(
                    "{path} cannot be opened: {strerror}", path=self.path, strerror=error.strerror
                ),
                both("expected the device of an I2C bus"),
            ) from error
        if not bus.funcs & I2cFunc.I2C:
            bus.close()
            raise DeskError(
                both("{path} knows SMBus commands only", path=self.path),
                both("use the bus on the Pi's header: [desk] bus = 1"),
            )
        return bus

    def _absent(self) -> DeskError:
        if (DEVICES / f"i2c-{self.number}").exists():
            return DeskError(
                both("no {path}: the kernel module i2c-dev is not loaded", path=self.path),
                both("sudo modprobe i2c-dev, and i2c-dev into /etc/modules-load.d/i2c.conf"),
            )
        others = ", ".join(sorted(path.name for path in Path("/dev").glob("i2c-*")))
        return DeskError(
            both(
                "no {path}: the bus is off{others}",
                path=self.path,
                others=both(" (there is {others})", others=others) if others else "",
            ),
            both(
                "sudo raspi-config nonint do_i2c 0 (dtparam=i2c_arm=on in config.txt), then reboot"
            ),
        )


HELD = (errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY)
"""Error numbers that occur while a wire is held low or another controller uses the bus."""
