"""Which card belongs to which scan: taps that come early, late, twice, never, or from another
person."""

import os

from kiosk.card_decision import CardDecision
from kiosk.pairing import HELD_MS, TAP_MS, Pairing
from kiosk.safe_file import SafeFile

FILES = ("crowd-pairing", "unit-pairing", "middle-pairing")
EMPTY_C = 23.2
HEALTHY_C = 35.3
FEVER_C = 37.0
A, B, C = b"\0\0\0\0\0\0\0A", b"\0\0\0\0\0\0\0B", b"\0\0\0\0\0\0\0C"


class Settings:
    site = "canthus"
    threshold_c = 37.3
    confirm_scans = 1
    baseline = "auto"
    baseline_c = 0.0


def erased():
    for name in os.listdir():
        if name.startswith(FILES):
            os.remove(name)


class Kiosk:
    """A decision with a card reader; `answers` lists (verdict, reason, card) of each judgement."""

    def __init__(self):
        self.pairing = Pairing()
        self.decision = CardDecision(Settings, self.pairing, *FILES)
        self.now_ms = 100
        self.answers = []
        self.scans = []  # [began_ms, ended_ms] of each scan

    def see(self, object_c, ms):
        for _ in range(ms // 100):
            self.now_ms += 100
            scan = self.decision.scan
            before = scan.scanning
            judgements = self.decision.sample(self.now_ms, object_c, EMPTY_C)
            if scan.scanning and not before:
                self.scans.append([self.now_ms, None])
            elif before and not scan.scanning:
                self.scans[-1][1] = self.now_ms
            for judgement in judgements:
                if judgement.verdict == "retry":
                    scan.ask_again()
                tap = judgement.scan.card
                self.answers.append((judgement.verdict, judgement.reason, tap and tap.number))
        return self

    def tap(self, number):
        tap = self.pairing.card(self.now_ms, number)
        if tap:
            tap.kept = "0011223344556677-1-%d" % tap.count
        return self

    def away(self, ms=3000):
        return self.see(EMPTY_C, ms)


def kiosk():
    erased()
    return Kiosk().away()


def test_a_tap_before_or_during_the_scan_belongs_to_its_person():
    assert kiosk().tap(A).away(5000).see(HEALTHY_C, 1500).answers == [("normal", "", A)]
    assert kiosk().see(HEALTHY_C, 300).tap(A).see(HEALTHY_C, 1500).answers == [("normal", "", A)]


def test_without_a_tap_the_verdict_is_given_all_the_same():
    assert kiosk().see(HEALTHY_C, 1500).answers == [("normal", "", None)]


def test_a_tap_waits_for_eight_seconds():
    assert kiosk().tap(A).away(TAP_MS - 200).see(HEALTHY_C, 1500).answers == [("normal", "", A)]
    assert kiosk().tap(A).away(TAP_MS + 200).see(HEALTHY_C, 1500).answers == [("normal", "", None)]


def test_the_last_tap_wins():
    gate = kiosk().tap(A).away(500).tap(B).see(HEALTHY_C, 1500)
    assert gate.answers == [("normal", "", B)]
    gate = kiosk().tap(A).see(HEALTHY_C, 300).tap(B).see(HEALTHY_C, 1500)
    assert gate.answers == [("normal", "", B)]


def test_a_scan_takes_a_tap_once():
    gate = kiosk().tap(A).see(HEALTHY_C, 1500).away(1000).see(HEALTHY_C, 1500)
    assert gate.answers == [("normal", "", A), ("normal", "", None)]


def test_a_tap_after_the_verdict_is_of_the_next_person():
    gate = kiosk().see(HEALTHY_C, 1500).tap(B).away().see(HEALTHY_C, 1500)
    assert gate.answers == [("normal", "", None), ("normal", "", B)]


def test_whoever_taps_again_after_the_verdict_taps_for_nobody_else():
    gate = (
        kiosk().tap(A).see(HEALTHY_C, 2500).tap(A).see(HEALTHY_C, 500).away().see(HEALTHY_C, 1500)
    )
    assert gate.answers == [("normal", "", A), ("normal", "", None)]
    gate = kiosk().tap(A).see(HEALTHY_C, 1500).tap(B).tap(A).away().see(HEALTHY_C, 1500)
    assert gate.answers == [("normal", "", A), ("normal", "", B)]
    # A person who left and comes back may tap again.
    gate = kiosk().tap(A).see(HEALTHY_C, 2500).away().tap(A).see(HEALTHY_C, 1500)
    assert gate.answers == [("normal", "", A), ("normal", "", A)]


def test_a_card_that_is_held_is_one_tap():
    gate = kiosk()
    for _ in range(8):
        gate.tap(A).away(HELD_MS - 100)
    gate.tap(A).see(HEALTHY_C, 1200).tap(A).see(HEALTHY_C, 300).tap(A).away(500).tap(A)
    assert gate.away(2000).see(HEALTHY_C, 1500).answers == [("normal", "", A), ("normal", "", None)]
    assert gate.pairing.count == 1
    gate.tap(A)
    assert gate.pairing.count == 2  # after a pause it is another tap


def test_the_pause_after_which_a_card_is_another_tap():
    pairing = Pairing()
    assert pairing.card(0, A) and pairing.card(HELD_MS, A) is None
    assert pairing.card(2 * HELD_MS + 1, A) and pairing.count == 2


def test_a_retry_keeps_the_tap():
    gate = kiosk().tap(A).see(HEALTHY_C, 300).away(TAP_MS - 500).see(HEALTHY_C, 1500)
    assert gate.answers == [("retry", "short", A), ("normal", "", A)]
    gate = kiosk().tap(A).see(HEALTHY_C, 300).away(TAP_MS + 500).see(HEALTHY_C, 1500)
    assert gate.answers == [("retry", "short", A), ("normal", "", None)]


def test_a_confirm_keeps_the_tap_and_the_fever_spends_it():
    gate = kiosk().tap(A).see(FEVER_C, 4000).away().see(HEALTHY_C, 1500)
    assert gate.answers == [("retry", "confirm", A), ("fever", "", A), ("normal", "", None)]


def test_the_late_alarm_has_the_card_of_its_person_and_spends_it():
    gate = kiosk().tap(A).see(FEVER_C, 1000).away(7000)
    assert gate.answers == [("retry", "confirm", A), ("fever", "unconfirmed", A)]
    assert gate.see(HEALTHY_C, 1500).answers[2:] == [("normal", "", None)]


def test_somebody_else_with_a_card_does_not_clear_a_first_positive():
    """37.25 °C right after 37.70 °C: by temperature alone both scans may be of one person."""
    positive_c, next_c = 36.1, 35.85
    gate = kiosk().tap(A).see(positive_c, 1000).away(1500).see(next_c, 1500)
    assert gate.answers == [("retry", "confirm", A), ("normal", "", A)]
    for gap_ms in (1500, 0):  # even if the view was never empty in between
        gate = kiosk().tap(A).see(positive_c, 1000).tap(B).away(gap_ms).see(next_c, 2500)
        assert gate.answers == [
            ("retry", "confirm", A),
            ("fever", "unconfirmed", A),
            ("normal", "", B),
        ]


def test_a_different_person_by_temperature_does_not_get_the_first_ones_card():
    gate = kiosk().tap(A).see(FEVER_C, 1000).away(1500).see(HEALTHY_C, 1500)
    assert gate.answers == [
        ("retry", "confirm", A),
        ("fever", "unconfirmed", A),
        ("normal", "", None),
    ]


def test_a_poor_scan_of_somebody_else_raises_the_alarm_too():
    gate = kiosk().tap(A).see(FEVER_C, 1000).tap(B).away(1500).see(HEALTHY_C, 300).away(300)
    assert gate.answers[1:] == [("fever", "unconfirmed", A), ("retry", "short", B)]


def test_who_lingers_does_not_take_the_next_persons_tap():
    gate = kiosk().tap(A).see(HEALTHY_C, 3000).tap(B).see(HEALTHY_C, 4000)
    assert gate.answers == [("normal", "", A)] and len(gate.scans) == 2
    assert gate.away(1000).see(HEALTHY_C, 1500).answers[1:] == [("normal", "", B)]


def test_a_sensor_that_fails_keeps_the_tap():
    gate = kiosk().tap(A).see(HEALTHY_C, 300)
    judgement = next(iter(gate.decision.fail(gate.now_ms)))
    gate.answers = [(judgement.reason, judgement.scan and judgement.scan.card)]
    assert gate.answers == [("sensor", gate.pairing.tap)] and gate.pairing.count == 1
    gate.answers = []
    assert gate.away(1000).see(HEALTHY_C, 1500).answers == [("normal", "", A)]


def test_a_power_cut_keeps_the_card_of_a_first_positive():
    gate = kiosk().tap(A).see(FEVER_C, 1000)
    gate.decision.remember()
    for name in FILES[:1]:
        for slot in (".a", ".b"):
            if name + slot in os.listdir():
                assert os.stat(name + slot)[6] <= 128  # LittleFS's metadata log
                with open(name + slot, "rb") as file:
                    assert A not in file.read()
    stored = SafeFile(FILES[0]).read()
    assert isinstance(stored, list) and len(stored[1]) == 9  # older firmware accepts no more
    judgement = Kiosk().decision.left_over
    assert judgement is not None
    assert (judgement.verdict, judgement.scan.card) == ("fever", "0011223344556677-1-1")
    erased()
    gate = Kiosk().away().see(FEVER_C, 1000)
    gate.decision.remember()
    judgement = Kiosk().decision.left_over
    assert judgement is not None and judgement.scan.card is None


class Chance:
    """Pseudo-random numbers, the same under CPython and MicroPython."""

    def __init__(self, seed):
        self._state = seed * 7919 + 1

    def below(self, most):
        self._state = (self._state * 1103515245 + 12345) % (1 << 31)
        return (self._state >> 12) % most


def test_whatever_people_do_each_reading_has_the_card_that_the_rule_gives_it():
    with_card = 0
    for seed in range(60):
        with_card += a_crowd(Chance(seed))
    assert with_card > 300


class Crowd(Kiosk):
    """A kiosk that logs each event as a tuple (time in ms, kind, ...). The rule is applied to this
    log afterwards."""

    def __init__(self):
        Kiosk.__init__(self)
        self.log = []

    def tap(self, number):
        tap = self.pairing.card(self.now_ms, number)
        if tap:
            tap.kept = "0011223344556677-1-%d" % tap.count
            self.log.append((self.now_ms, "tap", tap.count))
        return self

    def note(self, judgements):
        for judgement in judgements:
            tap = judgement.scan.card
            kind = "late" if judgement.reason == "unconfirmed" else "scan"
            count = tap and tap.count
            self.log.append((self.now_ms, kind, count, judgement.verdict))
            if judgement.verdict == "retry":
                self.decision.scan.ask_again()

    def see(self, object_c, ms):
        for _ in range(ms // 100):
            self.now_ms += 100
            before = self.decision.scan.scanning
            judgements = self.decision.sample(self.now_ms, object_c, EMPTY_C)
            if self.decision.scan.scanning and not before:
                self.log.append((self.now_ms, "began"))
            self.note(judgements)
        return self


def a_crowd(chance):
    """Play people and taps in any order; return how many readings had a card."""
    erased()
    crowd = Crowd()
    crowd.away()
    for _ in range(40):
        if chance.below(2):
            crowd.tap((A, B, C)[chance.below(3)])
        choice = chance.below(8)
        if choice < 3:
            crowd.away(HELD_MS + 100 + chance.below(50) * 100)
        elif choice < 4:
            crowd.note(crowd.decision.fail(crowd.now_ms))
            crowd.away(HELD_MS + 100)
        else:
            skin_c = (HEALTHY_C, HEALTHY_C, FEVER_C, 35.85)[chance.below(4)]
            crowd.see(skin_c, HELD_MS + 100 + chance.below(30) * 100)
    crowd.away(20_000)
    assert crowd.decision.screening.pending is None
    return as_the_rule_says(crowd.log)


def as_the_rule_says(log):
    last = since = None  # the valid tap, and when (ms) its time began
    spent = []
    cards = 0
    for event in log:
        now_ms, kind = event[:2]
        if kind == "tap":
            last, since = event[2], now_ms
        elif kind == "began":
            if last is not None and now_ms - since > TAP_MS:
                last = None
        else:
            count, verdict = event[2:]
            cards += count is not None
            if kind == "scan":
                assert count == last, event
            if verdict != "retry" and count is not None:
                assert count not in spent, event
                spent.append(count)
            if count == last:
                last, since = (last, now_ms) if verdict == "retry" else (None, None)
    return cards
