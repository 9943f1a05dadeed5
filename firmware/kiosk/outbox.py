"""Readings on flash until the gateway says that it holds them.

The newest few lie in a file so small that LittleFS keeps it in its log, without erasing a block:
while the gateway answers, nothing else is written. What it does not take in time goes to
segments, three readings a write. What was stored is kept in memory only: after a reboot a few
readings go out again, which the gateway takes as repeats.
"""

import os
import struct

from kiosk import record
from kiosk.errors import OutboxError
from kiosk.segment import SPAN, Segment, segment_of
from kiosk.slots import Slots

NEWEST = 3
"""With the boot's number 124 bytes: VfsLfs2 keeps files of up to 128 (its cache) in its log."""

SEGMENTS = 64
"""Each takes a quarter of a kilobyte of a board's heap; a full outbox of one boot has 20 to 40."""

_ENOSPC = 28  # not every port names it


class Outbox:
    """`len()` is the readings that the gateway is not known to hold."""

    def __init__(self, folder="/outbox", limit=20_000, limit_bytes=1_500_000):
        self._folder = folder
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._fevers = []  # segments, oldest first
        self._others = []
        self._newest = []  # (boot, record), not yet in a segment
        self._turn = 0
        self._left = 0
        self.dropped = 0
        self.rotten = 0
        try:
            os.mkdir(folder)
        except OSError:
            pass
        try:
            names = sorted(os.listdir(folder))
        except OSError as error:
            print("outbox:", error)  # it screens without; each reading says that it is not kept
            names = []
        for name in names:
            segment = segment_of(folder, name)
            if segment:
                self._load(segment)
        self._load_newest()

    def __len__(self):
        return self._left

    def add(self, boot, data):
        """Keep one reading, on flash when this returns; its number is above all before of its boot.

        Raises `OutboxError` where the flash refuses; the reading is then not kept.
        """
        while self._left >= self._limit or self._flash_bytes() >= self._limit_bytes:
            self._drop_oldest()
        if len(self._fevers) + len(self._others) >= SEGMENTS:
            self._drop_segment()  # as many boots without a gateway
        while True:
            try:
                self._keep(boot, data)
                return
            except OSError as error:
                if error.errno != _ENOSPC or not (self._fevers or self._others):
                    raise OutboxError("flash: %s" % error)
            # Something else takes the flash: the limits are what it leaves.
            self._drop_segment()

    def release(self, boot, seq, gaps, also=()):
        """The gateway holds every reading of `boot` up to `seq` but for the gaps, and the runs in
        `also`: forget those."""
        for segments in (self._fevers, self._others):
            for segment in list(segments):
                if segment.boot == boot:
                    self._left -= segment.release(seq, gaps)
                    for first, last in also:
                        self._left -= segment.release(last, (), first)
                    self._tidy(segments, segment)
        kept = [
            one
            for one in self._newest
            if one[0] != boot or not stored(record.seq_of(one[1]), seq, gaps, also)
        ]
        self._left -= len(self._newest) - len(kept)
        self._newest = kept

    def waiting(self, skip, fevers_only=False):
        """The next (boot, seq, record) to send: fevers first, then the oldest; None if none.

        `skip` holds (boot, seq) that are under way.
        """
        for segments in (self._fevers,) if fevers_only else (self._fevers, self._others):
            for segment in list(segments):
                while True:
                    seq = segment.next(skip)
                    if seq is None:
                        break
                    data = segment.read(seq)
                    if data is not None:
                        return segment.boot, seq, data
                    self.rotten += 1
                    self._left -= 1
                self._tidy(segments, segment)
            for boot, data in self._newest:
                fever = record.fever_of(data)
                seq = record.seq_of(data)
                if fever == (segments is self._fevers) and (boot, seq) not in skip:
                    return boot, seq, data
        return None

    def last_boot(self):
        """The highest boot that has left a trace here, or 0."""
        boots = [segment.boot for segment in self._fevers + self._others]
        return max(boots + [boot for boot, _ in self._newest] + [0])

    def _flash_bytes(self):
        return sum([segment.flash_bytes() for segment in self._fevers + self._others])

    def _keep(self, boot, data):
        newest = self._newest
        if len(newest) >= NEWEST or (newest and newest[0][0] != boot):
            self._settle()
        newest = self._newest + [(boot, data)]
        # Two files in turn: what holds the last ones is not touched.
        with open(self._path(self._turn ^ 1), "wb") as file:
            file.write(struct.pack("<I", boot) + b"".join([one for _, one in newest]))
        self._turn ^= 1
        self._newest = newest
        self._left += 1

    def _settle(self):
        """Move the newest to their segments. Raises `OSError`; what was moved stays moved."""
        while self._newest:
            boot, data = self._newest[0]
            window, fever = record.seq_of(data) // SPAN, record.fever_of(data)
            alike = []
            others = []
            for one in self._newest:
                same = record.seq_of(one[1]) // SPAN == window and record.fever_of(one[1]) == fever
                (alike if same and one[0] == boot else others).append(one)
            self._segment(boot, window, fever).append([one for _, one in alike])
            self._newest = others

    def _segment(self, boot, window, fever):
        segments = self._fevers if fever else self._others
        for segment in segments:
            if segment.boot == boot and segment.window == window:
                return segment
        segments.append(Segment(self._folder, boot, window, fever))
        return segments[-1]

    def _path(self, turn):
        return "%s/newest.%s" % (self._folder, "ab"[turn])

    def _load(self, segment):
        self.rotten += segment.load()
        segments = self._fevers if segment.fever else self._others
        segments.append(segment)
        self._left += segment.left
        self._tidy(segments, segment)

    def _load_newest(self):
        """What the power cut left in the two small files, unless a segment has it."""
        found = {}
        for turn in (0, 1):
            try:
                with open(self._path(turn), "rb") as file:
                    boot = struct.unpack("<I", file.read(4))[0]
                    for _ in range(NEWEST):
                        data = file.read(record.SIZE)
                        if record.sound(data) and not self._knew(boot, data):
                            found[(boot, record.seq_of(data))] = data
            except (OSError, ValueError):
                pass  # missing or torn: the other one is whole
        self._newest = [(key[0], found[key]) for key in sorted(found)]
        self._left += len(self._newest)
        try:
            self._settle()
        except OSError as error:
            print("outbox:", error)  # they stay in memory, and where they were

    def _knew(self, boot, data):
        """Whether it came to its segment: whatever was before the last there has been told."""
        seq = record.seq_of(data)
        for segment in self._fevers if record.fever_of(data) else self._others:
            if segment.boot == boot and segment.window == seq // SPAN:
                return seq <= segment.last
        return False

    def _tidy(self, segments, segment):
        if not segment.left:
            segments.remove(segment)
            segment.remove()

    def _drop_oldest(self):
        """Make room: the oldest reading that is no fever, or the oldest fever if all are."""
        for segments in (self._others, self._fevers):
            if segments:
                segments[0].forget(segments[0].next())
                self._tidy(segments, segments[0])
                break
            for one in self._newest:
                if record.fever_of(one[1]) == (segments is self._fevers):
                    self._newest.remove(one)
                    break
            else:
                continue
            break
        self._left -= 1
        self.dropped += 1

    def _drop_segment(self):
        segments = self._others or self._fevers
        segment = segments.pop(0)
        segment.remove()
        self._left -= segment.left
        self.dropped += segment.left


def stored(number, seq, gaps, also):
    """Whether the gateway's word covers a number: up to `seq` but for the gaps, or in `also`."""
    if number > seq:
        return any(run[0] <= number <= run[1] for run in also)
    return not any(gap[0] <= number <= gap[1] for gap in gaps)


def next_boot(path="/boot", after=0, fresh=0):
    """Count this boot; survives a power cut at any instant.

    `after` is the highest boot known from elsewhere. Where nothing is known, counting begins
    at `fresh`, which the caller draws at random: a board whose flash was erased must not use
    the identities of its earlier life again, or the gateway would take news for repeats. So it is
    where the flash takes nothing.
    """
    slots = Slots(path)
    counted = slots.read()
    last = max(counted if isinstance(counted, int) else 0, after)
    boot = last + 1 if last else fresh
    try:
        slots.write(boot)
    except OSError as error:
        print("boot not counted:", error)
        return fresh  # or the next one would bear the same number
    return boot
