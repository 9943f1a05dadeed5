"""Shifts over midnight and over a change of the clocks begin and end by a clock on the wall."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from duty_roster import GATES, Roster
from hypothesis import given, settings
from hypothesis import strategies as st

from fevergate.registers.declarations import shipped
from fevergate.registers.entry_form import EntryForm

BERLIN = ZoneInfo("Europe/Berlin")
FORM = EntryForm(BERLIN, GATES, [])
BEGIN = datetime(2026, 10, 24, tzinfo=UTC)
"""Clocks are set back on 25 October at 01:00 UTC, and forward on 28 March."""
FORWARD = datetime(2027, 3, 27, tzinfo=UTC)
MINUTES = 3 * 24 * 60
STEP = 15


def walls(first: datetime) -> list[str]:
    """What a clock on a wall in Berlin shows, each quarter of an hour of three days."""
    return [
        f"{(first + timedelta(minutes=n)).astimezone(BERLIN):%Y-%m-%dT%H:%M}"
        for n in range(0, MINUTES, STEP)
    ]


def model(times: list[str], begin: str, end: str) -> list[bool]:
    """Whether somebody is on duty in each quarter of an hour: duty begins when the wall clock first
    shows `begin`, and ends when it first shows `end`."""
    on_duty, states = not begin, []
    for number, wall in enumerate(times):
        if wall == begin and wall not in times[:number]:
            on_duty = True
        if wall == end and wall not in times[:number]:
            on_duty = False
        states.append(on_duty)
    return states


@pytest.fixture(scope="module")
def berlin(tmp_path_factory):
    roster = Roster(tmp_path_factory.mktemp("berlin"))
    yield roster
    roster.store.close()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([BEGIN, FORWARD]), st.data())
def test_whatever_is_planned_over_midnight_and_changed_clocks_is_as_a_wall_clock_has_it(
    berlin, first, data
):
    times = walls(first)
    plain = sorted(set(times))
    with berlin.store.transaction() as connection:
        connection.execute("delete from entries")
    planned, edges = [], set[int]()
    for number in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.sampled_from(["", *plain]))
        later = [wall for wall in plain if wall > begin]
        end = data.draw(st.sampled_from(["", *later]))
        gate = data.draw(st.sampled_from(["", *GATES]))
        form = {"person": f"P{number}", "from": begin, "to": end}
        berlin.entries.add("duty", FORM.read(shipped()["duty"], form, gate), "李伟")
        planned.append((f"P{number}", gate, model(times, begin, end)))
        edges |= {times.index(wall) for wall in (begin, end) if wall}
    drawn = data.draw(st.lists(st.integers(0, len(times) - 1), min_size=5, max_size=30))
    for number in [*sorted(edges), *drawn]:
        at = (first + timedelta(minutes=number * STEP)).timestamp()
        for gate in GATES:
            names = [p for p, place, states in planned if place in ("", gate) and states[number]]
            assert berlin.duty.at(gate, at) == names, (times[number], gate)
