"""Readings on flash until the gateway says that it holds them.

Append-only segments of one boot each, a line a reading with its CRC-32; a segment's file goes
when all of it is stored at the gateway. One flash write a reading. What was stored is kept in
memory only: after a reboot a few readings go out again, which the gateway takes as repeats.
"""

import binascii
import os

from kiosk.errors import OutboxError
from kiosk.slots import Slots

SEGMENT = 24  # readings in a file; bit sets of that size are small integers on a board
FEVER = "f"


def _line(boot, seq, mark, text):
    body = "%d %d %s %s" % (boot, seq, mark, text)
    return "%08x %s\n" % (binascii.crc32(body.encode()), body)


def _parse(line):
    """(boot, seq, mark, text) of one line, or None where it is torn or rotten."""
    try:
        if line[-1:] != b"\n":
            return None
        body = line[9:-1]
        if int(line[:8], 16) != binascii.crc32(body):
            return None
        boot, seq, mark, text = body.split(b" ", 3)
        return int(boot), int(seq), mark.decode(), text.decode()
    except (ValueError, UnicodeError):
        return None


class _Segment:
    def __init__(self, number, boot, first):
        self.number = number
        self.boot = boot
        self.first = first
        self.count = 0
        self.gone = 0  # bits: stored at the gateway, or rotten
        self.fevers = 0

    def left(self):
        """Bits of the readings that must still be told."""
        return ((1 << self.count) - 1) & ~self.gone


class Outbox:
    """`len()` is the readings that the gateway is not known to hold."""

    def __init__(self, folder="/outbox", limit=2000):
        self._folder = folder
        self._limit = limit
        self._segments = []
        self._file = None
        self._left = 0
        self._number = 0  # of the newest file
        self.dropped = 0
        self.rotten = 0
        try:
            os.mkdir(folder)
        except OSError:
            pass
        for name in sorted(os.listdir(folder)):
            if name.endswith(".log"):
                self._load(int(name[:-4]))

    def __len__(self):
        return self._left

    def add(self, boot, seq, fever, text):
        """Keep one reading, on flash when this returns.

        Raises `OutboxError` where the flash refuses; the reading is then not kept.
        """
        while self._left >= self._limit:
            self._drop_oldest()
        line = _line(boot, seq, FEVER if fever else "-", text)
        try:
            segment, file = self._open_for(boot, seq)
            file.write(line)
            file.flush()
        except OSError as error:
            self._close()
            raise OutboxError("flash: %s" % error)
        segment.fevers |= bool(fever) << segment.count
        segment.count += 1
        self._left += 1

    def release(self, boot, seq, gaps):
        """The gateway holds every reading of `boot` up to `seq` but for the gaps: forget those."""
        for segment in list(self._segments):
            if segment.boot != boot or segment.first > seq:
                continue
            for index in range(segment.count):
                number = segment.first + index
                if number > seq:
                    break
                if not segment.gone >> index & 1 and not _within(number, gaps):
                    segment.gone |= 1 << index
                    self._left -= 1
            self._tidy(segment)

    def waiting(self, skip, fevers_only=False):
        """The next (boot, seq, text) to send: fevers first, then the oldest; None if none.

        `skip` holds (boot, seq) that are under way.
        """
        for fevers in (True,) if fevers_only else (True, False):
            for segment in self._segments:
                left = segment.left()
                if fevers:
                    left &= segment.fevers
                if not left:
                    continue
                for index in range(segment.count):
                    key = (segment.boot, segment.first + index)
                    if left >> index & 1 and key not in skip:
                        text = self._read(segment, index)
                        if text is not None:
                            return key[0], key[1], text
        return None

    def last_boot(self):
        """The highest boot that has left a trace here, or 0."""
        return max([segment.boot for segment in self._segments] + [0])

    def _path(self, number):
        return "%s/%08d.log" % (self._folder, number)

    def _open_for(self, boot, seq):
        segment = self._segments[-1] if self._segments else None
        if (
            self._file is None
            or segment is None
            or segment.boot != boot
            or segment.count >= SEGMENT
            or segment.first + segment.count != seq
        ):
            self._close()
            self._number += 1
            self._file = open(self._path(self._number), "a")
            segment = _Segment(self._number, boot, seq)
            self._segments.append(segment)
        return segment, self._file

    def _close(self):
        """Let go of the file that is written to; a torn line stays its last."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError:
                pass
            self._file = None
            if self._segments:
                self._tidy(self._segments[-1])

    def _tidy(self, segment):
        if segment.left():
            return
        if self._file is not None and segment is self._segments[-1]:
            if segment.count < SEGMENT:
                return  # it is still written to: a file less often made wears the flash less
            self._file.close()
            self._file = None
        self._segments.remove(segment)
        try:
            os.remove(self._path(segment.number))
        except OSError:
            pass

    def _load(self, number):
        """Take a segment of an earlier boot from flash; its first good line says whose it is."""
        self._number = max(self._number, number)
        segment = None
        lines = 0
        with open(self._path(number), "rb") as file:
            for line in file:
                lines += 1
                parsed = _parse(line)
                if parsed is None:
                    self.rotten += 1
                    if segment:
                        segment.gone |= 1 << segment.count
                        segment.count += 1
                    continue
                if segment is None:
                    segment = _Segment(number, parsed[0], parsed[1] - lines + 1)
                    segment.count = lines - 1
                    segment.gone = (1 << segment.count) - 1
                segment.fevers |= (parsed[2] == FEVER) << segment.count
                segment.count += 1
                self._left += 1
        if segment is None:
            os.remove(self._path(number))
        else:
            self._segments.append(segment)

    def _read(self, segment, index):
        try:
            with open(self._path(segment.number), "rb") as file:
                for _ in range(index):
                    file.readline()
                parsed = _parse(file.readline())
        except OSError:
            parsed = None
        if parsed is None or parsed[:2] != (segment.boot, segment.first + index):
            self.rotten += 1
            segment.gone |= 1 << index
            self._left -= 1
            return None
        return parsed[3]

    def _drop_oldest(self):
        """Make room: the oldest reading that is no fever, or the oldest fever if all are."""
        for keep_fevers in (True, False):
            for segment in self._segments:
                left = segment.left()
                if keep_fevers:
                    left &= ~segment.fevers
                if left:
                    segment.gone |= left & -left
                    self._left -= 1
                    self.dropped += 1
                    self._tidy(segment)
                    return


def _within(number, gaps):
    return any(first <= number <= last for first, last in gaps)


def next_boot(path="/boot", after=0, fresh=0):
    """Count this boot; survives a power cut at any instant.

    `after` is the highest boot known from elsewhere. Where nothing is known, counting begins
    at `fresh`, which the caller draws at random: a board whose flash was erased must not use
    the identities of its earlier life again, or the gateway would take news for repeats.
    """
    slots = Slots(path)
    counted = slots.read()
    last = max(counted if isinstance(counted, int) else 0, after)
    boot = last + 1 if last else fresh
    slots.write(boot)
    return boot
