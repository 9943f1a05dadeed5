"""The I2C bus that sensor and display share."""

import time

from machine import I2C, Pin

import kiosk_board
from kiosk.errors import BusError

_CLOCK_HZ = 100_000  # the MLX90614's limit; the ESP32's default is 400 kHz


class Bus:
    """The bus; `i2c` is a machine.I2C, created again after the pins were driven directly."""

    def __init__(self):
        self.restart()

    def restart(self):
        """Connect the pins to the I2C hardware."""
        scl, sda = Pin(kiosk_board.SCL), Pin(kiosk_board.SDA)
        self._wires = (sda, scl)
        self.i2c = I2C(0, scl=scl, sda=sda, freq=_CLOCK_HZ)

    def check(self):
        """Check that both wires are high before a transfer; if one is held low, try to free it.

        Raises `BusError` if it stays low. A transfer would then block the board for 100 ms a byte
        (ports/esp32/machine_i2c.c, line 308): 13 s for a page of the display.
        """
        if not self._idle():
            self.clock_free()
            if not self._idle():
                raise BusError("a wire of the bus is held low")

    def _idle(self):
        sda, scl = self._wires
        return sda.value() and scl.value()

    def clock_free(self):
        """Free a bus on which a part holds SDA low: nine clocks, then STOP (UM10204, 3.1.16)."""
        sda = Pin(kiosk_board.SDA, Pin.OPEN_DRAIN, value=1)
        scl = Pin(kiosk_board.SCL, Pin.OPEN_DRAIN, value=1)
        for _ in range(9):
            scl.value(0)
            time.sleep_us(10)
            scl.value(1)
            time.sleep_us(10)
        sda.value(0)
        time.sleep_us(10)
        sda.value(1)
        self.restart()
