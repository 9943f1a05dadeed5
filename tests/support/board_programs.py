"""Parts of the small programs that the tests run on the simulated board."""

from collections.abc import Callable

from simulator.board import Board
from simulator.pins import load_pins

PINS = load_pins()
TIMEOUT_S = 60  # only ever waited for where something is broken
NAMES = "".join(f"{name.upper()} = {getattr(PINS, name)}\n" for name in vars(PINS))
OPEN_BUS = """
from machine import I2C, PWM, WDT, Pin
import machine, sys, time
i2c = I2C(0, scl=Pin(SCL), sda=Pin(SDA), freq=100_000)
def read_c(cell=7):
    word = i2c.readfrom_mem(0x5A, cell, 3)
    return (word[0] | word[1] << 8) * 0.02 - 273.15
"""

MakeBoard = Callable[..., Board]
