"""The Pi's I2C bus as `kiosk.mlx90614` wants it, over smbus2: the firmware's driver runs as it is.

A read word goes to the kernel as one I2C_RDWR of two messages, the register and three bytes, with a
repeated start between: the PEC comes raw, and the firmware's driver checks and counts it. The
kernel's own SMBus calls would drop it, or check it out of the driver's sight.

What only a Pi can show, and no test here does (sources: drivers/i2c/busses/i2c-bcm2835.c;
raspberrypi/linux 254, 493, 4884; i2c-dev(4)):

- Up to the Pi 4 a repeated start is an interrupt that comes in time. One that is late lets the
  write end with a stop; the read then answers no command, so that its checksum is wrong: counted,
  and tried again.
- The BCM2835's controller garbles a byte whose clock a part stretches. Whether an MLX90614 does,
  the counted checksums will show; `dtoverlay=i2c-gpio` makes a bus by software, which waits.
- The bus's clock is divided from the core's, which may change under it. What the device tree asks
  for is checked: above 100 kHz the sensor promises nothing.
- No wake pulse can be made of a bus that the kernel owns. Nothing here puts the sensor to sleep.
"""

from __future__ import annotations

import errno
import getpass
from pathlib import Path

from smbus2 import I2cFunc, SMBus, i2c_msg

from fevergate.errors import DeskError

CLOCK_MAX_HZ = 100_000
DEVICES = Path("/sys/bus/i2c/devices")


class LinuxI2C:
    """What the driver uses of a `machine.I2C`. Raises `OSError`, as that does."""

    def __init__(self, bus: SMBus) -> None:
        self._bus = bus
        self.errno = 0
        """Of the last transfer that failed."""

    def readfrom_mem_into(self, address: int, register: int, buffer: bytearray) -> None:
        """Write a register's number, restart, read as many bytes as `buffer` holds."""
        answer = i2c_msg.read(address, len(buffer))
        self._transfer(i2c_msg.write(address, [register]), answer)
        buffer[:] = bytes(answer)

    def writeto(self, address: int, data: bytes) -> None:
        """Write."""
        self._transfer(i2c_msg.write(address, data))

    def _transfer(self, *messages: i2c_msg) -> None:
        try:
            self._bus.i2c_rdwr(*messages)
        except OSError as error:
            self.errno = error.errno or 0
            raise


class DeskBus:
    """/dev/i2c-`number`, open until `close`. Raises `DeskError` in words that say what to do."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.path = f"/dev/i2c-{number}"
        self._bus = self._open()
        self.i2c = LinuxI2C(self._bus)

    def restart(self) -> None:
        """Open it anew: an adapter that was pulled out and put back is another one."""
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
        """What the device tree asks for; None where it does not say (another adapter)."""
        try:
            told = (DEVICES / f"i2c-{self.number}/of_node/clock-frequency").read_bytes()
        except OSError:
            return None
        return int.from_bytes(told, "big") or None

    def _open(self) -> SMBus:
        try:
            bus = SMBus(self.path)
        except FileNotFoundError as error:
            raise self._absent() from error
        except PermissionError as error:
            user = getpass.getuser()
            raise DeskError(
                (f"{user} 无权使用 {self.path}", f"{user} may not use {self.path}"),
                (
                    f"sudo usermod -aG i2c {user}，然后重新登录",
                    f"sudo usermod -aG i2c {user}, then sign in again",
                ),
            ) from error
        except OSError as error:
            raise DeskError(
                (f"{self.path} 无法打开：{error.strerror}", f"{self.path}: {error.strerror}"),
                ("应为 I2C 总线的设备文件", "expected the device of an I2C bus"),
            ) from error
        if not bus.funcs & I2cFunc.I2C:
            bus.close()
            raise DeskError(
                (f"{self.path} 只支持 SMBus 命令", f"{self.path} knows SMBus commands only"),
                (
                    "请使用树莓派排针上的总线：[desk] bus = 1",
                    "use the bus on the Pi's header: [desk] bus = 1",
                ),
            )
        return bus

    def _absent(self) -> DeskError:
        if (DEVICES / f"i2c-{self.number}").exists():
            return DeskError(
                (
                    f"没有 {self.path}：未加载内核模块 i2c-dev",
                    f"no {self.path}: the kernel module i2c-dev is not loaded",
                ),
                (
                    "sudo modprobe i2c-dev，并把 i2c-dev 写入 /etc/modules-load.d/i2c.conf",
                    "sudo modprobe i2c-dev, and i2c-dev into /etc/modules-load.d/i2c.conf",
                ),
            )
        others = ", ".join(sorted(path.name for path in Path("/dev").glob("i2c-*")))
        return DeskError(
            (
                f"没有 {self.path}：I2C 总线未启用" + (f"（现有 {others}）" if others else ""),
                f"no {self.path}: the bus is off" + (f" (there is {others})" if others else ""),
            ),
            (
                "sudo raspi-config nonint do_i2c 0（config.txt 中 dtparam=i2c_arm=on），再重启",
                "sudo raspi-config nonint do_i2c 0 (dtparam=i2c_arm=on in config.txt), then reboot",
            ),
        )


HELD = (errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY)
"""A wire of the bus is held low, or another master has it."""
