"""The duty list names who is on duty at each moment; shifts are handed over, taken over and
removed."""

import pytest
from duty_roster import DAY, EVENING, GATES, MORNING, NIGHT, H, local

from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.errors import DutyError
from fevergate.registers.declarations import parse, shipped
from fevergate.registers.duty import EARLY_S, LONGEST_S, NEARLY_OVER_S, Duty, OnDuty
from fevergate.registers.entries import Entries
from fevergate.registers.entry_reader import MOST


def test_each_minute_has_the_name_of_its_shift(roster):
    roster.of_a_day()
    roster.duty.add("Head", "")
    at = [
        (DAY, "Chen"),
        (NIGHT - 0.001, "Chen"),
        (NIGHT, "Zhou"),
        (local("2026-11-27 02:14"), "Zhou"),
        (MORNING - 60, "Zhou"),
    ]
    for instant, name in at:
        assert roster.duty.at("north", instant) == sorted([name, "Head"])
    assert roster.duty.at("north", MORNING) == roster.duty.at("south", DAY) == ["Head"]
    assert roster.duty.at("", DAY) == ["Chen", "Head"]


def stops_at(roster, number):
    """A duty list, and two methods of `Entries` that raise after `number` calls, as if the power
    failed."""
    entries, budget = Entries(roster.store, roster.entries.vault, shipped()), [number]
    put = Entries._revise, Entries._stored

    def counted(method):
        def step(*arguments):
            if budget[0] == 0:
                raise KeyboardInterrupt
            budget[0] -= 1
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
def test_a_crash_leaves_no_change_half_done(roster, monkeypatch, step):
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


def test_the_former_duty_table_is_adopted_once_and_its_names_are_sealed(roster, tmp_path):
    with roster.store.transaction() as connection:
        for row in (("刘洋敏", ""), ("Sun", "south")):
            connection.execute("insert into duty(name, gate) values (?, ?)", row)
    assert roster.duty.adopt(roster.store) == 2
    assert roster.duty.adopt(roster.store) == 0
    assert roster.duty.at("south") == ["Sun", "刘洋敏"] and roster.duty.at("north") == ["刘洋敏"]
    assert [shift.timed for shift in roster.duty.everybody()] == [False, False]
    assert roster.store.query("select fields from entries") == [("{}",), ("{}",)]


def test_an_interrupted_adoption_of_the_former_table_adds_nobody_twice(roster):
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


def test_a_duty_without_times_is_not_handed_over(roster):
    roster.duty.add("Head", "")
    (shift,) = roster.duty.shifts("north")
    with pytest.raises(DutyError):
        roster.duty.hand_over("north", shift.id, shift.revision, "Wu", "Zhang")
    roster.duty.begin("north", "Wu", "Zhang")
    assert roster.duty.at("north") == ["Head", "Wu"]
    assert roster.duty.at("north", roster.clock.at + LONGEST_S) == ["Head"]


def test_a_guard_of_one_gate_who_takes_over_all_gates_is_on_duty_at_each(roster):
    roster.duty.add("Zhang", "", DAY, NIGHT)
    roster.duty.add("Li", "north", DAY, NIGHT)
    roster.clock.at = DAY + H
    shift = next(s for s in roster.duty.shifts("north") if s.name == "Zhang")
    roster.duty.hand_over("north", shift.id, shift.revision, "Li", "Zhang")
    assert [roster.duty.at(gate) for gate in GATES] == [["Li"], ["Li"]]


def test_a_guard_planned_at_one_gate_who_takes_over_all_gates_is_on_duty_at_each(roster):
    roster.duty.add("Zhang", "", DAY, NIGHT)
    roster.duty.add("Li", "north", NIGHT, MORNING)
    roster.clock.at = EVENING - H
    (shift,) = roster.duty.shifts("north")
    roster.duty.hand_over("north", shift.id, shift.revision, "Li", "Zhang")
    assert [roster.duty.at(gate) for gate in GATES] == [["Li"], ["Li"]]
    assert roster.duty.at("north", NIGHT) == ["Li"] and roster.duty.at("south", NIGHT) == []


def test_a_guard_of_all_gates_who_takes_over_one_has_no_second_shift(roster):
    roster.duty.add("Zhang", "north", DAY, NIGHT)
    roster.duty.add("Li", "", DAY, NIGHT)
    shift = next(s for s in roster.duty.shifts("north") if s.name == "Zhang")
    roster.duty.hand_over("north", shift.id, shift.revision, "Li", "Zhang")
    assert [(s.name, s.gate) for s in roster.duty.shifts("north")] == [("Li", "")]


