"""The lamp post's tower on simulated pins: which lamps are lit, and what counts as a press."""

import sys

LAMPS = ("red", "amber", "green")
LEVELS = {}  # level of each pin, by number
SEEN = []  # the lamps that were lit after each change of a pin
TIMEOUTS = []  # given to the watchdog (ms), in order


class Pin:
    OUT, IN, PULL_UP = 3, 1, 2

    def __init__(self, number, mode, value=None):
        self.number = number
        LEVELS[number] = 1 if value is None else value

    def value(self, level=None):
        if level is not None:
            LEVELS[self.number] = int(level)
            SEEN.append(lit())
        return LEVELS[self.number]


class WDT:
    def __init__(self, timeout):
        TIMEOUTS.append(timeout)

    def feed(self):
        pass


class Machine:
    Pin, WDT = Pin, WDT


before = sys.modules.get("machine")
sys.modules["machine"] = Machine  # type: ignore[assignment]
import kiosk_board  # noqa: E402
from kiosk.tower import HELD_MS, HOLDING_MS, Tower  # noqa: E402

if before is None:
    del sys.modules["machine"]
else:
    sys.modules["machine"] = before


def lit():
    """The lamps that are lit; amber is lit while its pin is low."""
    lamps = []
    if LEVELS[kiosk_board.RED]:
        lamps.append("red")
    if not LEVELS[kiosk_board.AMBER]:
        lamps.append("amber")
    if LEVELS[kiosk_board.GREEN]:
        lamps.append("green")
    return lamps


def tower():
    for log in (SEEN, TIMEOUTS):
        log[:] = []
    return Tower()


def pressed(post, *down):
    """Look at a button every 20 ms, down or not as given; return whether each look was a press."""
    presses = []
    for index, is_down in enumerate(down):
        LEVELS[kiosk_board.READER_TX] = 0 if is_down else 1
        presses.append(post.pressed(20 * index))
    return presses


def test_before_anything_is_known_only_amber_is_lit_and_the_siren_is_silent():
    tower()
    assert lit() == ["amber"] and not LEVELS[kiosk_board.DOOR]


def test_no_change_of_lamps_leaves_the_tower_dark():
    shows = [(r, a, g) for r in (0, 1) for a in (0, 1) for g in (0, 1) if r or a or g]
    for first in shows:
        for second in shows:
            post = tower()
            post.show(0, *first)
            post.show(20, *second)
            assert all(SEEN), (first, second)
            assert lit() == [LAMPS[index] for index in range(3) if second[index]]


def test_the_watchdog_is_short_just_while_amber_is_held_off():
    post = tower()
    assert TIMEOUTS[-1] > HOLDING_MS
    post.show(0, False, False, True)
    assert TIMEOUTS[-1] == HOLDING_MS
    post.show(20, True, False, False)
    assert TIMEOUTS[-1] == HOLDING_MS
    post.show(40, True, True, False)
    assert TIMEOUTS[-1] > HOLDING_MS


def test_a_press_is_reported_once_when_two_looks_find_the_button_down():
    assert pressed(tower(), 0, 1, 1, 1, 1) == [False, False, True, False, False]
    assert pressed(tower(), 0, 1, 0, 1, 0) == [False] * 5  # a contact that bounces
    assert pressed(tower(), 0, 1, 1, 0, 1, 1) == [False, False, True, False, False, True]


def test_a_button_that_is_down_at_the_start_counts_once_it_was_let_go():
    assert pressed(tower(), 1, 1, 1, 0, 1, 1) == [False] * 5 + [True]


def test_a_button_that_is_down_for_long_is_jammed_until_it_is_let_go():
    post = tower()
    pressed(post, 0, 1)
    assert not post.jammed(20 + HELD_MS - 1)
    assert post.jammed(20 + HELD_MS)
    pressed(post, 0)
    assert not post.jammed(20 + HELD_MS)


def test_identify_makes_a_post_blink_amber_for_ten_seconds():
    post = tower()
    post.identify()
    blinks = []
    for now_ms in range(0, 11_000, 500):
        post.show(now_ms, False, False, True)
        blinks.append("amber" in lit())
    assert blinks == [False, True] * 10 + [False, False]
