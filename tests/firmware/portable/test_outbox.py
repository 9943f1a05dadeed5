"""The outbox keeps readings on flash until the gateway has stored them."""

import os

from kiosk import record
from kiosk.errors import OutboxError
from kiosk.outbox import NEWEST, Outbox
from kiosk.segment import SPAN
from kiosk.this_boot import next_boot

FOLDER = "outbox-test"


def reading(seq, fever=False, card=False):
    """A record that differs from every other; with a card it has the second layout."""
    values = {}
    if card:
        values = {"who": "%016x" % seq, "permit": "enter"}
    values.update(
        {
            "seq": seq,
            "at": 1_800_000_000 + seq,
            "up_ms": seq * 1000,
            "object_c": 35.5,
            "ambient_c": 22.0,
            "skin_c": 36.0,
            "body_c": None,
            "threshold_c": 37.3,
            "baseline_c": 0.0,
            "verdict": "fever" if fever else "normal",
            "reason": "",
            "samples": 7,
            "scan_ms": 700,
            "queued": 0,
            "fw": "0.1.0",
        }
    )
    return record.pack(values)


def fresh():
    if FOLDER in os.listdir():
        for name in os.listdir(FOLDER):
            os.remove(FOLDER + "/" + name)
        os.rmdir(FOLDER)
    return Outbox(FOLDER)


def filled(count, boot=1, fevers=()):
    outbox = fresh()
    for seq in range(1, count + 1):
        outbox.add(boot, reading(seq, seq in fevers))
    return outbox


def drained(outbox):
    """Boot and number of every reading that the outbox would send, in its order."""
    identities = []
    under_way = {}
    while True:
        waiting = outbox.waiting(under_way)
        if waiting is None:
            return identities
        assert record.seq_of(waiting[2]) == waiting[1]
        identities.append(waiting[:2])
        under_way[waiting[:2]] = True


def first(outbox, under_way=()):
    """Boot and number of the reading that goes next."""
    waiting = outbox.waiting(under_way)
    return waiting and waiting[:2]


def segments():
    """The segment files: all but the two files of the newest readings."""
    return sorted([name for name in os.listdir(FOLDER) if not name.startswith("newest")])


def test_what_was_added_is_there_after_a_reboot():
    filled(60)
    outbox = Outbox(FOLDER)
    assert len(outbox) == 60
    assert drained(outbox) == [(1, seq) for seq in range(1, 61)]
    assert outbox.waiting(()) == (1, 1, reading(1))


def test_only_what_the_gateway_holds_is_forgotten():
    outbox = filled(10)
    outbox.release(1, 8, [[3, 4]])
    assert drained(outbox) == [(1, 3), (1, 4), (1, 9), (1, 10)]


def test_a_gap_as_long_as_the_backlog_keeps_all_of_it():
    outbox = filled(SPAN + 100)
    outbox.release(1, SPAN + 100, [[1, SPAN + 90]])
    assert len(outbox) == SPAN + 90
    assert first(outbox) == (1, 1)


def test_a_stored_message_of_another_boot_removes_nothing():
    outbox = filled(5, boot=7)
    outbox.release(6, 100, [])
    assert len(outbox) == 5


def test_a_repeated_stored_message_counts_once():
    outbox = filled(5)
    outbox.release(1, 3, [])
    outbox.release(1, 3, [])
    assert len(outbox) == 2


def test_a_fever_goes_out_before_the_backlog():
    for newest in (50, 60):  # from a segment, and from the newest few
        outbox = filled(60, fevers=(newest,))
        assert drained(outbox)[0] == (1, newest)


def test_while_the_line_is_full_only_a_fever_may_still_go():
    outbox = filled(60, fevers=(50,))
    assert outbox.waiting((), True) == (1, 50, reading(50, True))
    assert outbox.waiting(((1, 50),), True) is None
    assert outbox.waiting(((1, 50),)) == (1, 1, reading(1))


def test_while_the_gateway_answers_no_segment_is_ever_written():
    outbox = fresh()
    for seq in range(1, 40):
        outbox.add(1, reading(seq, seq % 7 == 0))
        outbox.release(1, seq - 1, [])  # the newest is still under way
    assert segments() == []
    assert drained(Outbox(FOLDER))[-1] == (1, 39)


def test_stored_segments_leave_the_flash():
    outbox = filled(3 * SPAN)
    assert len(segments()) == 3
    outbox.release(1, 3 * SPAN, [])
    assert len(outbox) == 0
    assert segments() == []


