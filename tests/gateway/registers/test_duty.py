"""Who is on duty: by night at the night's name, over midnight and changed clocks; handed over."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notice_helpers import Clock

from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.errors import DutyError
from fevergate.registers.declarations import shipped
from fevergate.registers.duty import EARLY_S, LONGEST_S, Duty, OnDuty
from fevergate.registers.entries import Entries
from fevergate.registers.entry_form import EntryForm
from fevergate.web_common.store import WebStore

GATES = ["north", "south"]
H = 3600.0


def local(text: str) -> float:
    return datetime.fromisoformat(f"{text}+08:00").timestamp()


DAY, EVENING, NIGHT = (local(f"2026-11-26 {clock}") for clock in ("08:00", "19:50", "20:00"))
MORNING = local("2026-11-27 08:00")


class Roster:
    """A gateway's duty list, at a clock that a test turns."""

    def __init__(self, folder) -> None:
        self.clock = Clock(DAY)
        self.store = WebStore(folder / "web.db", self.clock)
        self.entries = Entries(self.store, Vault(folder / KEY), shipped())
        self.duty = Duty(self.entries, lambda: GATES)

    def of_a_day(self) -> None:
        self.duty.add("Chen", "north", DAY, NIGHT)
        self.duty.add("Zhou", "north", NIGHT, MORNING)


@pytest.fixture
def roster(tmp_path):
    roster = Roster(tmp_path)
    yield roster
    roster.store.close()


def test_by_night_it_is_the_nights_name_and_each_minute_has_one(roster):
    roster.of_a_day()
    roster.duty.add("Head", "")
    at = [
        (DAY, "Chen"),
        (NIGHT - 0.001, "Chen"),
        (NIGHT, "Zhou"),
        (local("2026-11-27 02:14"), "Zhou"),
        (MORNING - 60, "Zhou"),
    ]
    for when, name in at:
        assert roster.duty.at("north", when) == sorted([name, "Head"])
    assert roster.duty.at("north", MORNING) == roster.duty.at("south", DAY) == ["Head"]
    assert roster.duty.at("", DAY) == ["Chen", "Head"]


def stops_at(roster, number):
    """The duty list of a gateway that loses its power at a certain statement."""
    entries, left = Entries(roster.store, roster.entries.vault, shipped()), [number]
    put = Entries._revise, Entries._stored

    def counted(method):
        def step(*arguments):
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return method(*arguments)

        return step

    return Duty(entries, lambda: GATES), tuple(map(counted, put))


STEPS = {
    "hand over": lambda duty, shift: duty.hand_over("north", shift.id, shift.revision, "Sun", "a"),
    "hand over to the next": lambda duty, shift: duty.hand_over(
        "north", shift.id, shift.revision, "Zhou", "a"
    ),
    "apply": lambda duty, shift: duty.apply(
        duty.compare(
            [OnDuty(name=name, gate="north", begin=NIGHT + H, end=MORNING) for name in ("X", "Y")]
        ),
        "a",
    ),
    "remove": lambda duty, shift: duty.remove("Chen", "north"),
}


@pytest.mark.parametrize("step", STEPS)
def test_half_of_a_change_never_stands_after_a_crash(roster, monkeypatch, step):
    roster.of_a_day()
    roster.duty.add("Chen", "north", MORNING, MORNING + H)
    roster.duty.add("Late", "north", NIGHT + 2 * H, MORNING)
    roster.clock.at = EVENING
    before = roster.duty.everybody()
    (shift,) = roster.duty.shifts("north")
    crashes = 0
    for number in range(20):
        duty, (revise, stored) = stops_at(roster, number)
        with monkeypatch.context() as power:
            power.setattr(Entries, "_revise", revise)
            power.setattr(Entries, "_stored", stored)
            try:
                STEPS[step](duty, shift)
            except KeyboardInterrupt:
                crashes += 1
                assert roster.duty.everybody() == before, number
                continue
        break
    assert crashes > 1 and roster.duty.everybody() != before


def test_the_list_of_before_is_taken_over_once_and_its_names_lie_sealed(roster, tmp_path):
    with roster.store.transaction() as connection:
        for row in (("刘洋敏", ""), ("Sun", "south")):
            connection.execute("insert into duty(name, gate) values (?, ?)", row)
    assert roster.duty.adopt(roster.store) == 2
    assert roster.duty.adopt(roster.store) == 0
    assert roster.duty.at("south") == ["Sun", "刘洋敏"] and roster.duty.at("north") == ["刘洋敏"]
    assert [shift.timed for shift in roster.duty.everybody()] == [False, False]
    assert roster.store.query("select fields from entries") == [("{}",), ("{}",)]


