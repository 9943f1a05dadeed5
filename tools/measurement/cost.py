"""Measures time and memory of a verdict on the board, and how long a person waits for it.

The verdict is timed with the shipped files on MicroPython on this machine; only a real ESP32 can
show by how much it is slower. The transfer of one word over the sensor's bus, 57 bits at 100 kHz,
is given for comparison; each sample needs two words. The answer is timed on a simulated board.
"""

from pathlib import Path
from statistics import median

from harness import FIRMWARE
from harness.figures import percentile
from harness.verdict import waits_ms
from kiosk.mlx90614 import settle_ms
from measurement.lone import lone_board
from simulator import Habits, VirtualMLX90614, built_in_crowd
from simulator.eeprom import CONFIG1
from simulator.interpreters import interpreter

BITS_OF_A_WORD = 57  # start, two addresses, command, two bytes, PEC, their acknowledgements, stop
BUS_HZ = 100_000
SPEED = 4.0


def verdict(count: int) -> dict[str, float]:
    """Time and allocation of one verdict with a full baseline, and the time of one sensor word.

    `bus_word_us` is the word's time on the wire, `driver_word_us` the time that the driver adds.
    `state_bytes` is the size of the screening's state.
    """
    script = Path(__file__).with_name("on_board.py")
    # 32-bit words as on a board, so that memory use is the same.
    result = interpreter("32bit").run(script, str(FIRMWARE), str(count))
    result.check_returncode()
    driver_ns, state, p50_us, p99_us, most = (int(part) for part in result.stdout.split())
    word_us = BITS_OF_A_WORD / BUS_HZ * 1e6
    return {
        "state_bytes": state,
        "driver_word_us": driver_ns / 1000,
        "verdict_us_p50": p50_us,
        "verdict_us_p99": p99_us,
        "verdict_bytes": most,
        "bus_word_us": round(word_us),
        "verdict_to_bus_word": round(p50_us / word_us, 3),
    }


def answer(people: int) -> dict[str, float]:
    """Simulated ms from standing still to the light: the sensor's settling time, then the samples.

    Computing the verdict (`verdict_us_p50` of `verdict`) is too short to show here.
    """
    habits = Habits(patience_ms=6000 * SPEED)
    sensor = VirtualMLX90614(seed=3)
    crowd = built_in_crowd(people, 3, fever_share=0.0)
    with lone_board({}, speed=SPEED, people=crowd, sensor=sensor, habits=habits) as board:
        board.start()
        board.wait_crowd(60 + people * 20 / SPEED)
        visits = board.visits
    waits = waits_ms(visits, habits.approach_ms)
    part_ms = settle_ms(sensor.eeprom.cells[CONFIG1])
    return {
        "people": len(visits),
        "answered": len(waits),
        "answer_ms_p50": round(median(waits)),
        "answer_ms_p95": round(percentile(waits, 95)),
        "settling_ms": part_ms,
        "sampling_ms_p50": round(median(waits) - part_ms),
    }
