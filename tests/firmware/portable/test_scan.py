"""Each person's scan is found in a stream of samples."""

from kiosk.scan import (
    _AGAIN_SCANS,
    _LEAVING,
    _LIMIT_MS,
    _LINGER_MS,
    _LINGER_SCANS,
    _SCANNING,
    _STUCK_MS,
    _SWEEP_MS,
    WAITING,
    Scan,
    peak_of,
)

ROOM_C = 22.0


class Gate:
    """Feeds a scan at 10 Hz."""

    def __init__(self, room_c=ROOM_C, sweeps=False):
        self.room_c = room_c
        self.scan = Scan(sweeps)
        self.now_ms = 0
        self.results = []

    def see(self, *samples_c):
        for object_c in samples_c:
            result = self.scan.feed(self.now_ms, object_c, self.room_c)
            if result:
                self.results.append(result)
            self.now_ms += 100

    def empty(self, count=20):
        self.see(*[self.room_c] * count)


def test_an_empty_view_is_nobody():
    gate = Gate()
    gate.empty(600)
    assert gate.scan.state == WAITING and not gate.results


def test_a_person_who_holds_still_is_answered_in_about_a_second():
    gate = Gate()
    gate.empty()
    gate.see(28.0, 33.0, 35.0, *[35.4] * 12)
    (result,) = gate.results
    assert result.quality == "" and result.scan_ms <= 1200
    assert abs(result.object_c - 35.4) < 0.05


def test_one_wild_sample_never_reaches_the_peak():
    gate = Gate()
    gate.empty()
    gate.see(33.0, 35.4, 35.4, 60.0, 35.4, 35.4, 35.4, 35.4, 35.4, 35.4, 35.4, 35.4)
    assert gate.results[0].object_c < 35.5


def test_who_leaves_too_soon_is_asked_again():
    gate = Gate()
    gate.empty()
    gate.see(30.0, 34.0, 35.0, 30.0, 24.0, 22.0, 22.0)
    assert gate.results[0].quality == "short"


def test_who_never_holds_still_is_asked_to():
    gate = Gate()
    gate.empty()
    gate.see(*[34.6, 34.6, 35.3, 35.3] * 20)
    assert gate.results[0].quality == "moving"
    assert gate.results[0].scan_ms >= _LIMIT_MS


