"""After power-on nobody is let in before the sensor's can has settled, and no fever is lost."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kiosk_helpers import ANSWER_S, FEVERISH, HEALTHY, authority_der, kiosk, readings, settings
from kiosk_helpers import until as wait_until

from kiosk.safe_file import SafeFile
from kiosk.sensor_checks import _APART, _BLOCK_MS, _MOST_MS, _RISE_C, WarmUp
from simulator import Habits
from simulator.sensor import VirtualMLX90614

NOISE_C = 0.012


def settled_ms(can_c, seed: int) -> int:
    """Time (ms) at which a can counts as settled; `can_c(now_ms)` is its temperature (°C)."""
    chance, warm_up = random.Random(seed), WarmUp()
    for now_ms in range(0, 2 * _MOST_MS, 100):
        read_c = round((can_c(now_ms) + chance.gauss(0, NOISE_C)) / 0.02) * 0.02
        if warm_up.feed(now_ms, read_c):
            return now_ms
    raise AssertionError("never settled")


@given(rise_c=st.floats(-25, 8), constant_min=st.floats(1, 12), seed=st.integers(0, 99))
def test_a_can_is_taken_for_settled_when_hardly_anything_of_its_warming_is_left(
    rise_c: float, constant_min: float, seed: int
):
    constant_ms = constant_min * 60_000
    at_ms = settled_ms(lambda ms: 22 + rise_c * -math.expm1(-ms / constant_ms), seed)
    left_c = abs(rise_c) * math.exp(-at_ms / constant_ms)
    assert at_ms >= (_APART + 1) * _BLOCK_MS
    # The rest of the warming is its slope (°C a minute) times its time constant (minutes).
    assert left_c < 1.2 * _RISE_C * max(constant_min, 1.5) or at_ms >= _MOST_MS


@given(room_c=st.floats(0, 40), seed=st.integers(0, 99))
def test_a_can_that_is_warm_already_is_not_waited_for(room_c: float, seed: int):
    assert settled_ms(lambda _: room_c, seed) <= (_APART + 2) * _BLOCK_MS


@given(st.floats(0.2, 3.0))
def test_a_hall_that_never_rests_is_not_waited_for_for_ever(slope_c_per_min: float):
    at_ms = settled_ms(lambda ms: 10 + slope_c_per_min * ms / 60_000, 0)
    assert _MOST_MS <= at_ms <= _MOST_MS + _BLOCK_MS


@pytest.fixture
def board(tmp_path):
    sensor = VirtualMLX90614(self_heating_c=4.0, warm_up_ms=15_000.0)
    files = {"settings.json": settings(), "ca.der": authority_der()}
    patience = Habits(patience_ms=36_000, tries=2)
    board = kiosk(tmp_path / "flash", files, sensor=sensor, warmed_up=False, habits=patience)
    SafeFile(str(board.flash_dir / "calibration")).write(
        {"sensor": sensor.eeprom.number, "offset_c": 0.0, "gain": 1.0, "can_over_air_c": 4.0}
    )
    yield board
    board.stop()


def served(board, *people):
    before = len(board.visits)
    board.admit(people)
    board.wait_crowd(ANSWER_S)
    return board.visits[before:]


def test_a_kiosk_that_warms_up_says_so_and_lets_nobody_in(board):
    board.start()
    board.wait_light("amber", ANSWER_S)
    healthy, feverish = served(board, HEALTHY, FEVERISH)
    # If 4 °C were subtracted from a can that is not warm yet, healthy people would seem feverish.
    assert set(healthy.colours) == {"amber"}
    assert "red" in feverish.colours
    assert {reading["reason"] for reading in readings(board)} == {"wait", "confirm", ""}
    assert "normal" not in {reading["verdict"] for reading in readings(board)}
    board.wait_console("sensor settled", ANSWER_S)
    wait_until(lambda: board.light() is None)
    (healthy,) = served(board, HEALTHY)
    assert healthy.answer == "green"


def test_a_reset_leaves_the_can_warm_and_a_power_cut_does_not(board):
    board.start()
    board.wait_console("sensor settled", ANSWER_S)
    board.panic()
    wait_until(lambda: board.boots == 2)
    (healthy,) = served(board, HEALTHY)
    assert healthy.answer == "green"
    board.power_cut()
    board.start()
    board.wait_light("amber", ANSWER_S)
    (healthy,) = served(board, HEALTHY)
    assert set(healthy.colours) == {"amber"}
