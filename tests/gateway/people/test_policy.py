"""What people may do at a gate is set for a kind, a class or a person, and only within limits."""

import pytest
from people_helpers import NOW, entry, gateway_people

from fevergate.errors import PeopleError
from fevergate.people.changes import PeopleChanges
from fevergate.people.policy import DAY_S, Policies


@pytest.fixture
def people(tmp_path, clock):
    with gateway_people(tmp_path, clock) as store:
        PeopleChanges(store).replace([entry("1", class_="甲"), entry("2", until=NOW + DAY_S)])
        yield store


@pytest.fixture
def policies(people):
    return Policies(people)


def in_force(policies):
    return [(row.class_, row.permit, row.in_force) for row in policies.rows(NOW)]


def test_a_class_follows_its_kind_until_it_has_a_policy_of_its_own(policies):
    assert in_force(policies) == [("", "", "enter"), ("甲", "", "enter")]
    policies.set("student", "", "stop", "Li")
    assert in_force(policies) == [("", "stop", "stop"), ("甲", "", "stop")]
    policies.set("student", "甲", "ask", "Li")
    assert in_force(policies) == [("", "stop", "stop"), ("甲", "ask", "ask")]
    policies.set("student", "甲", "", "Li")
    assert in_force(policies) == [("", "stop", "stop"), ("甲", "", "stop")]


@pytest.mark.parametrize(
    ("kind", "class_", "permit"),
    [("student", "乙", "stop"), ("guest", "", "stop"), ("student", "", "perhaps")],
)
def test_a_policy_for_nobody_or_of_an_unknown_permit_is_refused(policies, kind, class_, permit):
    before = policies.rows(NOW)
    with pytest.raises(PeopleError, match="choice"):
        policies.set(kind, class_, permit, "Li")
    assert policies.rows(NOW) == before


@pytest.mark.parametrize("lasts_s", [0, -1, 366 * DAY_S + 1])
def test_an_override_that_is_over_or_lasts_too_long_is_refused(policies, lasts_s):
    with pytest.raises(PeopleError, match="override_until"):
        policies.override(1, "stop", NOW + lasts_s, "Li")
    assert policies.overrides(NOW) == []


def test_an_override_lasts_a_leap_year_at_most(policies):
    policies.override(1, "stop", NOW + 366 * DAY_S, "Li")
    assert [row.person for row in policies.overrides(NOW + 366 * DAY_S - 1)] == [1]
    assert policies.overrides(NOW + 366 * DAY_S) == []


def test_nobody_gets_an_override_who_is_not_on_the_list_now(policies, clock):
    clock.at = NOW + DAY_S
    for person in (2, 3):
        with pytest.raises(PeopleError, match="nobody_listed"):
            policies.override(person, "stop", clock.at + 60, "Li")
    with pytest.raises(PeopleError, match="choice"):
        policies.override(1, "", clock.at + 60, "Li")
    assert policies.overrides(clock.at) == []


def test_overrides_are_told_newest_first_and_an_ended_one_keeps_when_it_began(
    people, policies, clock
):
    policies.override(1, "stop", NOW + 60, "Li")
    clock.at = NOW + 10
    policies.override(2, "ask", NOW + 60, "Chen")
    assert [row.person for row in policies.overrides(clock.at)] == [2, 1]
    assert [row.person for row in policies.overrides(clock.at, [1])] == [1]
    clock.at = NOW + 20
    policies.end_override(1, "Wang")
    assert [row.person for row in policies.overrides(clock.at)] == [2]
    ended = people.statements.query('select until, "by", at from overrides where person = 1')
    assert ended == [(NOW + 20, "Wang", NOW)]
    with pytest.raises(PeopleError, match="nobody_listed"):
        policies.end_override(1, "Wang")
