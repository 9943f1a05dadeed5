"""What the screening makes of one scan, and how earlier scans change that."""

import math

from kiosk import screening
from kiosk.baseline import Baseline
from kiosk.estimate import SITES, body_c
from kiosk.screening import _COLD_MS, _LIMIT_C, CONFIRM_MS, Screening

ROOM_C = 23.2
HEALTHY_C = 35.5  # skin at the inner canthus
FEVER_C = 37.2
MINUTE_MS = 60_000


class Gate:
    """The screening of one kiosk with its clock; by default scans are a minute apart."""

    def __init__(self, site="canthus", **options):
        self.screening = Screening(SITES[site], **options)
        self.now_ms = 0

    def scan(self, skin_c, air_c=ROOM_C, after_ms=MINUTE_MS, quality="", stayed=False):
        """Judge one scan; return [(verdict, reason), ...]."""
        self.now_ms += after_ms
        judgements = self.screening.judge(self.now_ms, skin_c, air_c, quality, stayed)
        return [(judgement.verdict, judgement.reason) for judgement in judgements]

    def overdue(self, after_ms=0):
        self.now_ms += after_ms
        judgement = self.screening.overdue(self.now_ms)
        return judgement and (judgement.verdict, judgement.reason)

    def alarmed(self, skin_c, after_ms=MINUTE_MS):
        """Whether this scan raises the alarm, at once or because no second scan follows."""
        verdict, _ = self.scan(skin_c, after_ms=after_ms)[-1]
        return verdict == "fever" or self.overdue(CONFIRM_MS) == ("fever", "unconfirmed")


def one_scan(skin_c, air_c=ROOM_C, site="canthus", quality="", threshold_c=37.3):
    gate = Gate(site, threshold_c=threshold_c, confirm_scans=0)
    (answer,) = gate.scan(skin_c, air_c, quality=quality)
    return answer


def test_a_healthy_face_is_normal():
    for name, site in SITES.items():
        assert one_scan(site.skin_c, site=name) == ("normal", "")


def test_a_fever_of_38_in_the_mouth_is_seen_although_the_skin_reads_below_37_3():
    skin_c = 38.0 - 1.30
    assert skin_c < 37.3
    assert one_scan(skin_c) == ("fever", "")


def test_a_warm_hall_does_not_make_healthy_people_feverish():
    for name, site in SITES.items():
        for air_c in (16.0, 20.0, 24.0, 29.0, 35.0):
            skin_c = site.skin_c + site.per_room_c * (air_c - ROOM_C)
            assert one_scan(skin_c, air_c, name) == ("normal", "")


def test_cold_skin_is_never_a_pass():
    assert one_scan(33.0) == ("retry", "cold")


def test_who_stands_too_far_away_is_asked_to_step_closer():
    assert one_scan(28.0) == ("retry", "far")


def test_a_hot_cup_is_no_person():
    assert one_scan(55.0) == ("retry", "hot")


def test_a_poor_scan_asks_again():
    for quality in ("short", "moving", "wait", "sensor"):
        assert one_scan(HEALTHY_C, quality=quality) == ("retry", quality)


def test_a_poor_scan_does_not_excuse_heat():
    assert one_scan(37.5, quality="short") == ("fever", "")


def test_a_sensor_that_gave_nothing_is_no_verdict():
    gate = Gate()
    (judgement,) = gate.screening.judge(0, None, None, "sensor")
    assert (judgement.verdict, judgement.reason, judgement.body_c) == ("retry", "sensor", None)


def test_where_the_sensor_cannot_be_trusted_nobody_passes_but_fevers_are_seen():
    for air_c in (5.0, 15.9, 35.1, 45.0):
        site = SITES["canthus"]
        skin_c = site.skin_c + site.per_room_c * (air_c - ROOM_C)
        assert one_scan(skin_c, air_c) == ("retry", "room")
        assert one_scan(skin_c + 2, air_c) == ("fever", "")


def test_the_threshold_is_a_setting():
    assert one_scan(36.2, threshold_c=37.3)[0] == "normal"
    assert one_scan(36.2, threshold_c=37.0)[0] == "fever"


def test_exactly_the_threshold_is_a_fever():
    site = SITES["canthus"]
    for skin_c in (36.2, 36.7, 37.3):
        exactly_c = body_c(skin_c, ROOM_C, site)
        assert one_scan(skin_c, threshold_c=exactly_c) == ("fever", "")
        assert one_scan(skin_c, threshold_c=exactly_c + 0.001) == ("normal", "")


