"""A kiosk whose clock is unset, wrong, or set again: nothing is lost, and dates become right."""

import math

import pytest
from kiosk_helpers import ANSWER_S, FIRMWARE, HEALTHY, changed, readings, until

from fevergate.storage.connection import open_reader
from scenarios.day import Clock, Day, Plan, play
from simulator import Board

SPEED = 10.0
DAY_S = 86_400


@pytest.fixture
def day(tmp_path):
    plan = Plan(people=10_000, hours=2, speed=SPEED, seed=1)
    day = Day(tmp_path / "site", [], plan)
    for board in day.boards:
        changed(board, "kiosk/clock.py", ("ASK_EVERY_S = 3600", "ASK_EVERY_S = 10"))
    yield day
    day.clock.silent = True


def stored(day):
    reader = open_reader(day.settings.path(day.settings.database))
    try:
        rows = reader.execute("select at from readings where kiosk = 'north-1' order by boot, seq")
        return [row[0] for row in rows]
    finally:
        reader.close()


def measured(board):
    before = len(readings(board))
    board.admit([HEALTHY])
    until(lambda: len(readings(board)) > before)
    return readings(board)[-1]


def all_dated_right(day):
    """Wait until each shown reading is stored and dated; return whether all dates are right."""
    errors = day.date_errors
    until(lambda: len(errors()) == len(day.shown) and math.inf not in errors())
    return day.misdated() == []


def test_readings_before_the_first_time_are_dated_once_it_is_known(day):
    day.clock.silent = True
    with day:
        board = day.boards[0]
        for _ in range(3):
            assert measured(board)["at"] is None
        day.clock.silent = False
        until(lambda: measured(board)["at"] is not None)
        assert all_dated_right(day)


def test_a_clock_that_jumps_both_ways_loses_doubles_and_disorders_nothing(day):
    with day:
        board = day.boards[0]
        until(lambda: measured(board)["at"] is not None)
        for wrong_s in (3 * DAY_S, -3 * DAY_S, 0):
            day.clock.wrong_s = wrong_s
            until(lambda: abs(measured(board)["at"] - day.clock.utc() - day.clock.wrong_s) < 30)
        until(day.settled)
        summary = day.judge()
        assert summary.lost == summary.duplicated == 0
        seqs = [reading["seq"] for reading in readings(board)]
        assert seqs == list(range(1, len(seqs) + 1))
        # Dates are kept as the kiosk gave them, in the order of measurement.
        assert sorted(stored(day)) != stored(day)


RESETS = """
import asyncio
import machine
from kiosk import clock

if machine.reset_cause() == machine.PWRON_RESET:
    print("unset", clock.utc())
    clock.set_utc(1_900_000_000)
    machine.soft_reset()
print("after the reset", clock.utc())
"""


def test_a_reset_keeps_the_clock_running(tmp_path):
    board = Board("north-1", tmp_path / "flash", FIRMWARE, clock_set=False)
    board.flash({"main.py": RESETS.encode()})
    with board:
        board.start()
        clock_s = int(board.wait_console("after the reset", ANSWER_S).split()[-1])
    assert "unset None" in board.console
    assert 0 <= clock_s - 1_900_000_000 < 60


def test_a_clock_is_set_to_the_millisecond(tmp_path):
    clock = Clock(1_900_000_000.875, 0.0)  # a time server that stands still
    script = f"""
import asyncio
import time
from kiosk import clock

async def main():
    asyncio.create_task(clock.keep("127.0.0.1", {clock.port}, lambda: print("news"), lambda: True))
    while clock.utc() is None:
        await asyncio.sleep_ms(5)
    print("ms", time.time_ns() // 1_000_000 + 946_684_800_000)

asyncio.run(main())
"""
    board = Board("north-1", tmp_path / "flash", FIRMWARE, clock_set=False)
    board.flash({"main.py": script.encode()})
    with board:
        board.start()
        at_ms = int(board.wait_console("ms", ANSWER_S).split()[1])
    clock.silent = True
    assert "news" in board.console
    assert at_ms >= 1_900_000_000_875


def test_a_short_bad_day_ends_with_everything_kept_once_in_order_and_dated(tmp_path):
    """tools/day plays a long bad day."""
    lines = []
    result = play(Plan(people=40, hours=0.06, speed=6, seed=4), tmp_path / "site", lines.append)
    assert result["people"] == 40 and result["boots"] == 5
    for name in ("lost", "duplicated", "undated", "disorder", "misdated"):
        assert result[name] == 0, "\n".join([str(result), *lines])
    assert result["fevers"] == result["red_lights"]
    assert result["dated"] == result["readings"], result
    assert len(lines) >= 17


KEPT = """
from kiosk import clock
from kiosk.safe_file import SafeFile

kept = SafeFile("/clock")
for values in (
    None, 1, "x", [], {}, {"at": None}, {"at": "1800000000"}, {"at": 1.8e9}, {"at": True},
    {"at": -1}, {"at": 0}, {"at": 1_735_689_599}, {"at": 4_102_444_800}, {"at": 2**53},
):
    kept.write(values)
    clock.restore()
    assert clock.utc() is None and clock._now() < 1_735_689_600, values
kept.write({"at": 1_800_000_000, "sure": True})
clock.restore()
assert clock.utc() is None and 0 <= clock._now() - 1_800_000_000 < 60
assert kept.read() == {"at": 1_800_000_000, "sure": False}
clock.restore()
assert clock.utc() is None  # it went on through a reset, and is no surer
at = clock._now()
assert clock.confirm(at * 1000 + 900) and at <= clock.utc() <= at + 60
assert kept.read()["sure"] is True
clock.restore()
assert clock.utc() is not None

written = 0
def write(values):
    global written
    written += 1
clock.SafeFile = lambda path: type("Counting", (), {"write": lambda self, values: write(values)})()
for off_ms in (0, 400, -400, 900, -900):
    assert not clock.confirm(clock.time.time_ns() // 1_000_000 + clock._EPOCH_S * 1000 + off_ms)
assert written == 0
for off_s in (3, -3, 86_400, -86_400):
    before = clock._now()
    assert clock.confirm((before + off_s) * 1000)
    assert 0 <= clock._now() - before - off_s < 60
assert written == 4
for message in (None, [], {}, 1, "x"):
    try:
        clock.take_answer(message, 1000)
        print("taken", message)
    except Exception as error:
        pass
for up_ms in (999, 5001):
    try:
        clock.take_answer({"at_ms": 1_800_000_000_000, "up_ms": 1000}, up_ms)
        print("taken", up_ms)
    except clock.KioskError:
        pass
assert clock.take_answer({"at_ms": 1_900_000_000_000, "up_ms": 1000}, 3000)
assert 1_900_000_001 <= clock.utc() < 1_900_000_060  # half of the way there and back
print("all held")
"""


def test_a_kept_time_is_checked_and_the_flash_is_written_only_when_it_must_be(tmp_path):
    board = Board("north-1", tmp_path / "flash", FIRMWARE, clock_set=False)
    board.flash({"main.py": KEPT.encode()})
    with board:
        board.start()
        board.wait_console("all held", ANSWER_S)
    assert not any(line.startswith("taken") for line in board.console)
