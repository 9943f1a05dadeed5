"""A file of shifts replaces what was planned within its days, and no shift that is over."""

from duty_roster import DAY, MORNING, NIGHT, H, plan


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
    changes = roster.duty.compare(file)
    assert (changes.added, changes.withdrawn, changes.unchanged) == ([], [], 2)


def test_a_file_read_again_brings_nobody_back_who_was_relieved(roster):
    roster.of_a_day()
    file = plan(("Chen", DAY, NIGHT), ("Zhou", NIGHT, MORNING))
    roster.clock.at = DAY + H
    (shift,) = roster.duty.shifts("north")
    roster.duty.hand_over("north", shift.id, shift.revision, "Wu", "Zhang")
    roster.duty.apply(roster.duty.compare(file), "李伟")
    assert roster.duty.at("north") == ["Wu"]
    roster.clock.at = MORNING + 7 * 24 * H
    assert roster.duty.compare(file).added == []  # no shift that is over is added


def test_a_file_read_again_adds_nobody_twice_who_came_early(roster):
    roster.of_a_day()
    file = plan(("Chen", DAY, NIGHT), ("Zhou", NIGHT, MORNING))
    roster.clock.at = NIGHT - 2 * H
    (shift,) = roster.duty.shifts("north")
    roster.duty.hand_over("north", shift.id, shift.revision, "Zhou", "Zhang")
    for at in (NIGHT - H, NIGHT + H):
        roster.clock.at = at
        changes = roster.duty.compare(file)
        assert (changes.added, changes.withdrawn) == ([], [])
    (shift,) = roster.duty.shifts("north")
    roster.duty.hand_over("north", shift.id, shift.revision, "Wu", "Zhang")
    roster.clock.at += 1
    assert roster.duty.compare(file).added == []  # Zhou came early and was relieved


def test_a_file_that_shortens_a_shift_ahead_leaves_its_gate_with_somebody(roster):
    roster.duty.add("Zhou", "north", NIGHT, MORNING)
    file = plan(("Chen", DAY, NIGHT + H), ("Zhou", NIGHT + H, MORNING))
    roster.duty.apply(roster.duty.compare(file), "李伟")
    assert roster.duty.at("north", NIGHT) == ["Chen"]
    assert roster.duty.at("north", NIGHT + H) == ["Zhou"]


def test_somebody_with_two_overlapping_shifts_gets_both(roster):
    file = plan(("Wu", DAY, NIGHT + H), ("Wu", NIGHT, MORNING))
    roster.duty.apply(roster.duty.compare(file[:1]), "李伟")
    roster.clock.at = NIGHT + 60
    roster.duty.apply(roster.duty.compare(file), "李伟")
    assert roster.duty.at("north", MORNING - 60) == ["Wu"]


def test_a_file_brings_nothing_back_that_is_over_and_takes_nothing_outside_its_days(roster):
    roster.duty.add("Early", "north", DAY + H, DAY + 2 * H)
    roster.duty.add("Zhou", "north", NIGHT, MORNING)
    roster.duty.add("Wu", "north", MORNING, MORNING + H)
    file = plan(("Chen", DAY - H, DAY), ("Chen", NIGHT, MORNING))
    changes = roster.duty.compare(file[1:])
    assert [shift.name for shift in changes.withdrawn] == ["Zhou"]
    assert roster.duty.compare(file).added == plan(("Chen", NIGHT, MORNING))


def test_a_file_that_lengthens_a_shift_ahead_leaves_its_gate_with_somebody(roster):
    roster.duty.add("Zhou", "north", NIGHT, MORNING)
    roster.duty.apply(roster.duty.compare(plan(("Zhou", NIGHT, MORNING + H))), "李伟")
    assert roster.duty.at("north", MORNING) == roster.duty.at("north", NIGHT) == ["Zhou"]
