"""One file of the outbox: records of one boot within a window of `SPAN` sequence numbers.

A file holds either fevers or other readings, so that the others can be given up first. A backlog
has forty files. Records with a card have another layout and files of their own, whose names end in
"2"; firmware that does not know this layout ignores these files. To save heap, a `bytearray` named
`state` describes a file. It holds:

- boot, window, kind, and the number of places (record slots) in the file;
- the set of numbers in the file (`kiosk.number_set`: some 40 bytes, 128 at most);
- the set of numbers not yet acknowledged, left out while it equals the first set.
"""

import os
import struct

from kiosk import number_set, record
from kiosk.number_set import SPAN

# Boot; 4 * window + 2 * carded + fever; places; bytes of the first set; whether a second follows.
_HEAD = "<IIHBB"
_SETS = 12  # offset of the sets in a state
_BLOCK = 4096  # bytes of a flash block; a file takes whole blocks
_AT_ONCE = 64  # records per read


def new(boot, window, fever, carded=False):
    """The state of a file that does not exist yet."""
    return bytearray(struct.pack(_HEAD, boot, window * 4 + carded * 2 + fever, 0, 0, 0))


def named(name):
    """The state for a file's name, not loaded yet; None if the file is not a segment."""
    boot, dash, suffix = name.partition("-")
    carded = suffix[-2:] in ("f2", "n2")
    if carded:
        suffix = suffix[:-1]
    if not (dash and boot.isdigit() and suffix[:-1].isdigit() and suffix[-1] in "fn"):
        return None
    boot, window = int(boot), int(suffix[:-1])
    return None if boot >> 32 or window >> 22 else new(boot, window, suffix[-1] == "f", carded)


def same(state, other):
    """Whether two states are of the same file."""
    return state[:8] == other[:8]


def boot_of(state):
    """The boot number of the file."""
    return struct.unpack_from("<I", state)[0]


def fever_of(state):
    """Whether the file holds fevers."""
    return state[4] & 1


def size_of(state):
    """Size (bytes) of each record in the file."""
    return record.CARD_SIZE if state[4] & 2 else record.SIZE


def last(state):
    """The highest sequence number in the file."""
    return _first(state) + max([end for _, end in number_set.each(_sets(state)[0])]) - 1


def left(state):
    """Number of readings not yet acknowledged."""
    return number_set.below(_sets(state)[1], SPAN)


def flash_bytes(state):
    """Bytes of flash that the file takes."""
    return (_places(state) * size_of(state) // _BLOCK + 1) * _BLOCK


def load(folder, state):
    """Read the file of an earlier boot into `state`; returns the number of corrupt records."""
    first, size = _first(state), size_of(state)
    present = bytearray()
    before = -1
    places = damaged = 0
    with open(_path(folder, state), "rb") as file:
        while True:
            chunk = file.read(_AT_ONCE * size)
            if not chunk:
                _keep(state, present, present, places)
                return damaged
            for start in range(0, len(chunk), size):
                data = chunk[start : start + size]
                index = record.seq_of(data) - first if record.sound(data) else -1
                if before < index < SPAN:
                    present = number_set.add(present, index, index + 1)
                    before = index
                else:
                    damaged += 1
                places += 1


def append(folder, state, records):
    """Append sound records, whose numbers must be above `last(state)`. Raises `OSError`."""
    places, size = _places(state), size_of(state)
    present, unacked = _sets(state)
    path = _path(folder, state)
    try:
        with open(path, "ab" if places else "wb") as file:
            pad = bytes(-file.seek(0, 2) % size)  # a torn record is padded to a full record
            file.write(pad + b"".join(records))
    except OSError:
        try:  # the part that was written still takes places
            _keep(state, present, unacked, (os.stat(path)[6] + size - 1) // size)
        except OSError:
            pass
        raise
    for data in records:
        index = record.seq_of(data) - _first(state)
        alike = unacked is present
        present = number_set.add(present, index, index + 1)
        unacked = present if alike else number_set.add(unacked, index, index + 1)
    _keep(state, present, unacked, places + len(records))


def read(folder, state, seq):
    """The record of an unacknowledged reading, or None if it is corrupt; it is then given up.

    Its place is after the records with lower numbers, and after corrupt ones between them.
    """
    present, size = _sets(state)[0], size_of(state)
    try:
        with open(_path(folder, state), "rb") as file:
            file.seek(number_set.below(present, seq - _first(state)) * size)
            for _ in range(_places(state) - number_set.below(present, SPAN) + 1):
                data = file.read(size)
                if record.sound(data) and record.seq_of(data) >= seq:
                    if record.seq_of(data) == seq:
                        return data
                    break
    except OSError:
        pass
    release(state, seq, seq)
    return None


def next_seq(state, skip=()):
    """The first unacknowledged number whose (boot, number) is not in `skip`, or None."""
    boot = boot_of(state)
    base = _first(state)
    for first, end in number_set.each(_sets(state)[1]):
        for seq in range(base + first, base + end):
            if (boot, seq) not in skip:
                return seq
    return None


def release(state, first, last):
    """Mark the numbers `first` to `last` as acknowledged; returns how many are new."""
    first = max(first - _first(state), 0)
    end = min(last + 1 - _first(state), SPAN)
    if first >= end:
        return 0
    present, unacked = _sets(state)
    count = number_set.below(unacked, end) - number_set.below(unacked, first)
    if count:
        _keep(state, present, number_set.without(unacked, first, end), _places(state))
    return count


def remove(folder, state):
    """Remove the file; if that fails, its readings are sent again after the next boot."""
    try:
        os.remove(_path(folder, state))
    except OSError:
        pass


def _path(folder, state):
    kind = ("n", "f", "n2", "f2")[state[4] & 3]
    return "%s/%010d-%06d%s" % (folder, boot_of(state), _first(state) // SPAN, kind)


def _first(state):
    return (struct.unpack_from("<I", state, 4)[0] >> 2) * SPAN


def _places(state):
    return struct.unpack_from("<H", state, 8)[0]


def _sets(state):
    """(numbers in the file, numbers not acknowledged); the same object while both are equal."""
    end = _SETS + state[10]
    present = state[_SETS:end]
    return present, state[end:] if state[11] else present


def _keep(state, present, unacked, places):
    alike = unacked is present
    struct.pack_into("<HBB", state, 8, min(places, 0xFFFF), len(present), not alike)
    state[_SETS:] = present if alike else present + unacked
