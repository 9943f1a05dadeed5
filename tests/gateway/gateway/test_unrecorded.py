"""What a guard is told of an acknowledgement that waits for the disk."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fevergate.gateway.unrecorded import UnrecordedAcknowledgements
from fevergate.protocol.alarm_messages import NOT_RECORDED
from fevergate.texts import trouble_text
from fevergate.texts.translations import translator

GATES = ("north", "south")


def test_acknowledgements_on_a_working_disk_are_not_told():
    unrecorded = UnrecordedAcknowledgements()
    recorded = unrecorded.begin("north")
    assert unrecorded.gates(refusing=False) == set()
    recorded()
    assert unrecorded.gates(refusing=True) == set()


def test_a_waiting_acknowledgement_is_told_until_it_is_recorded():
    unrecorded = UnrecordedAcknowledgements()
    first, second = unrecorded.begin("north"), unrecorded.begin("north")
    assert unrecorded.gates(refusing=True) == {"north"}
    first()
    assert unrecorded.gates(refusing=False) == {"north"}
    second()
    assert unrecorded.gates(refusing=False) == set()
    # A new acknowledgement is not told before the disk refuses.
    unrecorded.begin("north")
    assert unrecorded.gates(refusing=False) == set()


class Guards(RuleBasedStateMachine):
    """Guards acknowledge; the disk refuses or takes, and records acknowledgements in any order."""

    def __init__(self):
        super().__init__()
        self.unrecorded = UnrecordedAcknowledgements()
        self.waiting = []
        self.refusing = False
        self.told_gates = set()

    @rule(gate=st.sampled_from(GATES))
    def acknowledge(self, gate):
        self.waiting.append((gate, self.unrecorded.begin(gate)))

    @rule(data=st.data())
    @precondition(lambda self: self.waiting and not self.refusing)
    def record(self, data):
        _, recorded = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        recorded()

    @rule(refusing=st.booleans())
    def disk(self, refusing):
        self.refusing = refusing

    @invariant()
    def every_gate_is_told_what_waits_and_none_what_does_not(self):
        waiting = {gate for gate, _ in self.waiting}
        gates = self.unrecorded.gates(self.refusing)
        assert gates <= waiting
        assert gates == waiting or not self.refusing
        assert self.told_gates & waiting <= gates
        self.told_gates = gates


TestGuards = Guards.TestCase


def test_the_board_says_it_in_the_readers_language():
    assert "尚未记录" in trouble_text.line(NOT_RECORDED, translator("zh"))
    assert "not recorded yet" in trouble_text.line(NOT_RECORDED, translator("en"))