def test_a_person_who_reads_the_answer_is_answered_once():
    gate = Gate()
    gate.empty()
    gate.see(*[35.4] * (_LINGER_MS // 100))
    assert len(gate.results) == 1 and gate.scan.state == _LEAVING


def test_who_slips_in_unseen_behind_somebody_is_measured_all_the_same():
    gate = Gate()
    gate.empty()
    gate.see(*[35.4] * 12)
    gate.see(*[37.4] * (_LINGER_MS // 100 + 12))
    assert len(gate.results) == 2
    assert abs(gate.results[1].object_c - 37.4) < 0.05


def test_who_is_asked_again_may_simply_stay():
    gate = Gate()
    gate.empty()
    gate.see(*[34.6, 34.6, 35.3, 35.3] * 7)
    assert gate.results[0].quality == "moving"
    gate.scan.ask_again()
    gate.see(*[35.3] * 40)
    assert gate.results[1].quality == ""


def test_the_next_in_line_is_scanned_although_the_view_was_never_empty():
    gate = Gate()
    gate.empty()
    gate.see(*[35.4] * 15)
    gate.see(33.0, 31.0, 29.0, 29.0, 31.0, 33.0, 36.4, *[36.4] * 12)
    assert len(gate.results) == 2
    assert abs(gate.results[1].object_c - 36.4) < 0.05


def test_a_heater_that_never_leaves_becomes_the_background():
    gate = Gate()
    gate.empty()
    gate.see(*[34.0] * ((_STUCK_MS + (1 + _LINGER_SCANS) * (_LINGER_MS + 1000)) // 100))
    assert gate.scan.state == WAITING
    assert len(gate.results) == 1 + _LINGER_SCANS
    gate.see(*[36.5] * 20)
    assert abs(gate.results[-1].object_c - 36.5) < 0.05


def test_a_person_in_a_hall_almost_as_warm_as_skin_is_still_seen():
    gate = Gate(room_c=33.5)
    gate.empty(50)
    assert not gate.results
    gate.see(*[35.9] * 15)
    (result,) = gate.results
    assert abs(result.object_c - 35.9) < 0.05


def test_a_sensor_that_fails_in_a_scan_ends_it_as_a_retry():
    gate = Gate()
    gate.empty()
    gate.see(35.0, 35.2)
    assert gate.scan.state == _SCANNING
    result = gate.scan.fail(gate.now_ms)
    assert result is not None and result.quality == "sensor" and result.object_c is None
    assert gate.scan.fail(gate.now_ms) is None


def test_a_can_that_warms_while_it_measures_is_not_trusted():
    gate = Gate()
    gate.empty()
    for sample_c in [33.0, 35.0] + [35.4] * 12:
        gate.room_c += 0.05  # a hand around the sensor
        gate.see(sample_c)
    assert gate.results[0].quality == "wait"


def test_who_stays_to_be_scanned_again_is_known_to_be_the_same():
    gate = Gate()
    gate.empty()
    gate.see(*[35.4] * 12)
    gate.scan.ask_again()
    gate.see(*[35.4] * 25)
    assert [result.stayed for result in gate.results] == [False, True]


def test_who_steps_in_while_the_other_was_asked_again_is_not_taken_for_the_same():
    for between in ([22.0] * 5, [33.0, 31.0, 31.0, 33.0]):
        gate = Gate()
        gate.empty()
        gate.see(*[35.4] * 12)
        gate.scan.ask_again()
        gate.see(*between)
        gate.see(*[36.4] * 30)
        assert [result.stayed for result in gate.results] == [False, False]


def test_a_face_that_moves_through_the_view_is_measured_at_its_hottest_spot():
    gate = Gate(sweeps=True)
    gate.empty()
    gate.see(33.0, 34.0, 33.5, 34.5, 35.6, 35.7, 35.7, 35.0, 34.0, 33.5, 33.0, *[33.5] * 10)
    (result,) = gate.results
    assert result.quality == "" and abs(result.object_c - 35.7) < 0.05
    assert _SWEEP_MS <= result.scan_ms <= _SWEEP_MS + 200


def test_a_face_that_is_taken_away_before_it_was_swept_is_asked_again():
    gate = Gate(sweeps=True)
    gate.empty()
    gate.see(33.0, 34.0, 35.0, 30.0, 24.0, 22.0, 22.0, 22.0)
    assert gate.results[0].quality == "short"


def test_the_peak_of_a_few_samples_is_that_of_a_scan():
    assert peak_of([35.4, 35.5, 39.0, 35.6]) == 35.6
    assert peak_of([35.4, 35.6]) == 35.4
    assert peak_of([35.4]) == 35.4


def test_a_lamp_that_is_never_answered_is_asked_a_few_times_and_then_no_more():
    gate = Gate()
    gate.empty()
    for _ in range(1200):
        before = len(gate.results)
        gate.see(60.0)
        if len(gate.results) > before:
            gate.scan.ask_again()  # too hot for skin
    assert len(gate.results) == 1 + _AGAIN_SCANS + _LINGER_SCANS
    assert gate.scan.blinded  # from here on it is reported as a fault of the view
    gate.empty(10)
    assert not gate.scan.blinded
    gate.see(*[35.9] * 15)
    assert abs(gate.results[-1].object_c - 35.9) < 0.05


def test_an_empty_hall_is_not_blinding():
    gate = Gate(room_c=33.0)
    gate.empty(600)
    assert not gate.scan.blinded
