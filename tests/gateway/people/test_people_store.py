"""The list of people: who is found, expected and let in; its names are encrypted on disk.

Each test runs against the store of a gateway and the store of the campus server."""

import shutil

import pytest
from people_helpers import NOW, entry, gateway_people

from fevergate.crypto.field_encryption import KEY
from fevergate.errors import StoreError
from fevergate.people.changes import ListDifference, PeopleChanges
from fevergate.settings.last_good import FOLDER

DAY_S = 86400.0


def put(people, statement, **values):
    with people.statements.transaction() as connection:
        connection.execute(statement, values)


def test_a_site_without_a_list_has_none(people):
    assert people.state() is None
    assert people.expected(NOW) == []
    assert people.units(NOW) == []
    assert people.find("王小明", 10) == []
    assert people.permit(7, NOW) is None


def test_somebody_is_found_by_whole_number_name_or_card_and_not_by_a_part(people, changes):
    changes.replace([entry("2023001", "王小明"), entry("2023002", "李芳", unit="会计2302")])
    for text in ("2023001", " 2023001 ", "王小明", "c2023001"):
        assert [row.number for row in people.find(text, 10)] == ["2023001"], text
    assert people.find("王小", 10) == []
    row = people.by_number("2023002")
    assert (row.name, row.unit, row.telephone) == ("李芳", "会计2302", "138001")
    assert people.people([row.person])[row.person] == row
    assert people.units(NOW) == [("会计2302", 1), ("计应2301", 1)]
    assert [row.name for row in people.of_unit("计应2301", NOW, 10)] == ["王小明"]


def test_people_are_expected_if_the_list_marks_them_and_they_may_enter(people, changes):
    changes.replace(
        [
            entry("1"),
            entry("2", expected=False),
            entry("3", until=NOW - 1),
            entry("4", permit="stop"),
            entry("5", kind="staff", unit="教务处"),
        ]
    )
    numbers = {row.person: row.number for row in people.select("true", {})}

    def expected(now=NOW, units=None):
        return {numbers[row.person] for row in people.expected(now, units)}

    assert expected() == {"1", "5"}
    assert expected(units=["教务处"]) == {"5"}
    assert expected(units=[]) == set()
    assert expected(NOW - 1) == set(), "nobody was on the list then"


def test_a_permit_comes_from_the_override_else_the_list_else_the_policy(people, changes):
    changes.replace([entry("1", class_="甲"), entry("2", class_="乙", permit="ask"), entry("3")])
    by_number = {row.number: row.person for row in people.select("true", {})}

    def permits(now=NOW):
        return [people.permit(by_number[number], now) for number in "123"]

    assert permits() == ["enter", "ask", "enter"]
    policy = "insert into policies values (:kind, :class, :permit, '', 0, 0)"
    put(people, policy, kind="student", permit="stop", **{"class": ""})
    assert permits() == ["stop", "ask", "stop"]
    put(people, policy, kind="student", permit="ask", **{"class": "甲"})
    assert permits() == ["ask", "ask", "stop"]
    put(
        people,
        "insert into overrides values (:person, 'enter', :until, '', :at, 0)",
        person=by_number["3"],
        at=NOW,
        until=NOW + DAY_S,
    )
    assert permits() == ["ask", "ask", "enter"]
    assert permits(NOW + DAY_S) == ["ask", "ask", "stop"], "an override ends"


def test_the_same_list_again_changes_nothing_and_people_who_are_gone_get_an_end_date(
    people, changes, clock
):
    first = [entry("1"), entry("2"), entry("9", kind="guard", unit="保卫处")]
    done = changes.replace(first)
    assert (len(done.added), done.same) == (3, 0)
    repeat = changes.replace(first)
    assert repeat.empty and repeat.same == 3
    assert people.state().revision == 3
    clock.at += DAY_S
    departure = changes.replace([entry("1", telephone="139002")])
    assert (len(departure.changed), len(departure.gone), departure.left_alone) == (1, 1, 1)
    assert people.by_number("2").until == clock.at
    assert people.by_number("9").until is None, "a list of students says nothing about guards"
    assert people.by_number("1").telephone == "139002"
    before = people.by_number("2").person
    comeback = changes.replace([entry("1", telephone="139002"), entry("2")])
    assert comeback.in_numbers == "+0 ~1 -0 =1"
    assert people.by_number("2").person == before
    assert people.by_number("2").until is None