def test_exactly_the_absolute_limit_is_a_fever():
    skin_c = 37.3
    limit_c = body_c(skin_c, ROOM_C, SITES["canthus"])
    assert limit_c > _LIMIT_C
    for threshold_c, verdict in ((limit_c, "fever"), (limit_c + 0.001, "normal")):
        warm_crowd = Baseline(0.8, fixed=True)
        gate = Gate(threshold_c=threshold_c, baseline=warm_crowd, confirm_scans=0)
        assert gate.scan(skin_c) == [(verdict, "")]


# Two stages.


def test_a_first_positive_asks_for_a_second_scan_and_alarms_when_it_agrees():
    gate = Gate()
    assert gate.scan(FEVER_C) == [("retry", "confirm")]
    assert gate.scan(FEVER_C + 0.1, after_ms=3000) == [("fever", "")]
    assert gate.overdue(CONFIRM_MS) is None


def test_a_second_scan_that_is_healthy_clears_it():
    gate = Gate()
    assert gate.scan(36.35) == [("retry", "confirm")]
    assert gate.scan(36.1, after_ms=3000) == [("normal", "")]
    assert gate.overdue(CONFIRM_MS) is None


def test_who_stayed_in_front_is_the_same_person_whatever_the_first_scan_saw():
    gate = Gate()
    assert gate.scan(38.5) == [("retry", "confirm")]
    assert gate.scan(HEALTHY_C, after_ms=2000, stayed=True) == [("normal", "")]
    assert gate.overdue(CONFIRM_MS) is None


def test_nobody_comes_back_and_the_alarm_is_raised():
    gate = Gate()
    gate.scan(FEVER_C)
    assert gate.overdue(CONFIRM_MS - 1) is None
    assert gate.overdue(1) == ("fever", "unconfirmed")
    assert gate.overdue(CONFIRM_MS) is None


def test_somebody_healthy_behind_a_fever_does_not_clear_it():
    gate = Gate()
    gate.scan(38.0)
    assert gate.scan(HEALTHY_C, after_ms=2000) == [("fever", "unconfirmed"), ("normal", "")]


def test_who_left_the_view_clears_a_positive_only_within_the_noise_of_two_scans():
    for apart_c in (0.2, 0.29):
        gate = Gate()
        assert gate.scan(36.4) == [("retry", "confirm")]
        assert gate.scan(36.4 - apart_c, after_ms=3000) == [("normal", "")]
    for apart_c in (0.31, 0.6, 0.9):
        gate = Gate()
        assert gate.scan(36.4) == [("retry", "confirm")]
        alarm_and_answer = [("fever", "unconfirmed"), ("normal", "")]
        assert gate.scan(36.4 - apart_c, after_ms=3000) == alarm_and_answer


def test_another_fever_behind_a_fever_is_one_of_its_own():
    gate = Gate()
    gate.scan(38.5)
    assert gate.scan(37.0, after_ms=2000) == [("fever", "unconfirmed"), ("retry", "confirm")]
    assert gate.overdue(CONFIRM_MS) == ("fever", "unconfirmed")


def test_a_poor_second_scan_neither_clears_nor_ends_the_wait():
    for skin_c, quality in ((HEALTHY_C, "short"), (33.0, ""), (HEALTHY_C, "moving")):
        gate = Gate()
        gate.scan(FEVER_C)
        assert gate.scan(skin_c, after_ms=2000, quality=quality)[0][0] == "retry"
        assert gate.overdue(CONFIRM_MS) == ("fever", "unconfirmed")


def test_how_many_further_scans_is_a_setting():
    assert Gate(confirm_scans=0).scan(FEVER_C) == [("fever", "")]
    gate = Gate(confirm_scans=2)
    answers = [gate.scan(FEVER_C, after_ms=2000)[0] for _ in range(3)]
    assert answers == [("retry", "confirm"), ("retry", "confirm"), ("fever", "")]


# From the frost.


def from_the_frost(own_c, seconds):
    """Skin temperature (°C) so many seconds after coming in from the frost (Dzien 2020). It begins
    3.4 °C below the person's own level. Half of the difference is gone after a minute; the rest
    goes more slowly."""
    begin, low = 0, -3.4
    for end, high in ((60, -1.7), (180, -0.8), (300, -0.5), (3600, 0.0)):
        if seconds <= end:
            return own_c + low + (high - low) * (seconds - begin) / (end - begin)
        begin, low = end, high
    return own_c


def test_nobody_healthy_passes_in_the_first_minute_out_of_the_frost():
    for name, site in SITES.items():
        for tenth in range(-8, 8):  # every level that is normal without the cold
            own_c = site.skin_c + site.per_room_c * (20.5 - ROOM_C) + tenth / 10
            for first_s in (0, 7, 20, 45, 59):
                gate = Gate(name)
                second = first_s
                while second < 60:
                    skin_c = from_the_frost(own_c, second)
                    (answer,) = gate.scan(skin_c, 20.5, after_ms=7000, stayed=second > first_s)
                    assert answer in (("retry", "cold"), ("retry", "far"))
                    second += 7


