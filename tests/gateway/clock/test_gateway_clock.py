"""The gateway believes a time only for a reason, and each of its doubts ends."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import AT

from fevergate.clock import machine
from fevergate.clock.judge import (
    AGREED_S,
    AHEAD_S,
    DOUBT_S,
    KNOWN_PAST,
    LEAP_S,
    PAST_S,
    Correction,
    GatewayClock,
)
from fevergate.clock.machine import kernel_synchronised
from fevergate.clock.votes import KioskVotes

DAY_S = 86_400.0
END = AT + 400 * DAY_S


class Pi:
    """A machine whose clock is set at will; `run` starts its gateway."""

    def __init__(self, utc=AT, last=None, ends: float | None = END, doubted_s=0.0):
        self.utc, self.up_s = utc, 100.0
        self.synchronised = False
        self.ends = ends
        self.run(last, doubted_s)

    def run(self, last, doubted_s=0.0):
        self.clock = GatewayClock(
            last,
            doubted_s=doubted_s,
            utc=lambda: self.utc,
            monotonic=lambda: self.up_s,
            synchronised=lambda: self.synchronised,
            certificate_end=lambda: self.ends,
        )

    def after(self, s, step_s=60.0, kiosk_off_s=None):
        """Let `s` seconds pass in steps of `step_s` and return the clock's state. After each step
        a kiosk says its date, `kiosk_off_s` ahead of the machine; None: no kiosk says any."""
        state = self.clock.state()
        while s > 0:
            elapsed_s = min(s, step_s)
            self.utc += elapsed_s
            self.up_s += elapsed_s
            s -= elapsed_s
            if kiosk_off_s is not None:
                self.clock.count_vote("north-1", self.utc + kiosk_off_s)
            state = self.clock.state()
        return state


def test_a_first_start_believes_its_clock_and_tells_it():
    clock = Pi().clock
    assert clock.believed and clock.can_be_sent and clock.now() == AT


@pytest.mark.parametrize("utc", [0.0, 946_684_800.0, KNOWN_PAST - 7200.0])
def test_a_clock_that_was_never_set_is_not_believed_and_goes_on_from_what_can_be(utc):
    pi = Pi(utc)
    assert not pi.clock.believed and not pi.clock.can_be_sent
    assert pi.after(3600).at == KNOWN_PAST + 3600
    pi.utc, pi.synchronised = AT, True
    assert pi.clock.believed and pi.clock.now() == AT
    (correction,) = pi.clock.corrections()
    assert correction == Correction(KNOWN_PAST, KNOWN_PAST + 3600, AT - KNOWN_PAST - 3600)


def test_a_clock_that_leaps_while_it_runs_is_not_followed_and_what_is_dated_stays_right():
    pi = Pi()
    pi.after(3600)
    pi.utc += 2 * DAY_S
    state = pi.after(3 * 3600)
    assert (state.believed, state.why, state.at) == (False, "ahead", AT + 4 * 3600)
    pi.utc -= 2 * DAY_S
    assert pi.after(60).believed
    assert pi.clock.now() == AT + 4 * 3600 + 60
    assert not pi.clock.corrections()


def test_a_clock_that_is_set_back_is_believed_down_to_the_last_time_of_an_earlier_run():
    for back_s, believed in ((3600, True), (4230, True), (4290, False), (7200, False)):
        pi = Pi(last=AT - 600)
        pi.after(3600)
        pi.utc -= back_s
        assert pi.clock.believed is believed, back_s


def test_a_clock_that_is_set_back_before_it_can_have_been_set_is_not_followed():
    pi = Pi(KNOWN_PAST + 10)
    pi.utc -= 30
    state = pi.clock.state()
    assert (state.believed, state.at) == (False, KNOWN_PAST + 10)


def test_network_time_soon_after_the_start_is_believed_at_once():
    pi = Pi()
    pi.up_s += 5
    pi.utc, pi.synchronised = AT + 605, True
    assert pi.clock.state().why == "synchronised"


@pytest.mark.parametrize(
    ("after_s", "corrections"), [(3600, [Correction(AT, AT + 3600, 600)]), (3660, [])]
)
def test_a_step_forward_corrects_only_what_was_dated_since_a_recent_start(after_s, corrections):
    pi = Pi()
    pi.after(after_s)
    pi.utc, pi.synchronised = pi.utc + 600, True
    pi.after(60)
    assert pi.clock.corrections() == corrections


def test_a_second_step_corrects_nothing_that_the_first_has_corrected():
    pi = Pi()
    for _ in range(2):
        pi.after(1800)
        pi.utc, pi.synchronised = pi.utc + 600, True
        assert pi.clock.believed
    assert pi.clock.corrections() == [
        Correction(AT, AT + 1800, 600),
        Correction(AT + 2400, AT + 4200, 600),
    ]


def test_a_step_back_corrects_what_was_dated_ahead_of_the_right_time():
    pi = Pi()
    pi.after(1800)
    pi.utc, pi.synchronised = AT + 1200, True
    assert pi.clock.corrections() == [Correction(AT + 1260, AT + 1800, -600)]


def test_network_time_is_believed_wherever_it_leaps():
    pi = Pi()
    pi.after(3600)
    pi.utc += 40 * DAY_S
    pi.synchronised = True
    assert pi.after(60).why == "synchronised"


def test_a_summers_pause_ends_with_three_hours_of_kiosks_that_agree():
    pi = Pi(last=AT - LEAP_S - 10 * DAY_S)
    state = pi.clock.state()
    assert not state.believed and state.at == AT  # no better time is known
    assert not pi.after(AGREED_S - 120, kiosk_off_s=1.0).believed
    assert pi.after(300, kiosk_off_s=1.0).why == "agreed"
    assert not pi.clock.corrections(), "what was dated meanwhile was dated right"


def test_kiosks_that_contradict_or_that_we_told_confirm_nothing():
    pi = Pi(last=AT - LEAP_S - 10 * DAY_S)
    assert not pi.after(AGREED_S + 600, kiosk_off_s=DAY_S).believed
    pi.clock.told("north-1")
    assert not pi.after(AGREED_S + 600, kiosk_off_s=0.0).believed


def test_a_silent_hour_among_the_three_counts_for_nothing():
    pi = Pi(last=AT - LEAP_S - 10 * DAY_S)
    pi.after(60, kiosk_off_s=0.0)
    assert not pi.after(AGREED_S + 3600).believed
    assert not pi.after(60, kiosk_off_s=0.0).believed


def test_where_as_many_kiosks_agree_as_contradict_nothing_is_agreed():
    pi = Pi(last=AT - LEAP_S - 10 * DAY_S)
    for _ in range(int(AGREED_S // 60) + 10):
        pi.clock.count_vote("south-1", pi.utc + DAY_S)
        pi.after(60, kiosk_off_s=0.0)
    assert not pi.clock.believed


def test_kiosks_that_agreed_before_a_leap_do_not_confirm_the_leap():
    pi = Pi()
    assert pi.after(AGREED_S + 600, kiosk_off_s=0.0).believed
    pi.utc += 2 * DAY_S
    assert not pi.clock.believed
    assert not pi.after(AGREED_S - 120, kiosk_off_s=0.0).believed
    assert pi.after(300, kiosk_off_s=0.0).why == "agreed"


def test_a_doubt_ends_after_a_day_of_running_though_it_is_switched_off_each_night():
    pi = Pi(last=AT - LEAP_S - 10 * DAY_S)
    doubted_s = days = 0
    while not pi.after(10 * 3600, 600).believed:
        doubted_s = pi.clock.state().doubted_s
        days += 1
        pi.utc += 14 * 3600
        pi.run(AT - LEAP_S - 10 * DAY_S, doubted_s)
    assert days == 2 and doubted_s <= DOUBT_S


def test_each_doubt_has_its_own_day():
    pi = Pi(last=AT + 2 * DAY_S, doubted_s=DOUBT_S - 3600)
    assert not pi.clock.believed
    pi.synchronised = True
    assert pi.after(60).believed
    pi.synchronised = False
    pi.utc += 2 * DAY_S
    assert not pi.after(7200).believed


def test_a_persons_word_ends_a_doubt():
    pi = Pi(last=AT + 2 * DAY_S)
    assert pi.clock.state().why == "back"
    pi.clock.confirm()
    state = pi.clock.state()
    assert (state.why, state.at) == ("confirmed", AT)
    pi.utc += 2 * DAY_S
    assert not pi.clock.believed  # the person confirmed another time


def test_a_persons_word_that_was_not_needed_says_nothing_of_a_later_leap():
    pi = Pi()
    pi.clock.confirm()
    pi.after(60)
    pi.utc += 2 * DAY_S
    assert not pi.clock.believed


@pytest.mark.parametrize("pause_s", [120, 5 * 3600])
def test_a_clock_that_is_behind_goes_on_from_the_last_time_and_is_corrected(pause_s):
    last = AT + 14 * 3600
    pi = Pi(last=last)
    assert pi.after(600).at == last + 600
    pi.utc, pi.synchronised = last + pause_s + 600, True
    assert pi.clock.now() == pi.utc
    assert pi.clock.corrections() == [Correction(last, last + 600, pause_s)]


def test_what_an_earlier_run_dated_ahead_is_corrected_once_network_time_is_back():
    pi = Pi(last=AT + 2 * DAY_S)
    pi.synchronised = True
    pi.after(60)
    (correction,) = pi.clock.corrections()
    assert correction.delta == pytest.approx(-2 * DAY_S, abs=61)
    assert correction.begin == AT + 120 and correction.end >= AT + 2 * DAY_S
    assert not pi.clock.corrections()


def test_a_start_half_an_hour_behind_the_last_time_is_believed_and_moves_nothing():
    clock = Pi(last=AT + 1800).clock
    assert clock.believed and not clock.corrections()


def test_a_clock_beyond_its_certificate_goes_on_from_the_last_time():
    state = Pi(utc=END + DAY_S, last=AT).after(60)
    assert (state.why, state.at) == ("ahead", AT + 60)


def test_a_store_that_opens_again_takes_nothing_from_a_doubt():
    pi = Pi(last=AT + 2 * DAY_S)
    pi.clock.recall(AT + 2 * DAY_S, 5000.0)
    pi.clock.recall(AT + 2 * DAY_S, 0.0)
    assert pi.clock.state().doubted_s == 5000.0


def test_an_impossible_last_time_raises_no_doubt():
    pi = Pi(last=END + 70 * 365 * DAY_S)
    assert pi.clock.believed and pi.clock.can_be_sent


def test_beyond_its_certificate_a_gateway_tells_nobody_but_dates_by_network_time():
    pi = Pi(utc=END + DAY_S, last=END - DAY_S)
    pi.synchronised = True
    pi.after(60)
    assert pi.clock.believed and not pi.clock.can_be_sent


def test_a_date_ahead_or_very_old_is_not_believed():
    clock = Pi().clock
    for off_s, believed in (
        (0, True),
        (AHEAD_S - 1, True),
        (AHEAD_S + 1, False),
        (2 * DAY_S, False),
        (-30 * DAY_S, True),
        (-PAST_S - 1, False),
    ):
        assert clock.is_plausible(AT + off_s, AT) is believed, off_s


def test_a_gateway_that_doubts_itself_believes_its_kiosks_up_to_the_certificates_end():
    clock = Pi(utc=0.0).clock
    now = clock.now()
    assert clock.is_plausible(AT, now)
    assert not clock.is_plausible(END + 1, now)
    clock = Pi(utc=0.0, ends=None).clock
    assert clock.is_plausible(now + PAST_S - 60, now)
    assert not clock.is_plausible(now + PAST_S + 60, now)


@given(
    st.lists(
        st.tuples(st.floats(-5e8, 5e8), st.booleans(), st.floats(1, 40_000)), min_size=1, max_size=8
    )
)
def test_whatever_a_clock_does_its_time_is_plausible_and_every_doubt_ends(steps):
    pi = Pi()
    for jump_s, synchronised, run_s in steps:
        pi.utc += jump_s
        pi.synchronised = synchronised
        state = pi.after(run_s, 3600)
        assert state.at >= KNOWN_PAST
    pi.utc = max(pi.utc, KNOWN_PAST)
    assert pi.after(DOUBT_S + 7200, 1800).believed


def test_the_kernel_says_whether_its_clock_is_synchronised_or_nothing(monkeypatch, tmp_path):
    assert kernel_synchronised() in (True, False, None)
    monkeypatch.setattr(machine, "SYNCHRONISED_FLAG", tmp_path)
    assert kernel_synchronised() is True


@pytest.mark.parametrize(
    ("state", "expected"), [(0, True), (4, True), (5, False), (-1, None), (None, None)]
)
def test_what_the_kernel_answers_is_taken_as_adjtimex_means_it(
    monkeypatch, tmp_path, state, expected
):
    monkeypatch.setattr(machine, "SYNCHRONISED_FLAG", tmp_path / "none")
    library = SimpleNamespace() if state is None else SimpleNamespace(ntp_gettime=lambda _: state)
    monkeypatch.setattr(machine.ctypes, "CDLL", lambda *_, **__: library)
    assert kernel_synchronised() is expected


def test_however_many_vote_each_may_change_its_vote():
    votes = KioskVotes()
    for number in range(1001):
        votes.says(f"kiosk-{number}", 0.0, 0.0)
    assert votes.agreed_s(60.0) == 60.0
    for number in range(500):
        votes.says(f"kiosk-{number}", 61.0, DAY_S)
    assert votes.agreed_s(62.0) == 0.0


def test_a_clock_of_1970_takes_nothing_of_an_earlier_run_for_its_own():
    pi = Pi(utc=1000.0)
    pi.up_s += 2
    pi.utc += 2
    pi.clock.recall(AT)  # the store opens after the start
    pi.clock.recall(AT)  # and is read again once it can be written
    assert pi.clock.now() == AT + 2
    pi.after(600)
    pi.utc, pi.synchronised = AT + 9 * 3600, True
    assert pi.clock.corrections() == [
        Correction(KNOWN_PAST, KNOWN_PAST + 2, AT - KNOWN_PAST),
        Correction(AT, AT + 602, 9 * 3600 - 602),
    ]
