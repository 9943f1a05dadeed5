"""The server holds what a gateway said last of each person, even if the gateway forgot it."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fevergate.campus.held_marks import HeldDay, held_after
from fevergate.protocol.campus_messages import MarkedDay
from fevergate.protocol.person_set import packed

KINDS = ("measured", "excused", "taken_back")
STATEMENTS = st.dictionaries(st.integers(1, 40), st.sampled_from(KINDS), max_size=12)


def day(statement, revision=1, list_id="a0"):
    measured, excused, taken_back = (
        packed(p for p, of in statement.items() if of == kind) for kind in KINDS
    )
    return MarkedDay(
        date="2026-11-23",
        revision=revision,
        list_id=list_id,
        measured=measured,
        excused=excused,
        taken_back=taken_back,
    )


def held_day(*days):
    payload = None
    for item in days:
        payload = msgspec.json.encode(held_after(payload, item)).decode()
    assert payload
    return msgspec.json.decode(payload, type=HeldDay)


@given(st.lists(STATEMENTS, min_size=1, max_size=8))
def test_each_person_is_what_was_said_of_them_last(statements):
    last = {}
    for statement in statements:
        last |= statement
    known = held_day(*map(day, statements)).known
    assert known.measured == {p for p, of in last.items() if of == "measured"}
    assert known.excused == {p for p, of in last.items() if of == "excused"}


@given(st.lists(STATEMENTS, min_size=1, max_size=5))
def test_the_same_said_again_changes_nothing_and_has_the_same_digest(statements):
    days = [day(statement) for statement in statements]
    once, twice = held_day(*days), held_day(*days, days[-1])
    assert once == twice and once.digest == days[-1].digest


@given(STATEMENTS, STATEMENTS)
def test_marks_of_another_list_are_not_kept(before, now):
    assert held_day(day(before, list_id="b1"), day(now)) == held_day(day(now))


@given(STATEMENTS, STATEMENTS)
def test_a_gateway_that_forgets_nothing_has_nothing_kept_for_it(before, now):
    assert held_day(day(before), day(before | now)).once.measured == set()
