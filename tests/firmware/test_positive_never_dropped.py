"""In whatever order people, poor scans and pauses come, each first positive is alarmed for or
cleared exactly once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.baseline import BOUND_C, Baseline
from kiosk.estimate import SITES, body_c
from kiosk.screening import (
    _BODY_MIN_C,
    _LIMIT_C,
    _SAME_C,
    CONFIRM,
    CONFIRM_MS,
    FEVER,
    NORMAL,
    UNCONFIRMED,
    Screening,
)

scans = st.tuples(
    st.floats(27.0, 43.0),
    st.floats(10.0, 40.0),
    st.sampled_from(["", "", "", "short", "moving", "wait", "sensor"]),
    st.booleans(),
    st.integers(500, 90_000),
)


@settings(max_examples=1500, deadline=None)
@given(
    st.lists(scans, max_size=60),
    st.sampled_from(sorted(SITES)),
    st.integers(0, 3),
    st.floats(-BOUND_C, BOUND_C),
)
def test_a_positive_is_answered_for_once(people, name, confirm_scans, offset_c):
    site = SITES[name]
    kiosk = Screening(site, confirm_scans=confirm_scans, baseline=Baseline(offset_c))
    now_ms = 0
    asked = {}  # scan number: skin temperature (°C) of a positive that waits
    alarmed = set()
    settled = None
    for number, (skin_c, air_c, quality, stayed, after_ms) in enumerate(people):
        now_ms += after_ms
        late = kiosk.overdue(now_ms - 400)
        answers = ([late] if late else []) + kiosk.judge(
            now_ms,
            *((None, None) if quality == "sensor" else (skin_c, air_c)),
            quality,
            stayed,
            number,
        )
        if not answers or answers[-1].scan != number:
            # The visit has had its verdict: no second one, and no positive waits for an alarm.
            assert stayed and settled is not None and not kiosk.pending
            same_fever = settled.verdict == FEVER and skin_c < settled.skin_c + _SAME_C
            assert same_fever or body_c(skin_c, air_c, site) < _LIMIT_C
            assert [(alarm.verdict, alarm.reason) for alarm in answers] == [
                (FEVER, UNCONFIRMED) for _ in answers
            ]
            continue
        *before, answer = answers
        settled = answer if answer.verdict != "retry" else None
        for alarm in before:
            assert (alarm.verdict, alarm.reason) == (FEVER, UNCONFIRMED)
            assert asked.pop(alarm.scan) and alarm.scan not in alarmed
            alarmed.add(alarm.scan)
        if answer.verdict == FEVER:
            assert number not in alarmed
            alarmed.add(number)
            asked.clear()  # they agree: one alarm for one person
        elif answer.reason == CONFIRM:
            asked.clear()
            asked[number] = skin_c
        elif answer.verdict == NORMAL:
            for first_c in asked.values():
                assert stayed or abs(first_c - skin_c) < _SAME_C
            asked.clear()
        assert (kiosk.pending is not None) == bool(asked)
        factory_c = body_c(skin_c, air_c, site)
        if quality != "sensor":
            if answer.verdict == NORMAL:
                assert _BODY_MIN_C <= factory_c < _LIMIT_C and not quality
            if factory_c >= _LIMIT_C and skin_c <= 42:
                assert answer.verdict == FEVER or answer.reason == CONFIRM
        else:
            assert answer.verdict not in (NORMAL, FEVER)
        assert abs(kiosk.baseline.offset_c) <= BOUND_C
    late = kiosk.overdue(now_ms + CONFIRM_MS)
    assert (late is not None) == bool(asked)
    assert kiosk.pending is None
