"""Something on the lens, or only a cold morning."""

from kiosk.lens import SCANS, Lens


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