def test_a_write_that_never_came_to_its_end_costs_that_reading_alone():
    filled(5)
    names = sorted(os.listdir(FOLDER))
    assert names[1:] == ["newest.a", "newest.b"]
    with open(FOLDER + "/newest.a", "rb") as file:
        size_a = len(file.read())
    with open(FOLDER + "/newest.b", "rb") as file:
        size_b = len(file.read())
    # Three of the five are in a segment; one file holds the fourth, the other fourth and fifth.
    longer = FOLDER + ("/newest.a" if size_a > size_b else "/newest.b")
    os.remove(longer)
    with open(longer, "wb") as file:
        file.write(bytes(5))
    outbox = Outbox(FOLDER)
    assert drained(outbox) == [(1, 1), (1, 2), (1, 3), (1, 4)]
    outbox.add(2, reading(1))
    assert drained(Outbox(FOLDER))[-1] == (2, 1)


def test_a_segment_cut_in_the_middle_of_a_record_goes_on_after_it():
    filled(NEWEST + 1)
    name = FOLDER + "/" + segments()[0]
    with open(name, "rb") as file:
        data = file.read()
    with open(name, "wb") as file:
        file.write(data[:-3])
    outbox = Outbox(FOLDER)
    assert drained(outbox) == [(1, 1), (1, 2), (1, 3), (1, 4)]  # another file still held reading 3
    assert drained(Outbox(FOLDER)) == [(1, 1), (1, 2), (1, 3), (1, 4)]


def test_a_rotten_record_costs_that_one_alone_and_is_counted():
    filled(5 * NEWEST + 1)
    name = FOLDER + "/" + segments()[0]
    with open(name, "rb") as file:
        data = bytearray(file.read())
    data[4 * record.SIZE + 9] ^= 1
    with open(name, "wb") as file:
        file.write(data)
    outbox = Outbox(FOLDER)
    assert outbox.rotten == 1
    assert drained(outbox) == [(1, seq) for seq in range(1, 17) if seq != 5]


def test_a_record_that_rots_later_is_counted_and_passed_over():
    outbox = filled(5 * NEWEST + 1)
    name = FOLDER + "/" + segments()[0]
    with open(name, "rb") as file:
        data = bytearray(file.read())
    data[0] ^= 1
    with open(name, "wb") as file:
        file.write(data)
    assert drained(outbox) == [(1, seq) for seq in range(2, 17)]
    assert outbox.rotten == 1 and len(outbox) == 15


def test_files_that_are_all_rot_do_not_stop_the_kiosk():
    fresh()
    for name in ("0000000009-000000n", "newest.a", "newest.b", "00000009.log", "x-y", "-n"):
        with open(FOLDER + "/" + name, "wb") as file:
            file.write(bytes(range(256)) * 4)
    outbox = Outbox(FOLDER)
    assert len(outbox) == 0
    outbox.add(1, reading(1))
    assert len(outbox) == 1


def test_readings_with_and_without_cards_are_kept_side_by_side():
    for card_from, card_to in ((1, 99), (5, 99), (1, 20), (9, 22)):
        outbox = fresh()
        for seq in range(1, 31):
            outbox.add(1, reading(seq, seq % 7 == 0, card_from <= seq <= card_to))
            outbox = Outbox(FOLDER) if seq % 11 == 0 else outbox  # a power cut
        fevers = [(1, 7), (1, 14), (1, 21), (1, 28)]
        for instance in (outbox, Outbox(FOLDER)):
            assert len(instance) == 30
            identities = drained(instance)
            assert sorted(identities[:4]) == fevers
            assert sorted(identities) == [(1, seq) for seq in range(1, 31)]
        outbox.release(1, 12, ())
        assert sorted(drained(outbox)) == [(1, seq) for seq in range(13, 31)]


def test_a_card_comes_back_with_its_reading():
    outbox = fresh()
    for seq in range(1, 9):
        outbox.add(1, reading(seq, seq == 3, True))
    for instance in (outbox, Outbox(FOLDER)):
        under_way = {}
        while True:
            waiting = instance.waiting(under_way)
            if waiting is None:
                break
            under_way[waiting[:2]] = True
            assert record.unpack(waiting[2])["who"] == "%016x" % waiting[1]
        assert len(under_way) == 8


def test_the_newest_readings_with_cards_fit_into_the_metadata_log_too():
    outbox = fresh()
    for seq in range(1, 6):
        outbox.add(1, reading(seq, card=True))
        for name in ("cards.a", "cards.b"):
            if name in os.listdir(FOLDER):
                assert os.stat(FOLDER + "/" + name)[6] <= 128


