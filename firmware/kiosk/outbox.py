"""Keeps readings on flash until the gateway acknowledges that it has stored them.

The newest readings are in a file so small that LittleFS holds it in its metadata log, without
erasing a block: while the gateway answers, nothing else is written. Readings that are not
acknowledged in time are moved to segments, three per write. Acknowledgements are noted in memory
only: after a reboot some readings are sent again, and the gateway ignores the repeats.
"""

import os
import struct

from kiosk import record, segment
from kiosk.errors import OutboxError
from kiosk.number_set import SPAN

NEWEST = 3
"""Most readings in the small file: with the boot number they take 124 bytes, and VfsLfs2 keeps
files of up to 128 bytes (its cache size) in its metadata log. Of the longer readings with a card
two fit. These have files of their own, so that an older firmware, which does not know their layout,
leaves them alone."""

_NEWEST_CARDED = 2

SEGMENTS = 64
"""Most segments at a time; each takes 80 to 300 bytes of heap. An outbox that one boot has filled
has 20 to 40."""

_ENOSPC = 28  # not every port names it


class Outbox:
    """The unacknowledged readings; `len()` is their number.

    `limit` is in readings, `limit_bytes` in bytes of flash; `dropped`: readings given up for want
    of room; `rotten`: records lost to flash errors.
    """

    def __init__(self, folder="/outbox", limit=20_000, limit_bytes=1_500_000):
        self._folder = folder
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._fevers = []  # states of segments, oldest first
        self._others = []
        self._newest = []  # (boot, record) of readings not yet in a segment
        self._turn = 0  # which of the two small files was written last
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
            print("outbox:", error)  # screening goes on; `add` raises for each reading
            names = []
        for name in names:
            state = segment.named(name)
            if state:
                self._load(state)
        self._load_newest()

    def __len__(self):
        return self._left

    def add(self, boot, data):
        """Store the record of a reading; it is on flash when this returns.

        Its sequence number must be above all earlier ones of its boot. Raises `OutboxError` where
        the flash refuses; the reading is then not stored.
        """
        while self._left >= self._limit or self._flash_bytes() >= self._limit_bytes:
            self._drop_oldest()
        if len(self._fevers) + len(self._others) >= SEGMENTS:
            self._drop_segment()  # so many only after dozens of boots without a gateway
        while True:
            try:
                self._keep(boot, data)
                return
            except OSError as error:
                if error.errno != _ENOSPC or not (self._fevers or self._others):
                    raise OutboxError("flash: %s" % error)
            # The flash is full although the limits are not reached: give up the oldest.
            self._drop_segment()

    def release(self, boot, seq, gaps, also=()):
        """Remove acknowledged readings: those of `boot` up to `seq` outside `gaps`, and the ranges
        (first, last) in `also`."""
        ranges = acknowledged(seq, gaps, also)
        for states in (self._fevers, self._others):
            for state in list(states):
                if segment.boot_of(state) == boot:
                    for first, last in ranges:
                        self._left -= segment.release(state, first, last)
                    self._tidy(states, state)
        entries = [
            entry
            for entry in self._newest
            if entry[0] != boot
            or not any(first <= record.seq_of(entry[1]) <= last for first, last in ranges)
        ]
        self._left -= len(self._newest) - len(entries)
        self._newest = entries

    def waiting(self, skip, fevers_only=False):
        """The next (boot, seq, record) to send, fevers first, then the oldest, or None.

        `skip`: (boot, seq) of readings that are sent but not yet acknowledged.
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
        """The highest boot number among the readings, or 0."""
        boots = [segment.boot_of(state) for state in self._fevers + self._others]
        return max(boots + [boot for boot, _ in self._newest] + [0])

    def _flash_bytes(self):
        return sum([segment.flash_bytes(state) for state in self._fevers + self._others])

    def _keep(self, boot, data):
        newest = self._newest
        most = _NEWEST_CARDED if record.carded(data) else NEWEST
        if newest:
            newest_boot, newest_data = newest[0]
            if len(newest) >= most or newest_boot != boot or len(newest_data) != len(data):
                self._settle()
        newest = self._newest + [(boot, data)]
        # Two files in turn: the one with the last readings is not overwritten.
        with open(self._path(self._turn ^ 1, record.carded(data)), "wb") as file:
            file.write(struct.pack("<I", boot) + b"".join([item for _, item in newest]))
        self._turn ^= 1
        self._newest = newest
        self._left += 1

    def _settle(self):
        """Move the newest readings to their segments. Raises `OSError`, perhaps half done."""
        while self._newest:
            boot, data = self._newest[0]
            window, fever = record.seq_of(data) // SPAN, record.fever_of(data)
            alike = []
            others = []
            for entry in self._newest:
                seq, kind = record.seq_of(entry[1]), record.fever_of(entry[1])
                same = seq // SPAN == window and kind == fever and entry[0] == boot
                same = same and len(entry[1]) == len(data)
                (alike if same else others).append(entry)
            state = self._state(segment.new(boot, window, fever, record.carded(data)))
            segment.append(self._folder, state, [item for _, item in alike])
            self._newest = others

    def _state(self, fresh):
        states = self._fevers if segment.fever_of(fresh) else self._others
        for state in states:
            if segment.same(state, fresh):
                return state
        states.append(fresh)
        return fresh

    def _path(self, turn, carded):
        return "%s/%s.%s" % (self._folder, "cards" if carded else "newest", "ab"[turn])

    def _load(self, state):
        self.rotten += segment.load(self._folder, state)
        states = self._fevers if segment.fever_of(state) else self._others
        states.append(state)
        self._left += segment.left(state)
        self._tidy(states, state)

    def _load_newest(self):
        """Read the small files after a boot, without readings that a segment already has."""
        records = {}
        for place in range(4):
            turn, carded = place & 1, place > 1
            try:
                with open(self._path(turn, carded), "rb") as file:
                    boot = struct.unpack("<I", file.read(4))[0]
                    for _ in range(NEWEST):
                        data = file.read(record.CARD_SIZE if carded else record.SIZE)
                        if record.sound(data) and not self._knew(boot, data):
                            records[(boot, record.seq_of(data))] = data
            except (OSError, ValueError):
                pass  # missing or torn: the other one is whole
        self._newest = [(key[0], records[key]) for key in sorted(records)]
        self._left += len(self._newest)
        try:
            self._settle()
        except OSError as error:
            print("outbox:", error)  # the readings stay in memory and in the small files
            return
        for turn in (0, 1):  # the readings are in segments: no card stays longer than it must
            try:
                os.remove(self._path(turn, True))
            except OSError:
                pass

    def _knew(self, boot, data):
        """Whether a record is in its segment already: the segment's last number is not below it."""
        seq, fever = record.seq_of(data), record.fever_of(data)
        fresh = segment.new(boot, seq // SPAN, fever, record.carded(data))
        for state in self._fevers if fever else self._others:
            if segment.same(state, fresh):
                return seq <= segment.last(state)
        return False

    def _tidy(self, states, state):
        if not segment.left(state):
            states.remove(state)
            segment.remove(self._folder, state)

    def _drop_oldest(self):
        """Give up the oldest reading that is not a fever; the oldest fever where all are fevers."""
        for states in (self._others, self._fevers):
            if states:
                seq = segment.next_seq(states[0])
                segment.release(states[0], seq, seq)
                self._tidy(states, states[0])
                break
            for entry in self._newest:
                if record.fever_of(entry[1]) == (states is self._fevers):
                    self._newest.remove(entry)
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


def acknowledged(seq, gaps, also):
    """Ranges (first, last) that a `stored` message acknowledges: up to `seq` outside `gaps`, and
    those in `also`.

    Raises `TypeError` or `ValueError` where the message holds anything but integers.
    """
    ranges = []
    first = 0
    for since, until in sorted([(int(since), int(until)) for since, until in gaps]):
        if since > first:
            ranges.append((first, min(since - 1, seq)))
        first = max(first, until + 1)
    ranges.append((first, int(seq)))
    return ranges + [(int(since), int(until)) for since, until in also]