def test_a_fever_under_cold_skin_that_was_seen_cold_does_not_pass_in_that_minute():
    for tenth in range(8, 21):
        own_c = SITES["canthus"].skin_c + tenth / 10
        gate = Gate()
        for second in range(0, 60, 6):
            skin_c = from_the_frost(own_c, second)
            answers = gate.scan(skin_c, 20.5, after_ms=6000, stayed=second > 0)
            assert ("normal", "") not in answers


def test_who_has_warmed_up_passes():
    gate = Gate()
    gate.scan(from_the_frost(HEALTHY_C, 0), 20.5)
    assert gate.scan(HEALTHY_C - 0.3, 20.5, after_ms=5 * MINUTE_MS) == [("normal", "")]


def test_somebody_cold_holds_up_nobody_who_comes_from_the_warmth():
    gate = Gate()
    assert gate.scan(32.5) == [("retry", "cold")]
    assert gate.scan(HEALTHY_C, after_ms=5000) == [("normal", "")]
    assert gate.scan(HEALTHY_C, after_ms=5000) == [("normal", "")]


def test_the_wait_ends():
    gate = Gate()
    gate.scan(34.3)
    assert gate.scan(35.2, after_ms=_COLD_MS - 1, stayed=True) == [("retry", "cold")]
    assert gate.scan(35.2, after_ms=2, stayed=True) == [("normal", "")]


def test_a_stranger_behind_somebody_cold_is_believed_sooner_than_somebody_who_stays():
    for rise_c, who_stays, stranger in (
        (0.9, "normal", "normal"),
        (0.8, "retry", "normal"),
        (0.6, "retry", "retry"),
    ):
        for stayed, verdict in ((True, who_stays), (False, stranger)):
            gate = Gate()
            assert gate.scan(34.4) == [("retry", "cold")]
            answers = gate.scan(34.4 + rise_c, after_ms=8000, stayed=stayed)
            assert answers[0][0] == verdict, (rise_c, stayed)


# One visit.


def test_who_lingers_is_one_visit():
    gate = Gate()
    assert gate.scan(HEALTHY_C) == [("normal", "")]
    for skin_c, quality in ((HEALTHY_C, ""), (HEALTHY_C + 0.6, ""), (33.0, ""), (35.0, "moving")):
        assert gate.scan(skin_c, after_ms=5000, quality=quality, stayed=True) == []
    assert gate.scan(HEALTHY_C) == [("normal", "")]


def test_a_fever_that_lingers_is_one_fever():
    gate = Gate()
    gate.scan(FEVER_C)
    assert gate.scan(FEVER_C, after_ms=3000, stayed=True) == [("fever", "")]
    for skin_c in (FEVER_C, FEVER_C + 0.3, HEALTHY_C):
        assert gate.scan(skin_c, after_ms=5000, stayed=True) == []
    assert gate.overdue(CONFIRM_MS) is None


def test_who_lingers_teaches_the_crowd_once():
    crowds = []
    for lingers in (0, 3):
        gate = Gate()
        for number in range(40):
            gate.scan(HEALTHY_C - 0.3 + number % 3 / 10)
            for _ in range(lingers):
                gate.scan(HEALTHY_C - 0.3 + number % 3 / 10, after_ms=0, stayed=True)
        crowds.append(gate.screening.baseline.offset_c)
    assert abs(crowds[0] - crowds[1]) < 1e-5


def test_a_positive_scan_is_answered_although_the_same_person_has_just_passed():
    gate = Gate()
    gate.scan(36.0)
    assert gate.scan(36.4, after_ms=5000, stayed=True) == [("retry", "confirm")]
    assert gate.scan(36.4, after_ms=2000, stayed=True) == [("fever", "")]
    assert gate.scan(36.4 + 0.6, after_ms=5000, stayed=True) == [("retry", "confirm")]


# The site.


def test_a_forehead_alarms_earlier_and_its_verdict_tells_the_lower_threshold():
    site = SITES["forehead"]
    assert site.margin_c > 0 and SITES["canthus"].margin_c == SITES["face_max"].margin_c == 0
    skin_c = site.skin_c + 37.3 - site.margin_c - body_c(site.skin_c, ROOM_C, site)
    for apart_c, verdict in ((0.01, "fever"), (-0.01, "normal")):
        gate = Gate("forehead", confirm_scans=0)
        (judged,) = gate.screening.judge(0, skin_c + apart_c, ROOM_C)
        assert judged.verdict == verdict
        threshold_c = judged.threshold_c or 0.0
        assert abs(threshold_c - (37.3 - site.margin_c)) < 1e-5


