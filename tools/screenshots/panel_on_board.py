"""Runs under MicroPython: lets the shipped panel show each of its states, one after another.

Argument: firmware folder. Prints `state <language> <key>` and then the outputs of that state:
`i2c <hex>` to the display, `pin <number> <level>`, `tone <Hz>`.
"""

import asyncio
import binascii
import sys

sys.path.insert(0, sys.argv[1])


class Pin:
    OUT = 3

    def __init__(self, number, *_, value=0):
        self.number = number
        print("pin", number, value)

    def value(self, level):
        print("pin", self.number, level)


class PWM:
    def __init__(self, *_, **__):
        self._freq = 0

    def freq(self, hz):
        self._freq = hz

    def duty_u16(self, duty):
        if duty:
            print("tone", self._freq)

    def deinit(self):
        pass


class I2C:
    def writeto(self, _, data):
        print("i2c", binascii.hexlify(data).decode())


class Bus:
    i2c = I2C()

    def check(self):
        pass


class Machine:
    pass


Machine.Pin, Machine.PWM = Pin, PWM
sys.modules["machine"] = Machine

_sleep_ms = asyncio.sleep_ms
asyncio.sleep_ms = lambda ms: _sleep_ms(ms // 20)  # only the pitch of a sound is used

from kiosk.display import Display
from kiosk.panel import Panel
from kiosk.settings import Settings
from kiosk.words import LANGUAGES, words_in

OWN = {"kiosk": "a", "campus": "b", "broker_host": "c", "username": "d", "password": "e"}


async def show(language):
    settings = Settings(dict(OWN, language=language))
    for key in words_in(language):
        print("state", language, key)
        panel = Panel(Display(Bus()), settings, lambda: None)
        if key == "idle":
            panel.idle()
        elif key in ("normal", "fever"):
            panel.verdict(key, "", 36.6 if key == "normal" else 38.2)
        elif key in ("sensor", "lens", "warm", "ask", "stop"):
            panel.fault(key)
        else:
            panel.verdict("retry", key, 36.6)
        await asyncio.sleep_ms(1300)  # the longest sound


for language in LANGUAGES:
    asyncio.run(show(language))
