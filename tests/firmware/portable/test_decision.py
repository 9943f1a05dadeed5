"""Calibration, scan and screening together, and what outlives a power cut."""

import os

from kiosk.decision import _REFERENCE_MS, Decision
from kiosk.errors import CalibrationError

UNIT = "00112233aabbccdd"
CROWD, CALIBRATION, MIDDLE = "crowd-test", "unit-test", "middle-test"
ROOM_C = 23.2
# What the sensor reads in front of healthy and feverish skin; the decision corrects it for
# emissivity.
HEALTHY_READ_C = 35.3
FEVER_READ_C = 37.0


class Settings:
    def __init__(self, baseline="auto", baseline_c=0.0):
        self.site = "canthus"
        self.threshold_c = 37.3
        self.confirm_scans = 1
        self.baseline = baseline
        self.baseline_c = baseline_c


class Kiosk:
    def __init__(self, **settings):
        self.decision = Decision(Settings(**settings), CROWD, CALIBRATION, MIDDLE)
        self.now_ms = 0

    def see(self, object_c, count=14):
        judgements = []
        for _ in range(count):
            self.now_ms += 100
            judgements += self.decision.sample(self.now_ms, object_c, ROOM_C)
        for judgement in judgements:
            if judgement.verdict == "retry":
                self.decision.scan.ask_again()
        return judgements

    def person(self, object_c):
        self.see(ROOM_C, 30)
        return self.see(object_c)


def erased():
    for name in os.listdir():
        if name.startswith((CROWD, CALIBRATION, MIDDLE)):
            os.remove(name)


def test_people_are_judged():
    erased()
    kiosk = Kiosk()
    assert [judgement.verdict for judgement in kiosk.person(HEALTHY_READ_C)] == ["normal"]
    assert [judgement.reason for judgement in kiosk.person(FEVER_READ_C)] == ["confirm"]
    assert [judgement.verdict for judgement in kiosk.person(FEVER_READ_C)] == ["fever"]


def test_a_positive_person_who_goes_away_raises_the_alarm():
    erased()
    kiosk = Kiosk()
    kiosk.person(FEVER_READ_C)
    assert [(judgement.verdict, judgement.reason) for judgement in kiosk.see(ROOM_C, 80)] == [
        ("fever", "unconfirmed")
    ]


def test_a_positive_scan_raises_the_alarm_although_the_sensor_fails():
    erased()
    kiosk = Kiosk()
    kiosk.person(FEVER_READ_C)
    kiosk.decision.fail(kiosk.now_ms)
    judgements = kiosk.decision.overdue(kiosk.now_ms + 7000)
    assert [judgement.verdict for judgement in judgements] == ["fever"]


def test_a_power_cut_does_not_drop_a_positive():
    erased()
    kiosk = Kiosk()
    (first,) = kiosk.person(FEVER_READ_C)
    kiosk.decision.remember()
    after = Kiosk().decision
    judgement = after.left_over
    assert judgement is not None
    assert (judgement.verdict, judgement.reason) == ("fever", "unconfirmed")
    assert abs(judgement.skin_c - first.skin_c) < 0.01
    assert abs(judgement.scan.object_c - first.scan.object_c) < 0.01
    after.remember()
    assert Kiosk().decision.left_over is None


def test_a_power_cut_does_not_forget_the_crowd():
    erased()
    kiosk = Kiosk()
    for _ in range(40):
        kiosk.person(HEALTHY_READ_C - 0.4)
        kiosk.decision.remember()
    learnt_c = kiosk.decision.screening.baseline.offset_c
    assert learnt_c < -0.3
    assert abs(Kiosk().decision.screening.baseline.offset_c - learnt_c) < 0.1


def test_what_has_not_changed_is_not_written_again():
    erased()
    kiosk = Kiosk()
    kiosk.decision.remember()
    before = os.listdir()
    for name in before:
        if name.startswith(CROWD):
            os.remove(name)
    kiosk.person(HEALTHY_READ_C)
    kiosk.decision.remember()
    assert not [name for name in os.listdir() if name.startswith(CROWD)]


def test_a_rotten_memory_is_no_memory():
    erased()
    for rotten in ("", "{}", "00000000 1 {}", '[1, {"pending": 5}]'):
        with open(CROWD + ".a", "w") as file:
            file.write(rotten)
        decision = Kiosk().decision
        assert decision.left_over is None and decision.screening.baseline.offset_c == 0.0


def test_the_baseline_can_be_fixed_or_off():
    erased()
    assert Kiosk(baseline="fixed", baseline_c=0.3).decision.screening.baseline.offset_c == 0.3
    kiosk = Kiosk(baseline="off", baseline_c=0.3)
    for _ in range(30):
        kiosk.person(HEALTHY_READ_C - 0.4)
    assert kiosk.decision.screening.baseline.offset_c == 0.0


def record(**changes):
    values = {"sensor": UNIT, "offset_c": 0.5, "gain": 1.0, "can_over_air_c": 1.0}
    values.update(changes)
    return values


