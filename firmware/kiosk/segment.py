"""One file of the outbox: readings of one boot within a window of sequence numbers.

Either fevers or the others, so that those can go without these. A backlog has forty of them, and
memory holds no object for each but a `bytearray`, here `state`: boot, window and kind, places in
the file; then the numbers in it and, as soon as these are fewer, those that must still be told
(`kiosk.number_set`: some 40 bytes each, 128 at most, whatever comes).
"""

import os
import struct

from kiosk import number_set, record
from kiosk.number_set import SPAN

_HEAD = (
    "<IIHBB"  # boot; twice the window, and 1 for fevers; places; bytes of the first set; others?
)
_SETS = 12
_BLOCK = 4096  # of the flash: what a file takes is whole blocks
_AT_ONCE = 64  # records read at once


def new(boot, window, fever):
    """The state of a file that is not there yet."""
    return bytearray(struct.pack(_HEAD, boot, window * 2 + fever, 0, 0, 0))


def named(name):
    """The state of a file that must still be loaded; None where it is none of ours."""
    boot, dash, rest = name.partition("-")
    if not (dash and boot.isdigit() and rest[:-1].isdigit() and rest[-1] in "fn"):
        return None
    boot, window = int(boot), int(rest[:-1])
    return None if boot >> 32 or window >> 22 else new(boot, window, rest[-1] == "f")


def same(state, other):
    """Whether two are of the same file."""
    return state[:8] == other[:8]


def boot_of(state):
    """The boot that it is of."""
    return struct.unpack_from("<I", state)[0]


def fever_of(state):
    """Whether it holds fevers."""
    return state[4] & 1


def last(state):
    """The highest number that the file ever held."""
    return _first(state) + max([end for _, end in number_set.each(_sets(state)[0])]) - 1


def left(state):
    """How many readings must still be told."""
    return number_set.below(_sets(state)[1], SPAN)


def flash_bytes(state):
    """What the file takes of the flash."""
    return (_slots(state) * record.SIZE // _BLOCK + 1) * _BLOCK


def load(folder, state):
    """Take up what an earlier boot left; returns how many records are rotten."""
    first = _first(state)
    there = bytearray()
    before = -1
    slots = rotten = 0
    with open(_path(folder, state), "rb") as file:
        while True:
            chunk = file.read(_AT_ONCE * record.SIZE)
            if not chunk:
                _keep(state, there, there, slots)
                return rotten
            for start in range(0, len(chunk), record.SIZE):
                data = chunk[start : start + record.SIZE]
                index = record.seq_of(data) - first if record.sound(data) else -1
                if before < index < SPAN:
                    there = number_set.add(there, index, index + 1)
                    before = index
                else:
                    rotten += 1
                slots += 1


def append(folder, state, records):
    """Write sound records at the end, their numbers above `last`. Raises `OSError`."""
    slots = _slots(state)
    there, untold = _sets(state)
    path = _path(folder, state)
    try:
        with open(path, "ab" if slots else "wb") as file:
            pad = bytes(-file.seek(0, 2) % record.SIZE)  # what was torn fills its place
            file.write(pad + b"".join(records))
    except OSError:
        try:  # what the failed write left behind takes places, and is none of ours
            _keep(state, there, untold, (os.stat(path)[6] + record.SIZE - 1) // record.SIZE)
        except OSError:
            pass
        raise
    for data in records:
        index = record.seq_of(data) - _first(state)
        alike = untold is there
        there = number_set.add(there, index, index + 1)
        untold = there if alike else number_set.add(untold, index, index + 1)
    _keep(state, there, untold, slots + len(records))


def read(folder, state, seq):
    """The record of a reading that is left, or None, and then it is given up: it is rotten.

    Its place is after the lower numbers, and after what is rotten before it.
    """
    there = _sets(state)[0]
    try:
        with open(_path(folder, state), "rb") as file:
            file.seek(number_set.below(there, seq - _first(state)) * record.SIZE)
            for _ in range(_slots(state) - number_set.below(there, SPAN) + 1):
                data = file.read(record.SIZE)
                if record.sound(data) and record.seq_of(data) >= seq:
                    if record.seq_of(data) == seq:
                        return data
                    break
    except OSError:
        pass
    release(state, seq, seq)
    return None


def next_seq(state, skip=()):
    """The first number that is left and whose (boot, number) is not in `skip`, or None."""
    boot = boot_of(state)
    base = _first(state)
    for first, end in number_set.each(_sets(state)[1]):
        for seq in range(base + first, base + end):
            if (boot, seq) not in skip:
                return seq
    return None


def release(state, first, last):
    """Forget the numbers from one to another: they need not be told; returns how many."""
    first = max(first - _first(state), 0)
    end = min(last + 1 - _first(state), SPAN)
    if first >= end:
        return 0
    there, untold = _sets(state)
    count = number_set.below(untold, end) - number_set.below(untold, first)
    if count:
        _keep(state, there, number_set.without(untold, first, end), _slots(state))
    return count


def remove(folder, state):
    """Take the file away; one that cannot be is found empty of news at the next boot."""
    try:
        os.remove(_path(folder, state))
    except OSError:
        pass


def _path(folder, state):
    kind = "f" if fever_of(state) else "n"
    return "%s/%010d-%06d%s" % (folder, boot_of(state), _first(state) // SPAN, kind)


def _first(state):
    return (struct.unpack_from("<I", state, 4)[0] >> 1) * SPAN


def _slots(state):
    return struct.unpack_from("<H", state, 8)[0]


def _sets(state):
    """The numbers in the file, and those that are left; one and the same where none was told."""
    end = _SETS + state[10]
    there = state[_SETS:end]
    return there, state[end:] if state[11] else there


def _keep(state, there, untold, slots):
    alike = untold is there
    struct.pack_into("<HBB", state, 8, min(slots, 0xFFFF), len(there), not alike)
    state[_SETS:] = there if alike else there + untold