def test_a_takeover_of_the_list_that_was_broken_off_adds_nobody_twice(roster):
    with roster.store.transaction() as connection:
        connection.execute("insert into duty(name, gate) values ('Sun', '')")
    roster.duty.adopt(roster.store)
    with roster.store.transaction() as connection:
        connection.execute("insert into duty(name, gate) values ('Sun', '')")
    roster.duty.adopt(roster.store)
    assert len(roster.duty.everybody()) == 1


@pytest.mark.parametrize(
    ("name", "gate", "begin", "end"),
    [("", "", None, None), ("<b>", "", None, None), ("Li", "west", None, None), ("Li", "", 9, 9)],
)
def test_nonsense_is_refused(roster, name, gate, begin, end):
    with pytest.raises(DutyError):
        roster.duty.add(name, gate, begin, end)
    assert roster.duty.everybody() == []


def test_who_is_planned_next_takes_over_ten_minutes_early_and_keeps_the_end(roster):
    roster.of_a_day()
    roster.clock.at = EVENING
    assert roster.duty.candidates("north", "Zhang") == ["Zhou", "Zhang", "Chen"]
    (shift,) = roster.duty.shifts("north")
    roster.duty.hand_over("north", shift.id, shift.revision, "Zhou", "Zhang")
    assert roster.duty.at("north") == ["Zhou"]
    (shift,) = roster.duty.shifts("north")
    assert (shift.begin, shift.end) == (EVENING, MORNING)
    roster.clock.at += 1
    assert roster.duty.at("north", EVENING - 1) == ["Chen"]
    assert len(roster.duty.everybody()) == 1


def test_somebody_else_gets_the_rest_of_a_shift_or_a_whole_one_near_its_end(roster):
    roster.of_a_day()
    roster.clock.at = DAY + 2 * H
    (shift,) = roster.duty.shifts("north")
    roster.duty.hand_over("north", shift.id, shift.revision, "Wu", "Zhang")
    (shift,) = roster.duty.shifts("north")
    assert (shift.name, shift.begin, shift.end) == ("Wu", roster.clock.at, NIGHT)
    roster.clock.at = EVENING
    roster.duty.hand_over("north", shift.id, shift.revision, "Sun", "Zhang")
    (shift,) = roster.duty.shifts("north")
    assert (shift.name, shift.end) == ("Sun", EVENING + LONGEST_S)


def test_a_second_tap_or_an_old_page_hands_nothing_over(roster):
    roster.of_a_day()
    (shift,) = roster.duty.shifts("north")
    roster.duty.hand_over("north", shift.id, shift.revision, "Wu", "Zhang")
    for _ in range(2):
        with pytest.raises(DutyError):
            roster.duty.hand_over("north", shift.id, shift.revision, "Sun", "Zhang")
    assert roster.duty.at("north") == ["Wu"]


def test_whoever_is_always_on_the_list_is_not_handed_over(roster):
    roster.duty.add("Head", "")
    (shift,) = roster.duty.shifts("north")
    with pytest.raises(DutyError):
        roster.duty.hand_over("north", shift.id, shift.revision, "Wu", "Zhang")
    roster.duty.begin("north", "Wu", "Zhang")
    assert roster.duty.at("north") == ["Head", "Wu"]
    assert roster.duty.at("north", roster.clock.at + LONGEST_S) == ["Head"]


def test_who_has_one_gate_and_takes_over_all_leaves_no_other_gate_with_nobody(roster):
    roster.duty.add("Zhang", "", DAY, NIGHT)
    roster.duty.add("Li", "north", DAY, NIGHT)
    roster.clock.at = DAY + H
    shift = next(s for s in roster.duty.shifts("north") if s.name == "Zhang")
    roster.duty.hand_over("north", shift.id, shift.revision, "Li", "Zhang")
    assert [roster.duty.at(gate) for gate in GATES] == [["Li"], ["Li"]]


def test_who_is_planned_at_one_gate_and_takes_over_all_leaves_no_other_with_nobody(roster):
    roster.duty.add("Zhang", "", DAY, NIGHT)
    roster.duty.add("Li", "north", NIGHT, MORNING)
    roster.clock.at = EVENING - H
    (shift,) = roster.duty.shifts("north")
    roster.duty.hand_over("north", shift.id, shift.revision, "Li", "Zhang")
    assert [roster.duty.at(gate) for gate in GATES] == [["Li"], ["Li"]]
    assert roster.duty.at("north", NIGHT) == ["Li"] and roster.duty.at("south", NIGHT) == []


def test_who_has_all_gates_and_takes_over_one_has_no_second_shift(roster):
    roster.duty.add("Zhang", "north", DAY, NIGHT)
    roster.duty.add("Li", "", DAY, NIGHT)
    shift = next(s for s in roster.duty.shifts("north") if s.name == "Zhang")
    roster.duty.hand_over("north", shift.id, shift.revision, "Li", "Zhang")
    assert [(s.name, s.gate) for s in roster.duty.shifts("north")] == [("Li", "")]