@pytest.mark.parametrize(
    ("gone", "changed", "same", "drastic"),
    [
        *((20, 0, 0, False), (21, 0, 0, True)),
        *((40, 0, 360, False), (41, 0, 360, True)),
        *((40, 360, 0, False), (41, 360, 0, True)),
    ],
)
def test_more_than_twenty_and_a_tenth_of_the_list_gone_is_drastic(gone, changed, same, drastic):
    """The limit is a tenth of the former list, whether its rows change (as each school year) or
    not."""
    difference = ListDifference(
        added=[],
        changed=[(number, entry(str(number))) for number in range(changed)],
        gone=list(range(changed, changed + gone)),
        same=same,
        left_alone=0,
    )
    assert difference.drastic == drastic


def test_people_who_left_long_ago_are_not_listed_again_by_the_same_file(people, changes, clock):
    listed = [entry("1"), entry("2", until=NOW + DAY_S), entry("3", until=NOW - 60)]
    first = changes.replace(listed)
    assert (len(first.added), first.over) == (2, 1)
    for days in (0, 1, 29, 31, 60):
        clock.at = NOW + days * DAY_S
        changes.forget_gone(clock.at - 30 * DAY_S)
        revision = people.state().revision
        repeat = changes.replace(listed)
        assert repeat.empty and repeat.in_numbers == f"+0 ~0 -0 ={1 if days > 31 else 2}", days
        assert repeat.over == len(listed) - repeat.same and people.state().revision == revision
    assert people.by_number("2") is None and people.by_number("3") is None
    comeback = changes.replace([entry("1"), entry("2")])
    assert len(comeback.added) == 1, "somebody who comes back is listed with another last day"


def test_a_card_that_changes_hands_is_the_new_owners(people, changes):
    changes.replace([entry("1", card="0A1B"), entry("2", card="")])
    changes.replace([entry("1", card="0A1C"), entry("2", card="0A1B")])
    assert [row.number for row in people.find("0a1b", 10)] == ["2"]
    assert [row.number for row in people.find("0A1C", 10)] == ["1"]


def test_every_changed_row_has_a_revision_of_its_own(people, changes):
    changes.replace([entry(str(number)) for number in range(20)])
    changes.replace([entry(str(number), name=f"新{number % 2}") for number in range(5, 25)])
    revisions = [row.revision for row in people.select("true", {}, "p.revision")]
    assert len(set(revisions)) == 25
    assert max(revisions) == people.state().revision


def test_a_copy_of_the_database_names_nobody(tmp_path, clock):
    with gateway_people(tmp_path, clock) as people:
        PeopleChanges(people).replace([entry("2023001", "王小明", telephone="13800138000")])
        (person,) = people.select("true", {})
        expect_no_names(tmp_path)
    (tmp_path / KEY).unlink()
    shutil.rmtree(tmp_path / FOLDER)
    with gateway_people(tmp_path, clock) as stranger:
        assert stranger.by_number("2023001") is None
        with pytest.raises(StoreError, match="were encrypted"):
            stranger.people([person.person])


def expect_no_names(folder):
    """Assert that database and WAL exist, and hold no number, name or telephone in clear."""
    files = list(folder.glob("people.db*"))
    assert len(files) >= 2
    for path in files:
        content = path.read_bytes()
        for text in ("2023001", "王小明", "13800138000"):
            assert text.encode() not in content, (path, text)
    assert (folder / "people.db").stat().st_mode & 0o777 == 0o600
