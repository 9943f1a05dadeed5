"""A kiosk that floods the gateway takes nothing from the others."""

import pytest
from samples import reading

from fevergate.gateway.flood_guard import (
    CALM_S,
    OTHERS_BURST,
    READINGS_BURST,
    READINGS_PER_S,
    FloodGuard,
)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def paced_reading(seq, kiosk="north-1", per_s=1.0, boot=1):
    return reading(seq, kiosk=kiosk, boot=boot, up_ms=int(seq * 1000 / per_s))


def taken_count(flood, kiosk, count):
    """Send a backlog of `count` readings, measured one a second; return how many are taken."""
    return sum(not flood.over(paced_reading(seq, kiosk)) for seq in range(1, count + 1))


def test_a_whole_outbox_is_taken_at_once():
    assert taken_count(FloodGuard(Clock()), "north-1", int(READINGS_BURST)) == READINGS_BURST


def test_a_flood_is_held_to_its_rate_and_named_and_others_are_not():
    clock = Clock()
    flood = FloodGuard(clock)
    taken_count(flood, "north-1", int(READINGS_BURST))
    assert taken_count(flood, "north-1", 100) == 0
    assert flood.kiosks() == {"north-1": "floods, 100 not taken"}
    assert taken_count(flood, "north-2", 100) == 100
    clock.now += 1
    assert taken_count(flood, "north-1", 10_000) == READINGS_PER_S


def test_a_flood_that_is_over_is_not_named_any_more():
    clock = Clock()
    flood = FloodGuard(clock)
    taken_count(flood, "north-1", int(READINGS_BURST) + 1)
    clock.now += CALM_S + 1
    assert flood.kiosks() == {}


@pytest.mark.parametrize(("per_s", "up_per_s"), [(3, 3), (10, 10), (450, 450), (450, 1)])
def test_a_rate_that_no_people_reach_is_named_within_a_minute(per_s, up_per_s):
    """Whether the kiosk says how fast it measured, or lies about that."""
    clock = Clock()
    flood = FloodGuard(clock)
    for seq in range(1, 61 * per_s + 1):
        clock.now = seq / per_s
        flood.over(paced_reading(2 * seq if up_per_s > 1 else seq, per_s=2 * up_per_s))
    assert "north-1" in flood.kiosks()


@pytest.mark.parametrize("order", [1, -1])
def test_a_crowd_of_a_person_a_second_and_its_backlog_are_no_flood(order):
    clock = Clock()
    flood = FloodGuard(clock)
    # A backlog comes with its fevers first, so its order varies.
    backlog = [paced_reading(seq) for seq in range(1, int(READINGS_BURST) - 600)][::order]
    assert not any(flood.over(message) for message in backlog)  # after an outage
    for seq in range(int(READINGS_BURST), int(READINGS_BURST) + 7200):
        clock.now += 1
        assert not flood.over(paced_reading(seq))
    assert flood.kiosks() == {}


def test_a_flood_of_health_is_named_too_and_takes_nothing_from_the_readings():
    flood = FloodGuard(Clock())
    assert sum(not flood.over_others("north-1") for _ in range(1000)) == OTHERS_BURST
    assert flood.kiosks() == {"north-1": "floods, 700 not taken"}
    assert taken_count(flood, "north-1", 100) == 100