def test_a_shift_far_ahead_is_not_begun_by_who_takes_over(roster):
    roster.duty.add("Chen", "north", DAY, NIGHT)
    roster.duty.add("Zhou", "north", DAY + EARLY_S + 60, MORNING)
    (shift,) = roster.duty.shifts("north")
    roster.duty.hand_over("north", shift.id, shift.revision, "Zhou", "Zhang")
    assert [(s.begin, s.end) for s in roster.duty.everybody()] == [
        (DAY, NIGHT),
        (DAY + EARLY_S + 60, MORNING),
    ]


def plan(*shifts):
    return [OnDuty(name=name, gate="north", begin=b, end=e) for name, b, e in shifts]


def test_a_file_replaces_what_was_planned_within_its_days_and_again_changes_nothing(roster):
    roster.of_a_day()
    roster.duty.add("Head", "")
    roster.duty.add("Wu", "north", MORNING + 24 * H, MORNING + 36 * H)
    file = plan(("Chen", DAY, NIGHT), ("Sun", NIGHT, MORNING))
    changes = roster.duty.compare(file)
    assert ([s.name for s in changes.added], [s.name for s in changes.withdrawn]) == (
        ["Sun"],
        ["Zhou"],
    )
    roster.duty.apply(changes, "李伟")
    assert roster.duty.at("north", NIGHT) == ["Head", "Sun"]
    assert roster.duty.at("north", MORNING + 25 * H) == ["Head", "Wu"]
    again = roster.duty.compare(file)
    assert (again.added, again.withdrawn, again.unchanged) == ([], [], 2)


def test_a_file_read_again_brings_nobody_back_who_was_relieved(roster):
    roster.of_a_day()
    file = plan(("Chen", DAY, NIGHT), ("Zhou", NIGHT, MORNING))
    roster.clock.at = DAY + H
    (shift,) = roster.duty.shifts("north")
    roster.duty.hand_over("north", shift.id, shift.revision, "Wu", "Zhang")
    roster.duty.apply(roster.duty.compare(file), "李伟")
    assert roster.duty.at("north") == ["Wu"]
    roster.clock.at = MORNING + 7 * 24 * H
    assert roster.duty.compare(file).added == []  # what is over is history


def test_a_file_read_again_adds_nobody_twice_who_came_early(roster):
    roster.of_a_day()
    file = plan(("Chen", DAY, NIGHT), ("Zhou", NIGHT, MORNING))
    roster.clock.at = NIGHT - 2 * H
    (shift,) = roster.duty.shifts("north")
    roster.duty.hand_over("north", shift.id, shift.revision, "Zhou", "Zhang")
    for at in (NIGHT - H, NIGHT + H):
        roster.clock.at = at
        again = roster.duty.compare(file)
        assert (again.added, again.withdrawn) == ([], [])
    (shift,) = roster.duty.shifts("north")
    roster.duty.hand_over("north", shift.id, shift.revision, "Wu", "Zhang")
    roster.clock.at += 1
    assert roster.duty.compare(file).added == []  # came early, and was relieved


def test_a_file_that_shortens_a_shift_ahead_leaves_its_gate_with_somebody(roster):
    roster.duty.add("Zhou", "north", NIGHT, MORNING)
    file = plan(("Chen", DAY, NIGHT + H), ("Zhou", NIGHT + H, MORNING))
    roster.duty.apply(roster.duty.compare(file), "李伟")
    assert roster.duty.at("north", NIGHT) == ["Chen"]
    assert roster.duty.at("north", NIGHT + H) == ["Zhou"]


def test_who_has_two_shifts_that_overlap_gets_both(roster):
    file = plan(("Wu", DAY, NIGHT + H), ("Wu", NIGHT, MORNING))
    roster.duty.apply(roster.duty.compare(file[:1]), "李伟")
    roster.clock.at = NIGHT + 60
    roster.duty.apply(roster.duty.compare(file), "李伟")
    assert roster.duty.at("north", MORNING - 60) == ["Wu"]


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


def model(shown: list[str], begin: str, end: str) -> list[bool]:
    """On duty quarter by quarter: it begins when the wall first shows `begin`, and is over when it
    first shows `end`."""
    on_duty, states = not begin, []
    for number, wall in enumerate(shown):
        if wall == begin and wall not in shown[:number]:
            on_duty = True
        if wall == end and wall not in shown[:number]:
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
    shown = walls(first)
    plain = sorted(set(shown))
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
        planned.append((f"P{number}", gate, model(shown, begin, end)))
        edges |= {shown.index(wall) for wall in (begin, end) if wall}
    drawn = data.draw(st.lists(st.integers(0, len(shown) - 1), min_size=5, max_size=30))
    for number in [*sorted(edges), *drawn]:
        at = (first + timedelta(minutes=number * STEP)).timestamp()
        for gate in GATES:
            names = [p for p, where, states in planned if where in ("", gate) and states[number]]
            assert berlin.duty.at(gate, at) == names, (shown[number], gate)
