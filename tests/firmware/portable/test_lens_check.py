"""The lens check tells a blocked lens from a cold morning."""

from kiosk.sensor_checks import _FORGET_MS, BLOCKED_SCANS, LensCheck


def told(*reasons):
    lens = LensCheck()
    for reason in reasons:
        lens.judged(reason)
    return lens.blocked


def test_face_after_face_too_cold_for_skin_is_a_blocked_lens():
    assert not told(*["far"] * (BLOCKED_SCANS - 1))
    assert told(*["far"] * BLOCKED_SCANS)


def test_poor_scans_between_do_not_hide_it():
    assert told(*["far", "short", "moving"] * BLOCKED_SCANS)


def test_one_face_that_reads_as_skin_ends_it():
    for reason in ("", "cold", "confirm", "hot"):
        assert not told(*["far"] * BLOCKED_SCANS + [reason])
        assert not told(*["far"] * (BLOCKED_SCANS - 1) + [reason] + ["far"] * (BLOCKED_SCANS - 1))


def test_a_frosty_morning_is_no_blocked_lens():
    assert not told(*["cold"] * 3 * BLOCKED_SCANS)


def looked(lens, rises, step_ms=100, now_ms=0):
    for rise_c in rises:
        lens.look(now_ms, rise_c)
        now_ms += step_ms
    return now_ms


def test_people_behind_a_film_are_glimpsed_and_a_passer_by_is_not():
    standing, passing = [0.0] * 20 + [0.7] * 30, [0.0] * 20 + [0.7] * 6
    lens = LensCheck()
    now_ms = looked(lens, standing * (BLOCKED_SCANS - 1))
    assert not lens.blocked
    looked(lens, standing, now_ms=now_ms)
    assert lens.blocked
    lens.judged("")
    assert not lens.blocked
    lens = LensCheck()
    looked(lens, passing * 5 * BLOCKED_SCANS)
    assert not lens.blocked


def test_a_warmer_wall_is_one_glimpse_and_a_scan_is_none():
    lens = LensCheck()
    looked(lens, [0.0] + [0.7] * 100 * BLOCKED_SCANS)
    looked(lens, ([0.7] * 9 + [None]) * 5 * BLOCKED_SCANS)
    assert not lens.blocked


def test_a_guard_on_his_rounds_is_no_dirt():
    lens = LensCheck()
    now_ms = 0
    for _ in range(5 * BLOCKED_SCANS):
        looked(lens, [0.0] * 5 + [0.7] * 30, now_ms=now_ms)
        now_ms += _FORGET_MS + 60_000
    assert not lens.blocked