def test_a_crowd_does_not_undo_the_foreheads_margin():
    site = SITES["forehead"]
    gate = Gate("forehead")
    for number in range(400):
        gate.scan(site.skin_c - 0.07 + (0.3, -0.2, 0.0, 0.25, -0.35)[number % 5], after_ms=20_000)
    assert abs(gate.screening.baseline.offset_c) < 0.1


def test_a_frosty_morning_does_not_teach_that_cold_is_usual():
    gate = Gate()
    for number in range(200):
        gate.scan(HEALTHY_C - 0.55 + (number % 3) / 10, after_ms=2 * _COLD_MS)
    assert gate.screening.baseline.offset_c < -0.2
    assert gate.scan(HEALTHY_C - 1.2) == [("retry", "cold")]


# The crowd.


def crowd(gate, count, shift_c=0.0, after_ms=8000):
    """Scan healthy people who differ as much as at a gate (SD 0.36 °C); return the number of
    alarms."""
    alarms = 0
    for number in range(count):
        unit = ((number * 377 + 89) % 997 + 0.5) / 997
        spread_c = 0.36 * math.log(unit / (1 - unit)) / 1.702  # logistic, nearly normal
        verdict, _ = gate.scan(HEALTHY_C + shift_c + spread_c, after_ms=after_ms)[-1]
        alarms += verdict != "normal" and gate.overdue(CONFIRM_MS) is not None
    return alarms


def test_a_heater_or_a_worn_sensor_raises_alarms_for_a_while_and_then_no_more():
    gate = Gate()
    assert crowd(gate, 100) <= 4
    assert crowd(gate, 100, shift_c=0.6) > 6
    crowd(gate, 700, shift_c=0.6)
    assert crowd(gate, 100, shift_c=0.6) <= 4


def test_a_cold_front_hides_fevers_for_a_while_and_then_no_more():
    for before_c in (0.0, 0.6):
        gate = Gate()
        crowd(gate, 1000, shift_c=before_c)
        crowd(gate, 150, shift_c=-0.5)
        assert gate.alarmed(36.5 - 0.5)


def test_twenty_feverish_people_in_a_row_all_alarm_and_teach_nothing():
    gate = Gate()
    crowd(gate, 100)
    before_c = gate.screening.baseline.offset_c
    assert all(gate.alarmed(FEVER_C) for _ in range(20))
    assert gate.screening.baseline.offset_c == before_c
    assert gate.scan(HEALTHY_C) == [("normal", "")]


def test_the_absolute_limit_alarms_whatever_the_crowd_reads():
    gate = Gate(baseline=Baseline(0.8, fixed=True))
    site = SITES["canthus"]
    limit_c = _LIMIT_C - body_c(0.0, ROOM_C, site)
    assert gate.scan(limit_c - 0.05) == [("normal", "")]
    assert gate.alarmed(limit_c + 0.01)


def test_a_hotter_face_never_gets_a_milder_verdict():
    order = (("retry", "far"), ("retry", "cold"), ("normal", ""), ("fever", ""), ("retry", "hot"))
    rank = {answer: place for place, answer in enumerate(order)}
    for site in SITES:
        for air_c in (16.0, 22.0, 28.0, 35.0):
            for baseline_c in (-0.8, 0.0, 0.8):
                last = 0
                for tenth in range(280, 430):
                    gate = Gate(site, confirm_scans=0, baseline=Baseline(baseline_c, fixed=True))
                    (answer,) = gate.scan(tenth / 10, air_c)
                    assert rank[answer] >= last
                    last = rank[answer]


def test_what_is_shown_is_what_is_compared():
    gate = Gate(baseline=Baseline(0.3, fixed=True), confirm_scans=0)
    (judgement,) = gate.screening.judge(0, HEALTHY_C, ROOM_C)
    assert judgement.baseline_c == 0.3
    assert abs(judgement.body_c + 0.3 - body_c(HEALTHY_C, ROOM_C, SITES["canthus"])) < 1e-9


def test_reasons_are_known_to_the_display():
    from kiosk.words import LANGUAGES, words_in

    reasons = (
        "SHORT",
        "MOVING",
        "FAR",
        "COLD",
        "HOT",
        "SENSOR",
        "WAIT",
        "ROOM",
        "CONFIRM",
        "REFERENCE",
    )
    for language in LANGUAGES:
        words = words_in(language)
        for name in reasons:
            assert getattr(screening, name) in words
