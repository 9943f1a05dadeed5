"""One kiosk that shouts takes nothing from the others."""

from fevergate.flood import BURST, CALM_S, PER_S, Flood


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def taken(flood, kiosk, count):
    return sum(not flood.over(kiosk) for _ in range(count))


def test_a_whole_outbox_is_taken_at_once():
    assert taken(Flood(Clock()), "north-1", int(BURST)) == BURST


def test_a_flood_is_held_to_its_rate_and_named_and_others_are_not():
    clock = Clock()
    flood = Flood(clock)
    taken(flood, "north-1", int(BURST))
    assert taken(flood, "north-1", 100) == 0
    assert flood.kiosks() == {"north-1": "floods, 100 not taken"}
    assert taken(flood, "north-2", 100) == 100
    clock.now += 1
    assert taken(flood, "north-1", 10_000) == PER_S


def test_a_flood_that_is_over_is_not_named_any_more():
    clock = Clock()
    flood = Flood(clock)
    taken(flood, "north-1", int(BURST) + 1)
    clock.now += CALM_S + 1
    assert flood.kiosks() == {}
