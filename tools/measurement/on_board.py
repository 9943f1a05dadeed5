"""Runs under MicroPython: times the shipped decision.

Arguments: firmware folder, number of verdicts. Prints the driver's time per word (ns), the state
(bytes), a verdict's time (µs; median, 99 %), and the most bytes that a verdict allocated.
"""

import gc
import sys
import time

sys.path.insert(0, sys.argv[1])
from kiosk.calibration import Calibration
from kiosk.estimate import SITES, through_emissivity
from kiosk.mlx90614 import MLX90614
from kiosk.screening import Screening

unit = Calibration("a", 0.1, 1.01, 1.0)
screening = None
now_ms = 0


class Answering:
    """A bus that answers at once, so that only the driver's own time is measured."""

    def readfrom_mem_into(self, address, command, word):
        word[0], word[1], word[2] = 0xD2, 0x3A, 0x30


class Bus:
    i2c = Answering()


def verdict(read_c):
    global now_ms
    now_ms += 8000
    air_c = unit.air_c(24.2)
    skin_c = through_emissivity(unit.object_c(read_c), air_c)
    return screening.judge(now_ms, skin_c, air_c, "")


gc.collect()
before = gc.mem_alloc()
screening = Screening(SITES["canthus"])
for number in range(100):
    verdict(35.0 + number % 7 / 10)
gc.collect()
state = gc.mem_alloc() - before

times = [0] * int(sys.argv[2])
most = 0
for number in range(len(times)):
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    began = time.ticks_us()
    verdict(35.0 + number % 7 / 10)
    times[number] = time.ticks_diff(time.ticks_us(), began)
    most = max(most, gc.mem_alloc() - before)
    gc.enable()
times.sort()

sensor = MLX90614(Bus())
began = time.ticks_us()
for _ in range(1000):
    sensor.object_c()
driver_ns = time.ticks_diff(time.ticks_us(), began)
print(driver_ns, state, times[len(times) // 2], times[len(times) * 99 // 100], most)
