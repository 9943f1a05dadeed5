"""A new list changes only what differs and drops many people only on confirmation; whoever left is
erased."""

import pytest
from people_helpers import NOW, entry

from fevergate.errors import PeopleError
from fevergate.people import changes as module
from fevergate.people.changes import DRAFT_S, FEW_GONE
from fevergate.people.drafts import ListDrafts
from fevergate.people.list_file import ListFile
from fevergate.people.policy import Policies

DAY_S = 86400.0


def test_a_list_that_somebody_else_changed_since_it_was_shown_is_not_replaced(people, changes):
    changes.replace([entry("1")], shown=0)
    with pytest.raises(PeopleError, match="meanwhile_list"):
        changes.replace([entry("2")], shown=0)
    assert people.by_number("2") is None
    changes.replace([entry("1"), entry("2")], shown=people.state().revision)


def test_a_list_that_loses_many_is_replaced_only_if_somebody_confirms_it(changes):
    changes.replace([entry(str(number)) for number in range(FEW_GONE + 2)])
    with pytest.raises(PeopleError, match="many_gone"):
        changes.replace([entry("0")])
    assert len(changes.replace([entry("0")], drastic=True).gone) == FEW_GONE + 1


def test_no_more_people_are_added_than_there_are_numbers(people, changes, monkeypatch):
    monkeypatch.setattr(module, "MOST_PERSON", 3)
    changes.replace([entry("1")])
    with pytest.raises(PeopleError, match="many_people"):
        changes.replace([entry(number) for number in "1234"])
    changes.replace([entry(number) for number in "123"])
    assert [people.by_number(number).person for number in "123"] == [1, 2, 3]


def test_a_last_day_counts_until_it_is_over(people, changes, clock):
    changes.replace([entry("1", until=NOW + DAY_S), entry("2")])
    assert changes.compare([entry("1", until=NOW), entry("9", until=NOW)]).over == 1
    assert len(changes.compare([entry("2")]).gone) == 1, "taken off before the last day"
    clock.at += DAY_S
    assert changes.compare([entry("2")]).empty
    changed = changes.replace([entry("1"), entry("2")])
    assert changed.in_numbers == "+0 ~1 -0 =1" and people.by_number("1").until is None
    assert people.state().changed_at == clock.at


def test_a_card_that_comes_back_to_its_first_owner_is_valid_again(people, changes):
    for cards in (("A", "B"), ("B", "A"), ("A", "B"), ("C", "B")):
        changes.replace([entry("1", card=cards[0]), entry("2", card=cards[1])])
        rows = people.statements.query("select person from cards where until is null")
        assert len(rows) == 2
        for number, card in zip("12", cards, strict=True):
            assert [row.number for row in people.find(card, 10)] == [number]


def test_whoever_is_erased_has_no_name_card_or_permit_and_was_expected_nowhere(
    people, changes, clock
):
    changes.replace([entry("1"), entry("2"), entry("3")])
    persons = [people.by_number(number).person for number in "123"]
    for person in persons:
        Policies(people).override(person, "ask", NOW + 9 * DAY_S, "Li")
    clock.at += DAY_S
    before = people.state().revision
    changes.forget(persons[0])
    assert people.state().revision == before + 1
    changes.replace([entry("9")])
    clock.at += DAY_S
    assert changes.forget_gone(clock.at - DAY_S) == 0, "gone since then, and not before"
    assert changes.forget_gone(clock.at) == 2
    assert [people.by_number(number) for number in "123"] == [None] * 3
    rows = people.statements.query(
        "select sealed, number_tag, name_tag, content from people where person <> 4"
    )
    assert rows == 3 * [("", None, "", "")]
    assert people.statements.query("select person from cards") == [(4,)]
    assert people.statements.query("select person from overrides") == []
    assert people.expected(NOW) == []
    revisions = [row.revision for row in people.select("true", {})]
    assert len(set(revisions)) == 4 and max(revisions) == people.state().revision


def test_a_list_that_was_uploaded_and_never_applied_is_deleted_after_an_hour(
    people, changes, clock
):
    listed = ListFile(entries=[entry("1")], doubled=[], ignored=[])
    drafts = ListDrafts(people)
    drafts.keep("list.csv", listed, "Li")
    clock.at += DRAFT_S
    changes.forget_gone(NOW)
    assert len(people.statements.query("select id from drafts")) == 1
    clock.at += 1
    changes.forget_gone(NOW)
    assert people.statements.query("select id from drafts") == []
