"""Readings on flash until the gateway says that it holds them.

The newest few lie in a file so small that LittleFS keeps it in its log, without erasing a block:
while the gateway answers, nothing else is written. What it does not take in time goes to
segments, three readings a write. What was stored is kept in memory only: after a reboot a few
readings go out again, which the gateway takes as repeats.
"""

import os
import struct

from kiosk import record, segment
from kiosk.errors import OutboxError
from kiosk.number_set import SPAN
from kiosk.safe_file import SafeFile

NEWEST = 3
"""With the boot's number 124 bytes: VfsLfs2 keeps files of up to 128 (its cache) in its log."""

SEGMENTS = 64
"""Each takes 80 bytes of a board's heap, or 300 at most; a full outbox of one boot has 20 to 40."""

_ENOSPC = 28  # not every port names it


class Outbox:
    """`len()` is the readings that the gateway is not known to hold."""

    def __init__(self, folder="/outbox", limit=20_000, limit_bytes=1_500_000):
        self._folder = folder
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._fevers = []  # states of segments, oldest first
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
            state = segment.named(name)
            if state:
                self._load(state)
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
        runs = told(seq, gaps, also)
        for states in (self._fevers, self._others):
            for state in list(states):
                if segment.boot_of(state) == boot:
                    for first, last in runs:
                        self._left -= segment.release(state, first, last)
                    self._tidy(states, state)
        kept = [
            one
            for one in self._newest
            if one[0] != boot
            or not any(first <= record.seq_of(one[1]) <= last for first, last in runs)
        ]
        self._left -= len(self._newest) - len(kept)
        self._newest = kept

    def waiting(self, skip, fevers_only=False):
        """The next (boot, seq, record) to send: fevers first, then the oldest; None if none.

        `skip` holds (boot, seq) that are under way.
        """
        for states in (self._fevers,) if fevers_only else (self._fevers, self._others):
            for state in list(states):
                while True:
                    seq = segment.next_seq(state, skip)
                    if seq is None:
                        break
                    data = segment.read(self._folder, state, seq)
                    if data is not None:
                        return segment.boot_of(state), seq, data
                    self.rotten += 1
                    self._left -= 1
                self._tidy(states, state)
            for boot, data in self._newest:
                fever = record.fever_of(data)
                seq = record.seq_of(data)
                if fever == (states is self._fevers) and (boot, seq) not in skip:
                    return boot, seq, data
        return None

    def last_boot(self):
        """The highest boot that has left a trace here, or 0."""
        boots = [segment.boot_of(state) for state in self._fevers + self._others]
        return max(boots + [boot for boot, _ in self._newest] + [0])

    def _flash_bytes(self):
        return sum([segment.flash_bytes(state) for state in self._fevers + self._others])

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
            state = self._state(boot, window, fever)
            segment.append(self._folder, state, [one for _, one in alike])
            self._newest = others

    def _state(self, boot, window, fever):
        states = self._fevers if fever else self._others
        fresh = segment.new(boot, window, fever)
        for state in states:
            if segment.same(state, fresh):
                return state
        states.append(fresh)
        return fresh

    def _path(self, turn):
        return "%s/newest.%s" % (self._folder, "ab"[turn])

    def _load(self, state):
        self.rotten += segment.load(self._folder, state)
        states = self._fevers if segment.fever_of(state) else self._others
        states.append(state)
        self._left += segment.left(state)
        self._tidy(states, state)

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
        seq, fever = record.seq_of(data), record.fever_of(data)
        fresh = segment.new(boot, seq // SPAN, fever)
        for state in self._fevers if fever else self._others:
            if segment.same(state, fresh):
                return seq <= segment.last(state)
        return False

    def _tidy(self, states, state):
        if not segment.left(state):
            states.remove(state)
            segment.remove(self._folder, state)

    def _drop_oldest(self):
        """Make room: the oldest reading that is no fever, or the oldest fever if all are."""
        for states in (self._others, self._fevers):
            if states:
                seq = segment.next_seq(states[0])
                segment.release(states[0], seq, seq)
                self._tidy(states, states[0])
                break
            for one in self._newest:
                if record.fever_of(one[1]) == (states is self._fevers):
                    self._newest.remove(one)
                    break
            else:
                continue
            break
        self._left -= 1
        self.dropped += 1

    def _drop_segment(self):
        state = (self._others or self._fevers).pop(0)
        segment.remove(self._folder, state)
        self._left -= segment.left(state)
        self.dropped += segment.left(state)


def told(seq, gaps, also):
    """Runs (first, last) of what the gateway holds: up to `seq` but for the gaps, and `also`.

    Raises `TypeError` or `ValueError` where the message has anything else than whole numbers.
    """
    runs = []
    first = 0
    for since, until in sorted([(int(since), int(until)) for since, until in gaps]):
        if since > first:
            runs.append((first, min(since - 1, seq)))
        first = max(first, until + 1)
    runs.append((first, int(seq)))
    return runs + [(int(since), int(until)) for since, until in also]


def next_boot(path="/boot", after=0, fresh=0):
    """Count this boot; survives a power cut at any instant.

    `after` is the highest boot known from elsewhere. Where nothing is known, counting begins
    at `fresh`, which the caller draws at random: a board whose flash was erased must not use
    the identities of its earlier life again, or the gateway would take news for repeats. So it is
    where the flash takes nothing.
    """
    slots = SafeFile(path)
    counted = slots.read()
    last = max(counted if isinstance(counted, int) else 0, after)
    boot = last + 1 if last else fresh
    try:
        slots.write(boot)
    except OSError as error:
        print("boot not counted:", error)
        return fresh  # or the next one would bear the same number
    return boot