def test_no_card_is_left_behind_once_its_readings_are_stored():
    outbox = fresh()
    for seq in range(1, 8):
        outbox.add(1, reading(seq, card=True))
    outbox.release(1, 7, ())
    restarted = Outbox(FOLDER)  # the newest are sent once more
    assert [name for name in os.listdir(FOLDER) if name.startswith("cards")] == []
    restarted.release(1, 7, ())
    assert os.listdir(FOLDER) == [] and len(Outbox(FOLDER)) == 0


def older_firmware_takes(name):
    """Whether firmware that knows only the first layout reads, overwrites or removes this file."""
    boot, dash, suffix = name.partition("-")
    segment = dash and boot.isdigit() and suffix[:-1].isdigit() and suffix[-1] in "fn"
    return bool(segment) or name in ("newest.a", "newest.b")


def test_an_older_firmware_leaves_what_it_does_not_know_and_reads_the_rest():
    outbox = fresh()
    for seq in range(1, 12):
        outbox.add(1, reading(seq, seq == 5))
    assert sorted(os.listdir(FOLDER)) == [
        "0000000001-000000f",
        "0000000001-000000n",
        "newest.a",
        "newest.b",
    ]
    for seq in range(12, 25):
        outbox.add(1, reading(seq, seq == 15, True))
    for name in os.listdir(FOLDER):
        with open(FOLDER + "/" + name, "rb") as file:
            data = file.read()
        start = 4 if name[-2] == "." else 0
        layout = 1 if older_firmware_takes(name) else 2
        assert data[start] == layout, name
        # It sends and removes the readings that it knows; newer firmware sends the others later.
        if layout == 1:
            os.remove(FOLDER + "/" + name)
    assert sorted(drained(Outbox(FOLDER))) == [(1, seq) for seq in range(12, 25)]


def test_when_full_the_oldest_normal_reading_goes_and_is_counted_and_fevers_stay():
    fresh()
    outbox = Outbox(FOLDER, 10)
    for seq in range(1, 16):
        outbox.add(1, reading(seq, seq in (1, 2)))
    assert outbox.dropped == 5
    assert drained(outbox)[:3] == [(1, 1), (1, 2), (1, 8)]


def test_when_there_are_only_fevers_the_oldest_of_them_goes():
    fresh()
    outbox = Outbox(FOLDER, 4)
    for seq in range(1, 8):
        outbox.add(1, reading(seq, True))
    assert outbox.dropped == 3
    assert drained(outbox) == [(1, 4), (1, 5), (1, 6), (1, 7)]


def test_when_the_flash_is_full_the_oldest_normal_readings_go_first():
    fresh()
    outbox = Outbox(FOLDER, 100_000, 64_000)
    for seq in range(1, 4001):
        outbox.add(1, reading(seq, seq % 400 == 1))
    assert sum([os.stat(FOLDER + "/" + name)[6] for name in segments()]) <= 64_000
    assert len(outbox) + outbox.dropped == 4000
    fevers = [(1, 400 * number + 1) for number in range(10)]
    for fever in fevers:
        assert first(outbox, fevers[: fevers.index(fever)]) == fever
    oldest = (first(outbox, fevers) or (0, 0))[1]
    assert oldest > 2500 and len(outbox) - 10 == 4000 - oldest + 1 - sum(
        [fever[1] > oldest for fever in fevers]
    )


def test_many_boots_without_a_gateway_never_fill_the_memory():
    fresh()
    outbox = None
    for boot in range(1, 100):
        outbox = Outbox(FOLDER)
        outbox.add(boot, reading(1, boot == 3))
        assert len(segments()) <= 64
    identities = drained(outbox)
    assert identities[0] == (3, 1) and identities[-1] == (99, 1) and len(identities) >= 60


def test_a_flash_that_refuses_says_so():
    outbox = fresh()
    os.rmdir(FOLDER)
    try:
        outbox.add(1, reading(1))
    except OutboxError:
        assert len(outbox) == 0
    else:
        raise AssertionError("kept without a flash")


def test_a_flash_that_takes_nothing_leaves_a_kiosk_that_screens():
    outbox = Outbox("no/such/folder")
    try:
        outbox.add(1, reading(1))
    except OutboxError:
        assert len(outbox) == 0 and outbox.waiting(()) is None
    else:
        raise AssertionError("kept without a flash")
    # Any boot number will do, except the number of the boot before.
    assert next_boot("no/such/boot", after=41, fresh=7_000_001) == 7_000_001


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
            data = file.read()
        with open(name, "wb") as file:
            file.write(data[:-1])
        assert next_boot(PATH, fresh=1) >= last
        last += 1


def test_an_erased_flash_begins_with_a_boot_number_never_used_before():
    forget_boots()
    assert next_boot(PATH, fresh=900_001) == 900_001
    forget_boots()
    assert next_boot(PATH, after=900_001, fresh=1) == 900_002
