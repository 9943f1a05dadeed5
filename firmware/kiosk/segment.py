"""One file of the outbox: readings of one boot within a window of sequence numbers.

Either fevers or the others, so that those can go without these. Which of them the file holds
and which must still be told are bit sets in memory, 128 bytes each at most, whatever comes; and one
and the same as long as nothing was told.
"""

import os

from kiosk import record

SPAN = 1024
_BLOCK = 4096  # of the flash: what a file takes is whole blocks
_AT_ONCE = 64  # records read at once


class Segment:
    """`left` readings must still be told; `first` is the window's first number."""

    def __init__(self, folder, boot, window, fever):
        self.boot = boot
        self.window = window
        self.first = window * SPAN
        self.fever = fever
        self.left = 0
        self.last = -1  # the highest number that the file ever held
        self._folder = folder
        self._there = bytearray()
        self._left = self._there
        self._slots = 0  # places in the file
        self._holes = ()  # of these, those that hold no reading of ours
        self._pad = 0  # bytes to the next whole place

    @property
    def _path(self):
        kind = "f" if self.fever else "n"
        return "%s/%010d-%06d%s" % (self._folder, self.boot, self.window, kind)

    def flash_bytes(self):
        """What the file takes of the flash."""
        return (self._slots * record.SIZE // _BLOCK + 1) * _BLOCK

    def load(self):
        """Take up what an earlier boot left; returns how many records are rotten."""
        with open(self._path, "rb") as file:
            while True:
                chunk = file.read(_AT_ONCE * record.SIZE)
                if not chunk:
                    return len(self._holes)
                for start in range(0, len(chunk), record.SIZE):
                    data = chunk[start : start + record.SIZE]
                    seq = record.seq_of(data) if record.sound(data) else -1
                    if self.first <= seq < self.first + SPAN and seq > self.last:
                        self._mark(seq)
                    else:
                        self._hole(self._slots)
                    self._slots += 1
                    self._pad = record.SIZE - len(data)

    def append(self, records):
        """Write sound records at the end, their numbers above `last`. Raises `OSError`."""
        try:
            with open(self._path, "ab" if self._slots else "wb") as file:
                file.write(bytes(self._pad) + b"".join(records))
        except OSError:
            self._resync()
            raise
        self._pad = 0
        for data in records:
            self._mark(record.seq_of(data))
            self._slots += 1

    def read(self, seq):
        """The record of a reading that is left, or None, and then it is given up: it is rotten."""
        data = b""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._slot(seq) * record.SIZE)
                data = file.read(record.SIZE)
        except OSError:
            pass
        if record.sound(data) and record.seq_of(data) == seq:
            return data
        self.forget(seq)
        return None

    def next(self, skip=()):
        """The first number that is left and whose (boot, number) is not in `skip`, or None."""
        if not self.left:
            return None
        for place in range(len(self._left)):
            bits = self._left[place]
            while bits:
                bit = bits & -bits
                bits ^= bit
                seq = self.first + place * 8 + _BITS[bit]
                if (self.boot, seq) not in skip:
                    return seq
        return None

    def forget(self, seq):
        """It need not be told any more."""
        index = seq - self.first
        if self._left is self._there:
            self._left = bytearray(self._there)
        self._left[index >> 3] &= ~(1 << (index & 7)) & 0xFF
        self.left -= 1

    def release(self, upto, gaps, since=0):
        """Forget all numbers from one up to another but for those in gaps (first, last); returns
        how many."""
        before = self.left
        final = self.first + SPAN - 1
        if (
            upto < self.first
            or since > final
            or any(gap[0] <= self.first and final <= gap[1] for gap in gaps)
        ):
            return 0
        for place in range(len(self._left)):
            bits = self._left[place]
            while bits:
                bit = bits & -bits
                bits ^= bit
                seq = self.first + place * 8 + _BITS[bit]
                if seq > upto:
                    return before - self.left
                if seq >= since and not any(gap[0] <= seq <= gap[1] for gap in gaps):
                    self.forget(seq)
        return before - self.left

    def remove(self):
        """Take the file away; one that cannot be is found empty of news at the next boot."""
        try:
            os.remove(self._path)
        except OSError:
            pass

    def _mark(self, seq):
        index = seq - self.first
        more = (index >> 3) + 1 - len(self._there)
        for bits in (self._there,) if self._left is self._there else (self._there, self._left):
            if more > 0:
                bits.extend(bytes(more))
            bits[index >> 3] |= 1 << (index & 7)
        self.left += 1
        self.last = seq

    def _hole(self, slot):
        if not self._holes:
            self._holes = []
        self._holes.append(slot)

    def _slot(self, seq):
        """Its place in the file: as many before it as there are lower numbers, and holes."""
        index = seq - self.first
        slot = sum([_ones(byte) for byte in self._there[: index >> 3]])
        slot += _ones(self._there[index >> 3] & (1 << (index & 7)) - 1)
        for hole in self._holes:
            if hole <= slot:
                slot += 1
        return slot

    def _resync(self):
        """A write failed: what it left behind is none of ours."""
        try:
            size = os.stat(self._path)[6]
        except OSError:
            return
        self._pad = -size % record.SIZE
        slots = (size + self._pad) // record.SIZE
        for slot in range(self._slots, slots):
            self._hole(slot)
        self._slots = slots


_BITS = {1 << bit: bit for bit in range(8)}


def _ones(byte):
    return bin(byte).count("1")


def segment_of(folder, name):
    """The segment of a file's name, not yet loaded; None where it is none of ours."""
    boot, dash, rest = name.partition("-")
    if not (dash and boot.isdigit() and rest[:-1].isdigit() and rest[-1] in "fn"):
        return None
    return Segment(folder, int(boot), int(rest[:-1]), rest[-1] == "f")
