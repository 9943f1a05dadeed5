"""Something on the lens, or only a cold morning."""

from kiosk.lens import _FORGET_MS, SCANS, Lens


def told(*reasons):
    lens = Lens()
    for reason in reasons:
        lens.judged(reason)
    return lens.blocked


def test_face_after_face_too_cold_for_skin_is_a_blocked_lens():
    assert not told(*["far"] * (SCANS - 1))
    assert told(*["far"] * SCANS)


def test_poor_scans_between_do_not_hide_it():
    assert told(*["far", "short", "moving"] * SCANS)


def test_one_face_that_reads_as_skin_ends_it():
    for reason in ("", "cold", "confirm", "hot"):
        assert not told(*["far"] * SCANS + [reason])
        assert not told(*["far"] * (SCANS - 1) + [reason] + ["far"] * (SCANS - 1))


def test_a_frosty_morning_is_no_blocked_lens():
    assert not told(*["cold"] * 3 * SCANS)


def looked(lens, rises, step_ms=100, now_ms=0):
    for rise_c in rises:
        lens.look(now_ms, rise_c)
        now_ms += step_ms
    return now_ms


def test_people_behind_a_film_are_glimpsed_and_a_passer_by_is_not():
    standing, passing = [0.0] * 20 + [0.7] * 30, [0.0] * 20 + [0.7] * 6
    lens = Lens()
    now_ms = looked(lens, standing * (SCANS - 1))
    assert not lens.blocked
    looked(lens, standing, now_ms=now_ms)
    assert lens.blocked
    lens.judged("")
    assert not lens.blocked
    lens = Lens()
    looked(lens, passing * 5 * SCANS)
    assert not lens.blocked


def test_a_warmer_wall_is_one_glimpse_and_a_scan_is_none():
    lens = Lens()
    looked(lens, [0.0] + [0.7] * 100 * SCANS)
    looked(lens, ([0.7] * 9 + [None]) * 5 * SCANS)
    assert not lens.blocked


def test_a_guard_on_his_rounds_is_no_dirt():
    lens = Lens()
    now_ms = 0
    for _ in range(5 * SCANS):
        looked(lens, [0.0] * 5 + [0.7] * 30, now_ms=now_ms)
        now_ms += _FORGET_MS + 60_000
    assert not lens.blocked
