"""The cards in memory agree with the list at any time and after any change."""

import sqlite3
from contextlib import closing

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from people_helpers import NOW, Clock, entry, gateway_people

from fevergate.errors import StoreError
from fevergate.people.card_list import CardList, has_cards
from fevergate.people.changes import PeopleChanges
from fevergate.people.policy import Policies
from fevergate.people.store import PERMITS

CARD = 305_419_896


@pytest.fixture
def people(tmp_path, clock):
    with gateway_people(tmp_path, clock) as store:
        yield store


@pytest.fixture
def cards(people, tmp_path, clock):
    return cards_of(people, tmp_path, clock)


def cards_of(people, folder, clock, base=10):
    return CardList(folder / "people.db", people.vault, base, clock)


def person_of(people, number="2023001"):
    person = people.by_number(number)
    assert person
    return person.person


def listed(people, *entries):
    PeopleChanges(people).replace(entries, drastic=True)


@pytest.mark.parametrize(
    ("base", "number", "text"),
    [
        *((10, CARD, text) for text in ("305419896", "0305419896")),
        *((10, 4711, text) for text in ("4711", "00004711", "0000004711")),
        *((16, CARD, text) for text in ("12345678", "0000000012345678")),
        *((16, 0xABC, text) for text in ("ABC", "00000ABC", "0000000000000ABC")),
    ],
)
def test_a_number_is_found_however_the_list_pads_it(people, tmp_path, clock, base, number, text):
    cards = cards_of(people, tmp_path, clock, base)
    listed(people, entry(card=text))
    cards.refresh()
    holder = cards.find(number)
    assert holder and holder.person == person_of(people)
    assert cards.find(number + 1) is None


def test_cards_whose_tags_begin_alike_are_two_peoples(people, cards, monkeypatch):
    tag = people.vault.tag
    monkeypatch.setattr(people.vault, "tag", lambda *of: "0" * 8 + tag(*of)[8:])
    listed(people, entry("1", card="1"), entry("2", card="2"))
    cards.refresh()
    holders = [cards.find(1), cards.find(2)]
    assert [holder.person for holder in holders] == [person_of(people, "1"), person_of(people, "2")]


def test_digits_of_another_base_are_not_taken_for_a_card(people, cards):
    listed(people, entry(card="12345678"))
    cards.refresh()
    assert cards.find(0x12345678) is None and cards.find(12345678)


@pytest.mark.parametrize(
    "change",
    [
        lambda people, person: Policies(people).set("student", "", "stop", "Li"),
        lambda people, person: Policies(people).override(person, "stop", NOW + 60, "Li"),
        lambda people, person: listed(people, entry(card=str(CARD), permit="stop")),
    ],
    ids=["policy", "override", "list"],
)
def test_a_change_is_in_force_at_the_next_look(people, cards, change):
    listed(people, entry(card=str(CARD)))
    cards.refresh()
    holder = cards.find(CARD)
    assert holder.permit == "enter"
    change(people, holder.person)
    cards.refresh()
    assert cards.find(CARD) == (holder.person, "stop")


def test_an_override_ends_by_itself(people, cards, clock):
    listed(people, entry(card=str(CARD), permit="stop"))
    person = person_of(people)
    Policies(people).override(person, "enter", NOW + 60, "Li")
    cards.refresh()
    assert cards.find(CARD).permit == "enter"
    clock.at = NOW + 60
    cards.refresh()
    assert cards.find(CARD).permit == "stop"


def test_whoever_is_gone_forgotten_or_has_another_card_is_on_no_list(people, cards):
    old, forgotten = entry(card="1"), entry("2023002", card="2")
    listed(people, old, forgotten, entry("2023003", card="3"))
    listed(people, entry(card="9"), forgotten)
    PeopleChanges(people).forget(person_of(people, "2023002"))
    cards.refresh()
    assert [number for number in range(10) if cards.find(number)] == [9]


def test_a_list_without_cards_needs_none_in_memory(people, tmp_path):
    assert not has_cards(tmp_path / "none.db") and not has_cards(tmp_path / "people.db")
    listed(people, entry(card=""))
    assert not has_cards(tmp_path / "people.db")
    listed(people, entry(card="1"))
    assert has_cards(tmp_path / "people.db")


def test_an_unreadable_list_leaves_the_cards_that_were_read(people, cards, tmp_path):
    listed(people, entry(card=str(CARD)))
    cards.refresh()
    people.statements.close()
    for path in tmp_path.glob("people.db*"):
        path.unlink()
    (tmp_path / "people.db").write_bytes(b"no database" * 100)
    with pytest.raises(StoreError):
        cards.refresh()
    assert cards.find(CARD)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("policy", "override", "list", "later", "earlier")),
        st.integers(0, 3),
        st.sampled_from(PERMITS),
        st.integers(1, 100),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=30)
@given(STEPS)
@example([("earlier", 0, "enter", 1)])
@example([("override", 0, "stop", 9), ("later", 0, "enter", 9), ("earlier", 0, "enter", 1)])
@example([("later", 0, "enter", 9), ("override", 0, "stop", 9), ("earlier", 0, "enter", 1)])
def test_the_cards_agree_with_the_list_even_if_the_clock_is_set_back(tmp_path_factory, steps):
    folder, clock = tmp_path_factory.mktemp("people"), Clock()
    with gateway_people(folder, clock) as people:
        cards = cards_of(people, folder, clock)
        entries = [entry(str(number), card=str(number + 1)) for number in range(4)]
        listed(people, *entries)
        persons = [person_of(people, row.number) for row in entries]
        for kind, number, permit, seconds in steps:
            listed_now = people.permit(persons[number], clock.at)
            if kind == "policy" and listed_now:
                Policies(people).set("student", "", permit, "Li")
            elif kind == "override" and listed_now:
                Policies(people).override(persons[number], permit, clock.at + seconds, "Li")
            elif kind == "list":
                until = clock.at + seconds if permit == "ask" else None
                entries[number] = entry(
                    str(number), card=str(number + 1), permit=permit, until=until
                )
                listed(people, *entries)
            elif kind in ("later", "earlier"):
                clock.at += seconds if kind == "later" else -seconds
            cards.refresh()
            for person, card in zip(persons, range(1, 5), strict=True):
                permit_now = people.permit(person, clock.at)
                assert cards.find(card) == ((person, permit_now) if permit_now else None)
            table = cards._table
            cards.refresh()
            assert cards._table is table, "what has not changed is not read again"


def test_a_card_ends_on_time_if_the_clock_of_the_list_is_ahead(people, cards, clock):
    listed(people, entry(card="1"))
    clock.at += 60
    listed(people, entry(card="2"))
    clock.at -= 1
    cards.refresh()
    assert cards.find(1)
    clock.at += 1
    cards.refresh()
    assert cards.find(2) and not cards.find(1)


def test_a_database_that_is_being_made_is_a_list_without_cards_yet(tmp_path, people, clock):
    path = tmp_path / "made.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table cards (tag, person, until)")
        connection.commit()
    cards = CardList(path, people.vault, 10, clock)
    cards.refresh()
    assert cards.find(CARD) is None and not has_cards(path)
