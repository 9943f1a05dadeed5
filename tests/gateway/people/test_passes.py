"""A visitor's pass is found while it is valid, is known to have ended afterwards, and is nobody
else's. The passes in memory agree with the stored ones, whatever happens to them."""

import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from people_helpers import NOW, Clock, entry, gateway_people

from fevergate.people.card_list import CardList, entry_of, has_cards
from fevergate.people.changes import PeopleChanges
from fevergate.people.passes import FIRST, Passes, PassList
from fevergate.storage.connection import connect
from kiosk.card_reader import CardLines

ENTRY = 2**53 - 1


@pytest.fixture
def people(tmp_path, clock):
    with gateway_people(tmp_path, clock) as store:
        yield store


@pytest.fixture
def passes(people):
    return Passes(people.statements, people.vault)


def number_of(issued):
    assert issued.code[0] == "V" and len(issued.code) == 17
    return int(issued.code[1:], 16)


def test_a_kiosk_reads_each_pass_as_its_number_which_no_card_can_have(passes):
    issued = [passes.issue(n, NOW + 60) for n in range(1, 50)]
    numbers = [number_of(pass_) for pass_ in issued]
    lines = "".join(f"{pass_.code}\r\n" for pass_ in issued).encode()
    assert [int.from_bytes(line, "big") for line in CardLines().feed(lines)] == numbers
    assert all(FIRST <= number < 2 * FIRST for number in numbers) and len(set(numbers)) == 49


def test_a_pass_and_a_card_are_two_people(people, passes, tmp_path, clock):
    PeopleChanges(people).replace([entry(card="4711", permit="stop")])
    number = number_of(passes.issue(ENTRY, NOW + 60))
    cards = CardList(tmp_path / "people.db", people.vault, 10, clock)
    cards.refresh()
    card, visitor = cards.find(4711), cards.find(number)
    assert card and card.permit == "stop" and entry_of(card.person) is None
    assert visitor and visitor.permit == "enter" and entry_of(visitor.person) == ENTRY
    clock.at = NOW + 60
    assert cards.find(number) == (-ENTRY, "ask")


def test_a_pass_alone_is_reason_enough_to_look_for_cards(passes, tmp_path):
    assert not has_cards(tmp_path / "people.db")
    passes.issue(ENTRY, NOW + 60)
    assert has_cards(tmp_path / "people.db")


def test_a_database_older_than_passes_is_read_without_them(people, tmp_path, clock):
    PeopleChanges(people).replace([entry(card="4711")])
    people.statements.query("drop table passes")
    cards = CardList(tmp_path / "people.db", people.vault, 10, clock)
    cards.refresh()
    assert has_cards(tmp_path / "people.db") and cards.find(4711) and cards.find(FIRST) is None


def test_the_same_pass_is_shown_again_until_it_ends(passes, clock):
    first = passes.issue(ENTRY, NOW + 60)
    assert passes.issue(ENTRY, NOW + 90) == passes.get(ENTRY) == first
    passes.end(ENTRY)
    assert passes.get(ENTRY) is None
    second = passes.issue(ENTRY, NOW + 60)
    assert second.code != first.code
    clock.at = NOW + 60
    assert passes.get(ENTRY) is None


def test_the_code_lies_nowhere_in_clear_and_not_even_sealed_after_its_end(passes, people, tmp_path):
    code = passes.issue(ENTRY, NOW + 60).code
    passes.end(ENTRY)
    assert people.statements.query("select sealed from passes") == [("",)]
    people.statements.query("pragma wal_checkpoint(truncate)")
    content = (tmp_path / "people.db").read_bytes()
    assert code.encode() not in content and bytes.fromhex(code[1:]) not in content


class PassesPlayed(RuleBasedStateMachine):
    """Passes are issued, ended, expire and are forgotten at any time before the gateway reads
    them."""

    def __init__(self):
        super().__init__()

        self.clock = Clock()
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        self.context = gateway_people(folder, self.clock)
        self.people = self.context.__enter__()
        self.passes = Passes(self.people.statements, self.people.vault)
        self.list = PassList(self.people.vault, self.clock)
        self.path = folder / "people.db"
        self.rows = {}
        """By number: entry, end (Unix s), whether it was ended early, and issue (Unix s)."""

    @rule(entry=st.integers(1, 3), lasts_s=st.integers(1, 100))
    def issue(self, entry, lasts_s):
        number = number_of(self.passes.issue(entry, self.clock.at + lasts_s))
        if number not in self.rows:
            self.rows[number] = (entry, self.clock.at + lasts_s, False, self.clock.at)

    @rule(entry=st.integers(1, 3))
    def end(self, entry):
        self.passes.end(entry)
        self.rows = {
            number: (of, until, ended or of == entry, issued_at)
            for number, (of, until, ended, issued_at) in self.rows.items()
        }

    @rule(passed_s=st.integers(1, 60))
    def wait(self, passed_s):
        self.clock.at += passed_s

    @precondition(lambda self: self.rows)
    @rule(age_s=st.integers(0, 100))
    def forget(self, age_s):
        before = self.clock.at - age_s
        self.passes.forget(before)
        self.rows = {n: row for n, row in self.rows.items() if row[3] >= before}

    @invariant()
    def what_is_in_memory_says_so(self):
        with closing(connect(self.path, read_only=True)) as connection:
            self.list.refresh(connection)
        for number, (of, until, ended, _) in self.rows.items():
            valid = not ended and self.clock.at < until
            assert self.list.find(number) == (of, valid)
            assert self.list.find(number ^ 1) is None
        assert len(self.list._passes) == len(self.rows)

    def teardown(self):
        self.context.__exit__(None, None, None)
        self.folder.cleanup()


TestPassesPlayed = PassesPlayed.TestCase
TestPassesPlayed.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
