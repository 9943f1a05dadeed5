"""Whatever happens in whatever order: what the gateway does not hold stays in the outbox."""

import os
import shutil
import tempfile
from pathlib import Path

from firmware.portable.test_outbox import reading
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kiosk.outbox import Outbox


class OutboxMachine(RuleBasedStateMachine):
    """A model that remembers everything, beside the outbox on a real folder."""

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

    @rule(fever=st.booleans(), count=st.integers(1, 30))
    def people_come(self, fever, count):
        for _ in range(count):
            self.seq += 1
            data = reading(self.seq, fever)
            self.outbox.add(self.boot, data)
            self.ever[self.boot, self.seq] = data
            self.waiting.add((self.boot, self.seq))

    @rule(boot=st.integers(1, 6), upto=st.integers(0, 80), gap=st.tuples(*[st.integers(1, 80)] * 2))
    def the_gateway_says_what_it_holds(self, boot, upto, gap):
        first, last = min(gap), max(gap)
        self.outbox.release(boot, upto, [[first, last]])
        self.waiting -= {
            (b, s) for b, s in self.waiting if b == boot and s <= upto and not first <= s <= last
        }

    @rule()
    def the_power_is_cut(self):
        self.boot, self.seq = self.boot + 1, 0
        self.outbox = Outbox(str(self.folder))

    @rule(torn=st.integers(1, 12))
    def the_power_is_cut_in_the_middle_of_a_write(self, torn):
        """Torn is at most the record that was being written: the newest of all."""
        newest = (self.boot, self.seq)
        files = sorted(self.folder.glob("newest.*"), key=lambda file: file.stat().st_mtime_ns)
        if self.seq and newest in self.waiting:
            os.truncate(files[-1], files[-1].stat().st_size - torn)
            self.waiting.discard(newest)
            self.ever.pop(newest)
        self.the_power_is_cut()

    @invariant()
    def nothing_that_waits_is_missing_and_nothing_is_made_up(self):
        if not hasattr(self, "outbox"):
            return
        found: list[tuple[int, int]] = []
        while (record := self.outbox.waiting(found)) is not None:
            found.append(record[:2])
            assert self.ever[record[:2]] == record[2]
        assert len(found) == len(set(found)) == len(self.outbox)
        # After a power cut some that the gateway holds are sent again; none is ever missing.
        assert self.waiting <= set(found)


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
