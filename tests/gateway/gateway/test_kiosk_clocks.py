"""What a gateway tells kiosks of the time, and when it had better say nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import health

from fevergate.clock.judge import KNOWN_PAST, GatewayClock
from fevergate.gateway.kiosk_time import CONFIRM_S, MAX_ERROR_S, KioskClocks
from fevergate.protocol.messages import KioskTime

NOW = 1_790_000_000.25


class Scene:
    def __init__(self, last=None, utc=NOW, ends=None):
        self.utc = utc
        self.up_s = 5.0
        self.answers = []
        self.synchronised = False
        clock = GatewayClock(
            last,
            utc=lambda: self.utc,
            monotonic=lambda: self.up_s,
            synchronised=lambda: self.synchronised,
            certificate_end=lambda: ends,
        )
        self.clocks = KioskClocks(
            lambda kiosk, time: self.answers.append((kiosk, time)),
            clock,
            monotonic=lambda: self.up_s,
        )

    def hears(self, at, kiosk="north-1", after_s=60.0):
        """Take a health message of a kiosk with date `at`; return the times sent in answer."""
        self.answers.clear()
        self.utc += after_s
        self.up_s += after_s
        self.clocks.health(health(kiosk=kiosk, at=at, up_ms=77))
        return [time for _, time in self.answers]


def test_a_kiosk_without_a_date_is_told_the_time_in_answer_to_its_health():
    assert Scene().hears(None, after_s=0) == [KioskTime(at_ms=1_790_000_000_250, up_ms=77)]


def test_a_kiosk_that_is_right_is_told_once_an_hour():
    scene = Scene()
    answers = [len(scene.hears(int(scene.utc + 60))) for _ in range(122)]
    assert [minute for minute, count in enumerate(answers) if count] == [0, 60, 120]


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
    assert scene.hears(None, kiosk="north-2", after_s=0)  # another kiosk does not wait for it


@pytest.mark.parametrize(
    ("utc", "last"), [(0.0, None), (KNOWN_PAST - 3600.0, None), (NOW, NOW + 7200.0)]
)
def test_a_gateway_that_doubts_its_clock_says_nothing_until_network_time_comes(utc, last):
    scene = Scene(last, utc)
    assert not scene.hears(None)
    scene.utc, scene.synchronised = max(NOW, last or 0), True
    assert scene.hears(None)


def test_a_time_beyond_the_brokers_certificate_is_told_nobody():
    scene = Scene(ends=NOW + 90)
    assert scene.hears(None)
    assert not scene.hears(None)
    scene.synchronised = True
    assert not scene.hears(None)


def test_the_limits_leave_room_for_whole_seconds():
    assert MAX_ERROR_S >= 1 and CONFIRM_S >= 600
