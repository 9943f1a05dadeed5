"""Readings on flash, until the gateway holds them."""

import os

from kiosk.errors import OutboxError
from kiosk.outbox import SEGMENT, Outbox, next_boot

FOLDER = "outbox-test"


def fresh():
    if FOLDER in os.listdir():
        for name in os.listdir(FOLDER):
            os.remove(FOLDER + "/" + name)
        os.rmdir(FOLDER)
    return Outbox(FOLDER)


def filled(count, boot=1, fevers=()):
    outbox = fresh()
    for seq in range(1, count + 1):
        outbox.add(boot, seq, seq in fevers, "r%d" % seq)
    return outbox


def drained(outbox):
    """Everything that it wants to send, in its order."""
    seen = []
    while True:
        waiting = outbox.waiting(seen)
        if waiting is None:
            return seen
        seen.append(waiting[:2])


def test_what_was_added_is_there_after_a_reboot():
    filled(60)
    outbox = Outbox(FOLDER)
    assert len(outbox) == 60
    assert drained(outbox) == [(1, seq) for seq in range(1, 61)]
    assert outbox.waiting(()) == (1, 1, "r1")


def test_only_what_the_gateway_holds_is_forgotten():
    outbox = filled(10)
    outbox.release(1, 8, [[3, 4]])
    assert drained(outbox) == [(1, 3), (1, 4), (1, 9), (1, 10)]


def test_another_boots_word_forgets_nothing():
    outbox = filled(5, boot=7)
    outbox.release(6, 100, [])
    assert len(outbox) == 5


def test_a_repeated_word_counts_once():
    outbox = filled(5)
    outbox.release(1, 3, [])
    outbox.release(1, 3, [])
    assert len(outbox) == 2


def test_a_fever_goes_out_before_the_backlog():
    outbox = filled(60, fevers=(50,))
    assert drained(outbox)[0] == (1, 50)


def test_while_the_line_is_full_only_a_fever_may_still_go():
    outbox = filled(60, fevers=(50,))
    assert outbox.waiting((), True) == (1, 50, "r50")
    assert outbox.waiting(((1, 50),), True) is None
    assert outbox.waiting(((1, 50),)) == (1, 1, "r1")


def test_stored_segments_leave_the_flash():
    outbox = filled(3 * SEGMENT)
    outbox.release(1, 3 * SEGMENT, [])
    assert len(outbox) == 0
    assert os.listdir(FOLDER) == []


def test_a_segment_that_is_written_to_stays_so_that_the_flash_wears_less():
    outbox = fresh()
    for seq in range(1, SEGMENT):
        outbox.add(1, seq, False, "x")
        outbox.release(1, seq, [])
    assert len(os.listdir(FOLDER)) == 1


def test_a_torn_last_line_costs_that_line_alone():
    filled(5)
    name = FOLDER + "/" + os.listdir(FOLDER)[0]
    with open(name, "rb") as file:
        whole = file.read()
    with open(name, "wb") as file:
        file.write(whole[:-3])
    outbox = Outbox(FOLDER)
    assert drained(outbox) == [(1, 1), (1, 2), (1, 3), (1, 4)]
    outbox.add(2, 1, False, "next")
    assert drained(Outbox(FOLDER))[-1] == (2, 1)


def test_a_rotten_line_costs_that_line_alone_and_is_counted():
    filled(5)
    name = FOLDER + "/" + os.listdir(FOLDER)[0]
    with open(name, "rb") as file:
        lines = file.read().split(b"\n")
    lines[2] = lines[2][:-1] + b"?"
    with open(name, "wb") as file:
        file.write(b"\n".join(lines))
    outbox = Outbox(FOLDER)
    assert outbox.rotten == 1
    assert drained(outbox) == [(1, 1), (1, 2), (1, 4), (1, 5)]


def test_a_file_that_is_all_rot_does_not_stop_the_kiosk():
    fresh()
    with open(FOLDER + "/00000009.log", "wb") as file:
        file.write(bytes(range(256)) * 4)
    outbox = Outbox(FOLDER)
    assert len(outbox) == 0
    outbox.add(1, 1, False, "x")
    assert len(outbox) == 1


def test_when_full_the_oldest_normal_reading_goes_and_is_counted_and_fevers_stay():
    fresh()
    outbox = Outbox(FOLDER, 10)
    for seq in range(1, 16):
        outbox.add(1, seq, seq in (1, 2), "r%d" % seq)
    assert outbox.dropped == 5
    assert drained(outbox)[:3] == [(1, 1), (1, 2), (1, 8)]


def test_a_flash_that_refuses_says_so():
    outbox = fresh()
    os.rmdir(FOLDER)
    try:
        outbox.add(1, 1, False, "x")
    except OutboxError:
        assert len(outbox) == 0
    else:
        raise AssertionError("kept without a flash")


PATH = "boot-test"
SLOTS = (PATH + ".a", PATH + ".b")


def forget_boots():
    for name in SLOTS:
        if name in os.listdir():
            os.remove(name)


def test_boots_are_counted():
    forget_boots()
    assert [next_boot(PATH, fresh=5000) for _ in range(4)] == [5000, 5001, 5002, 5003]


def test_a_power_cut_while_counting_costs_no_count():
    forget_boots()
    last = [next_boot(PATH, fresh=7) for _ in range(3)][-1]
    for name in SLOTS:
        with open(name, "rb") as file:
            whole = file.read()
        with open(name, "wb") as file:
            file.write(whole[:-1])
        assert next_boot(PATH, fresh=1) >= last
        last += 1


def test_an_erased_flash_begins_where_no_earlier_life_was():
    forget_boots()
    assert next_boot(PATH, fresh=900_001) == 900_001
    forget_boots()
    assert next_boot(PATH, after=900_001, fresh=1) == 900_002
