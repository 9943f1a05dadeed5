"""A kiosk notices when nobody comes at an hour at which people usually come."""

import os

from kiosk.usual_visitors import _MISSING, UsualVisitors

PATH = "usual-test"
MONDAY = 86400 * 20_003


def fresh():
    for name in os.listdir():
        if name.startswith(PATH):
            os.remove(name)
    return UsualVisitors(PATH)


def live(usual, begin_s, hours, per_hour):
    """Let `hours` pass minute by minute; return how many minutes were blind. `per_hour(hour)` is
    the number of people in that hour of the day (UTC)."""
    blind = 0
    for minute in range(hours * 60):
        now_s = begin_s + minute * 60
        people = per_hour(now_s // 3600 % 24)
        if people and minute % max(1, 60 // people) == 0:
            for _ in range(max(1, people // 60)):
                usual.person()
        usual.look(now_s)
        blind += usual.blind
    return blind


def school(hour):
    return 120 if hour in (7, 8, 13) else 10 if 9 <= hour < 18 else 0


def nobody(_):
    return 0


def test_the_first_days_are_never_blind():
    assert live(fresh(), MONDAY, 24 * 7, school) == 0
    assert live(fresh(), MONDAY, 24 * 7, nobody) == 0


def test_after_one_day_with_people_a_kiosk_is_blind_once_the_usual_rush_does_not_come():
    usual = fresh()
    live(usual, MONDAY, 24, school)
    restarted = UsualVisitors(PATH)  # it outlives a power cut
    assert live(restarted, MONDAY + 86400, 7, nobody) == 0  # nobody comes at night
    assert live(restarted, MONDAY + 86400 + 7 * 3600, 1, nobody) > 30
    assert live(restarted, MONDAY + 86400 + 8 * 3600, 16, nobody) == 16 * 60
    restarted.person()
    assert not restarted.blind


def test_empty_nights_and_weekends_are_not_blind_and_change_no_working_day():
    usual = fresh()
    for week in range(3):
        assert live(usual, MONDAY + week * 7 * 86400, 5 * 24, school) == 0
        assert live(usual, MONDAY + (week * 7 + 5) * 86400, 2 * 24, nobody) == 0


def test_a_kiosk_that_was_moved_to_a_quiet_place_unlearns_its_rush_after_weeks():
    usual = fresh()
    live(usual, MONDAY, 5 * 24, school)
    assert live(usual, MONDAY + 7 * 86400, 24, nobody) > 0
    for week in range(2, 30):
        live(usual, MONDAY + week * 7 * 86400, 5 * 24, nobody)
    assert not usual._people[7]


def test_a_clock_that_jumps_or_a_board_that_was_off_is_not_blind():
    usual = fresh()
    live(usual, MONDAY, 5 * 24, school)
    for hours in range(7, 3000, 7):
        usual.look(MONDAY + hours * 3600)
        assert not usual.blind


def test_counts_on_flash_are_read_or_if_invalid_begun_anew():
    for content in (None, 5, "", "zz", "00" * 47, ["00"], "00" * 48):
        usual = fresh()
        usual._file.write(content)
        restarted = UsualVisitors(PATH)
        live(restarted, MONDAY, 3, school)
        assert len(restarted._people) == 48 and _MISSING > 0