def test_a_takeover_does_not_begin_a_shift_that_is_far_ahead(roster):
    roster.duty.add("Chen", "north", DAY, NIGHT)
    roster.duty.add("Zhou", "north", DAY + EARLY_S + 60, MORNING)
    (shift,) = roster.duty.shifts("north")
    roster.duty.hand_over("north", shift.id, shift.revision, "Zhou", "Zhang")
    assert [(s.begin, s.end) for s in roster.duty.everybody()] == [
        (DAY, NIGHT),
        (DAY + EARLY_S + 60, MORNING),
    ]


def test_whoever_is_put_on_duty_twice_is_there_once_and_is_taken_off_by_shift(roster):
    for _ in range(2):
        roster.duty.add("Chen", "north", DAY, NIGHT)
    roster.duty.add("Chen", "north", NIGHT, MORNING)
    day, night = roster.duty.everybody()
    roster.duty.remove("Chen", "north", shift_id=night.id)
    assert [shift.id for shift in roster.duty.everybody()] == [day.id]
    (withdrawn, _) = roster.entries.history("duty", night.id)
    assert withdrawn.opened_at == withdrawn.closed_at, "nothing ends before it begins"


def test_the_list_is_sorted_by_gate_begin_and_name(roster):
    order = [("", None, "Head"), ("north", DAY, "A"), ("north", DAY, "B"), ("north", NIGHT, "A")]
    for id_, (gate, begin, name) in enumerate(reversed(order), 1):
        roster.duty._add(OnDuty(name=name, gate=gate, begin=begin), "", id_)
    shifts = roster.duty.everybody()
    assert [(shift.gate, shift.begin, shift.name) for shift in shifts] == order


def test_a_year_of_shifts_is_listed_whole(roster):
    with roster.entries.together() as entries:
        duty = Duty(entries, lambda: GATES)
        for day in range(MOST + 1):
            duty._add(OnDuty(name="Chen", gate="north", begin=DAY + day * 24 * H), "")
    assert len(roster.duty.everybody()) == MOST + 1


def test_a_list_whose_key_is_lost_stops_neither_board_nor_notice(roster, tmp_path, caplog):
    roster.of_a_day()
    entries = Entries(roster.store, Vault(tmp_path / "other" / KEY), shipped())
    assert Duty(entries, lambda: GATES).present("north") == []
    assert "duty list: " in caplog.text


def test_candidates_are_the_next_guard_of_this_gate_then_the_user_then_others(roster):
    soon, later = DAY + EARLY_S, DAY + EARLY_S + 1
    for name, gate, begin in (("A", "", later), ("B", "north", soon), ("C", "south", soon)):
        roster.duty.add(name, gate, begin, MORNING)
    assert roster.duty.candidates("north", "Zhang") == ["B", "Zhang", "A"]
    roster.duty.begin("north", "B", "Zhang")
    roster.duty.begin("north", "B", "Zhang")
    (shift,) = roster.duty.shifts("north")
    assert (shift.name, shift.begin, shift.end) == ("B", DAY, MORNING)


def test_a_person_with_a_duty_without_times_can_begin_a_shift_and_hand_it_over(roster):
    roster.duty.add("Head", "")
    roster.duty.begin("north", "Head", "Zhang")
    (shift,) = (shift for shift in roster.duty.shifts("north") if shift.timed)
    roster.duty.hand_over("north", shift.id, shift.revision, "Wu", "Zhang")
    assert roster.duty.at("north") == ["Head", "Wu"]


def test_a_shift_without_a_begin_is_handed_over_to_somebody_else_as_it_was_shown(roster):
    roster.duty.add("Chen", "north", None, NIGHT)
    (shift,) = roster.duty.shifts("north")
    for revision, name in ((shift.revision + 1, "Wu"), (shift.revision, "Chen")):
        with pytest.raises(DutyError):
            roster.duty.hand_over("north", shift.id, revision, name, "Zhang")
    roster.clock.at = NIGHT - NEARLY_OVER_S
    roster.duty.hand_over("north", shift.id, shift.revision, "Wu", "Zhang")
    (shift,) = roster.duty.shifts("north")
    assert (shift.name, shift.end) == ("Wu", NIGHT - NEARLY_OVER_S + LONGEST_S)


def test_a_site_may_rename_the_field_of_the_person_on_duty(roster):
    declaration = (
        '[duty]\ntitle = "值班"\nbegin = "from"\n[duty.fields]\n'
        'from = { title = "x", type = "time" }\n'
        'guard = { title = "保安", type = "person" }\n'
    )
    roster.entries.registers |= parse(declaration, "registers.toml")
    roster.duty.add("Chen", "")
    assert roster.duty.at("") == ["Chen"]
    (shift,) = roster.duty.everybody()
    assert roster.entries.get("duty", shift.id).fields == {"guard": "Chen"}
