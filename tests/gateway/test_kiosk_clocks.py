"""What a gateway tells kiosks of the time, and when it had better say nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import health

from fevergate.kiosk_clocks import AGAIN_S, KNOWN_PAST, OFF_S, KioskClocks
from fevergate.protocol import KioskTime

NOW = 1_790_000_000.25


class Scene:
    def __init__(self, newest=0.0, utc=NOW):
        self.utc = utc
        self.up_s = 5.0
        self.told = []
        self.clocks = KioskClocks(
            lambda kiosk, time: self.told.append((kiosk, time)),
            newest,
            lambda: self.utc,
            lambda: self.up_s,
        )

    def hears(self, at, kiosk="north-1", after_s=60.0):
        """One health; returns what it is answered."""
        self.told.clear()
        self.utc += after_s
        self.up_s += after_s
        self.clocks.health(health(kiosk=kiosk, at=at, up_ms=77))
        return [time for _, time in self.told]


def test_a_kiosk_without_a_date_is_told_the_time_in_answer_to_its_health():
    assert Scene().hears(None, after_s=0) == [KioskTime(at_ms=1_790_000_000_250, up_ms=77)]


def test_a_kiosk_that_is_right_is_told_once_an_hour():
    scene = Scene()
    answers = [len(scene.hears(int(scene.utc + 60))) for _ in range(122)]
    assert [minute for minute, told in enumerate(answers) if told] == [0, 60, 120]


def test_a_kiosk_whose_date_is_wrong_is_told_each_minute():
    scene = Scene()
    for wrong_s in (3, -3, 86_400, -86_400 * 400):
        assert scene.hears(int(scene.utc + 60) + wrong_s)


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 0.9))
def test_a_right_date_in_whole_seconds_is_never_called_wrong(fraction, on_the_way_s):
    scene = Scene()
    scene.hears(None)
    said_at = int(scene.utc) + 60 + fraction
    assert not scene.hears(int(said_at), after_s=said_at + on_the_way_s - scene.utc)


def test_who_asks_without_pause_is_answered_once_a_second():
    scene = Scene()
    answers = [len(scene.hears(None, after_s=0.1)) for _ in range(50)]
    assert 4 <= sum(answers) <= 6
    assert scene.hears(None, kiosk="north-2", after_s=0)  # another is not held up by it


@pytest.mark.parametrize(
    ("utc", "newest"), [(0.0, 0.0), (KNOWN_PAST - 3600.0, 0.0), (NOW, NOW + 3600)]
)
def test_a_gateway_whose_clock_cannot_be_right_says_nothing(utc, newest):
    scene = Scene(newest, utc)
    assert not scene.hears(None)
    scene.utc = max(newest, KNOWN_PAST)  # network time has come
    assert scene.hears(None)


def test_the_limits_leave_room_for_whole_seconds():
    assert OFF_S >= 1 and AGAIN_S >= 600
