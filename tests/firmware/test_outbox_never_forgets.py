"""Whatever happens, in any order, a reading that the gateway does not hold stays in the outbox."""

import os
import shutil
import tempfile
from pathlib import Path

from firmware.portable.test_outbox import reading
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fevergate.storage.sequence_set import SequenceSet
from kiosk.outbox import Outbox

WINDOW = 16
"""Readings that a kiosk has under way at once, fevers included."""


class OutboxMachine(RuleBasedStateMachine):
    """Compares an outbox in a real folder with a model that remembers everything."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="outbox-"))
        self.ever: dict[tuple[int, int], bytes] = {}
        self.waiting: set[tuple[int, int]] = set()

    def teardown(self):
        shutil.rmtree(self.folder)

    @initialize()
    def first_boot(self):
        self.boot, self.seq = 1, 0
        self.outbox = Outbox(str(self.folder))

    @rule(fever=st.booleans(), count=st.integers(1, 30), card=st.booleans())
    def people_come(self, fever, count, card):
        for _ in range(count):
            self.seq += 1
            data = reading(self.seq, fever, card)
            self.outbox.add(self.boot, data)
            self.ever[self.boot, self.seq] = data
            self.waiting.add((self.boot, self.seq))

    @rule(
        boot=st.integers(1, 6),
        upto=st.integers(0, 80),
        gap=st.tuples(*[st.integers(1, 80)] * 2),
        also=st.tuples(st.integers(1, 20), st.integers(0, 9)),
    )
    def the_gateway_says_what_it_holds(self, boot, upto, gap, also):
        first, last = min(gap), max(gap)
        run = (upto + also[0], upto + also[0] + also[1])
        self.outbox.release(boot, upto, [[first, last]], [run])
        numbers = set(range(upto + 1)) - set(range(first, last + 1)) | set(
            range(run[0], run[1] + 1)
        )
        self.waiting -= {(b, s) for b, s in self.waiting if b == boot and s in numbers}

    @rule()
    def the_power_is_cut(self):
        self.boot, self.seq = self.boot + 1, 0
        self.outbox = Outbox(str(self.folder))

    @rule(torn=st.integers(1, 12))
    def the_power_is_cut_in_the_middle_of_a_write(self, torn):
        """Only the record that was being written can be torn, which is the newest."""
        newest = (self.boot, self.seq)
        files = [*self.folder.glob("newest.*"), *self.folder.glob("cards.*")]
        files.sort(key=lambda file: file.stat().st_mtime_ns)
        if self.seq and newest in self.waiting:
            os.truncate(files[-1], files[-1].stat().st_size - torn)
            self.waiting.discard(newest)
            self.ever.pop(newest)
        self.the_power_is_cut()

    @invariant()
    def nothing_that_waits_is_missing_and_nothing_is_made_up(self):
        if not hasattr(self, "outbox"):
            return
        identities: list[tuple[int, int]] = []
        while (record := self.outbox.waiting(identities)) is not None:
            identities.append(record[:2])
            assert self.ever[record[:2]] == record[2]
        assert len(identities) == len(set(identities)) == len(self.outbox)
        # After a power cut some readings that the gateway holds are sent again; none is missing.
        assert self.waiting <= set(identities)


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_a_backlog_with_hundreds_of_fevers_runs_empty(tmp_path):
    """Fevers overtake other readings. Each leaves a gap, and one message cannot name all gaps."""
    outbox, stored_numbers = Outbox(str(tmp_path)), SequenceSet()
    for seq in range(1, 2001):
        outbox.add(1, reading(seq, fever=seq % 9 == 0))
    for _ in range(2000 // WINDOW + 250):
        under_way = []
        while len(under_way) < WINDOW and (waiting := outbox.waiting(under_way)):
            under_way.append(waiting[:2])
        seqs = [seq for _, seq in under_way]
        for seq in seqs:
            stored_numbers.add(seq)
        for stored in stored_numbers.stored(1, seqs):
            outbox.release(1, stored.seq, stored.gaps, stored.also)
    assert len(outbox) == 0