def test_a_calibration_moves_what_is_measured_and_outlives_a_power_cut():
    erased()
    (before,) = Kiosk().person(HEALTHY_READ_C)
    kiosk = Kiosk()
    kiosk.decision.calibrate(record(), UNIT)
    for gate in (kiosk, Kiosk()):
        gate.decision.set_sensor(UNIT)
        (after,) = gate.person(HEALTHY_READ_C)
        assert 0.45 < after.skin_c - before.skin_c < 0.55
        assert after.scan.object_c == before.scan.object_c  # the raw value stays raw


def test_another_units_calibration_is_neither_taken_nor_kept_in_force():
    erased()
    kiosk = Kiosk()
    try:
        kiosk.decision.calibrate(record(), "ffff000011112222")
    except CalibrationError as error:
        assert "sensor" in str(error)
    else:
        raise AssertionError("taken")
    kiosk.decision.calibrate(record(), UNIT)
    kiosk.decision.set_sensor("ffff000011112222")
    assert kiosk.decision.calibration.offset_c == 0.0
    kiosk.decision.set_sensor(UNIT)  # the first sensor is back
    assert kiosk.decision.calibration.offset_c == 0.5


def test_a_reference_is_neither_a_fever_nor_a_pass_and_ends_by_itself():
    erased()
    kiosk = Kiosk()
    kiosk.decision.begin_reference(kiosk.now_ms, True)
    assert [judgement.reason for judgement in kiosk.person(FEVER_READ_C)] == ["reference"]
    assert [judgement.reason for judgement in kiosk.see(ROOM_C, 5)] == []
    kiosk.see(36.0, 4)
    assert [judgement.reason for judgement in kiosk.see(ROOM_C, 5)] == [
        "short"
    ]  # it was taken away too soon
    kiosk.decision.begin_reference(kiosk.now_ms, False)
    assert [judgement.verdict for judgement in kiosk.person(HEALTHY_READ_C)] == ["normal"]
    kiosk.decision.begin_reference(kiosk.now_ms, True)
    kiosk.now_ms += _REFERENCE_MS
    assert [judgement.verdict for judgement in kiosk.person(HEALTHY_READ_C)] == ["normal"]


def test_while_the_can_warms_up_nobody_passes_but_a_clear_fever_raises_the_alarm():
    erased()
    kiosk = Kiosk()
    kiosk.decision.calibrate({"sensor": UNIT, "can_over_air_c": 4.0}, UNIT)
    # Until the can is warm it has the air's temperature, and 4 °C are subtracted wrongly.
    assert [judgement.reason for judgement in kiosk.person(HEALTHY_READ_C + 0.6)] == ["confirm"]
    erased()
    kiosk = Kiosk()
    kiosk.decision.calibrate({"sensor": UNIT, "can_over_air_c": 4.0}, UNIT)
    kiosk.decision.warming = True
    for read_c in (HEALTHY_READ_C, HEALTHY_READ_C + 0.6):
        (judgement,) = kiosk.person(read_c)
        assert (judgement.verdict, judgement.reason) == ("retry", "wait")
    assert [judgement.reason for judgement in kiosk.person(FEVER_READ_C)] == ["confirm"]
    assert [judgement.verdict for judgement in kiosk.person(FEVER_READ_C)] == ["fever"]
    assert kiosk.decision.screening.baseline.offset_c == 0.0
    kiosk.decision.warming = False
    (judgement,) = kiosk.person(HEALTHY_READ_C)
    assert judgement.verdict == "normal"


def test_a_power_cut_does_not_forget_what_is_usual_and_a_calibration_does():
    erased()
    kiosk = Kiosk()
    kiosk.decision.set_sensor(UNIT)
    for number in range(110):
        kiosk.person(HEALTHY_READ_C + number % 3 / 10)
        kiosk.decision.remember()
    usual_c = kiosk.decision.screening.baseline.drift.usual_c
    assert usual_c is not None
    after = Kiosk().decision
    assert abs(after.screening.baseline.drift.usual_c - usual_c) < 0.01
    after.calibrate(record(), UNIT)
    assert after.screening.baseline.drift.usual_c is None
    assert Kiosk().decision.screening.baseline.drift.usual_c is None


def test_what_is_usual_at_another_site_is_not_taken():
    erased()
    kiosk = Kiosk()
    for number in range(110):
        kiosk.person(HEALTHY_READ_C + number % 3 / 10)
    kiosk.decision.remember()
    other = Settings()
    other.site = "forehead"
    decision = Decision(other, CROWD, CALIBRATION, MIDDLE)
    assert decision.screening.baseline.drift.usual_c is None


def test_a_reading_says_which_threshold_was_in_force():
    erased()
    (judged,) = Kiosk().person(HEALTHY_READ_C)
    assert judged.threshold_c == 37.3
    kiosk = Kiosk()
    kiosk.person(FEVER_READ_C)
    kiosk.decision.remember()
    alarm = Kiosk().decision.left_over
    assert alarm is not None and alarm.threshold_c == 37.3


def test_who_stays_before_the_kiosk_is_one_reading():
    erased()
    kiosk = Kiosk()
    kiosk.see(ROOM_C, 30)
    assert [judgement.verdict for judgement in kiosk.see(HEALTHY_READ_C, 150)] == ["normal"]
    assert len(kiosk.person(HEALTHY_READ_C)) == 1
