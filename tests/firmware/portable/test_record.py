"""A reading in forty bytes."""

from kiosk import record

VALUES = {
    "seq": 70_000,
    "at": 1_800_000_000,
    "up_ms": 5_000_000_000,
    "object_c": 35.52,
    "ambient_c": -12.34,
    "skin_c": 36.41,
    "body_c": 37.05,
    "threshold_c": 37.3,
    "baseline_c": -0.12,
    "verdict": "retry",
    "reason": "unconfirmed",
    "samples": 9,
    "scan_ms": 812,
    "queued": 20_000,
    "fw": "0.12.3",
}


def changed(**values):
    one = dict(VALUES)
    one.update(values)
    return one


def test_what_is_kept_is_what_was_measured():
    data = record.pack(VALUES)
    assert len(data) == record.SIZE
    found = record.unpack(data)
    assert sorted(found) == sorted(VALUES)
    for name in record.TEMPERATURES:
        assert abs(found[name] - VALUES[name]) < 1e-4
    for name in VALUES:
        if name not in record.TEMPERATURES:
            assert found[name] == VALUES[name]


def test_a_scan_without_a_temperature_or_a_time_is_kept_as_such():
    nothing = changed(at=None, object_c=None, ambient_c=None, skin_c=None, body_c=None)
    found = record.unpack(record.pack(nothing))
    for name in ("at", "object_c", "ambient_c", "skin_c", "body_c"):
        assert found[name] is None


def test_what_is_too_large_for_its_place_is_kept_at_its_limit():
    found = record.unpack(record.pack(changed(object_c=999.0, samples=400, queued=1_000_000)))
    assert found["object_c"] > 550 and found["samples"] == 255 and found["queued"] == 65535


def test_every_verdict_and_reason_comes_back():
    for verdict in record.VERDICTS:
        for reason in record.REASONS:
            data = record.pack(changed(verdict=verdict, reason=reason))
            found = record.unpack(data)
            assert (found["verdict"], found["reason"]) == (verdict, reason)
            assert record.fever_of(data) == (verdict == "fever")
            assert record.seq_of(data) == 70_000


def test_a_changed_byte_is_seen():
    data = record.pack(VALUES)
    for index in range(record.SIZE):
        torn = bytearray(data)
        torn[index] ^= 0x10
        assert not record.sound(torn)
        try:
            record.unpack(torn)
        except ValueError:
            continue
        raise AssertionError("byte %d was not missed" % index)
    assert not record.sound(data[:-1]) and not record.sound(b"")


def test_whatever_the_kiosk_says_can_be_kept():
    from kiosk import VERSION
    from kiosk.words import words_in

    record.pack(changed(fw=VERSION))
    shown = {"idle", "warm", "normal", "fever", "lens", "low"}
    for reason in words_in("en"):
        if reason not in shown:
            record.pack(changed(reason=reason))
