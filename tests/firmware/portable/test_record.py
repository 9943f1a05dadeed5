"""A reading without a card is packed into forty bytes."""

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
    fields = dict(VALUES)
    fields.update(values)
    return fields


def test_what_is_kept_is_what_was_measured():
    data = record.pack(VALUES)
    assert len(data) == record.SIZE
    fields = record.unpack(data)
    assert sorted(fields) == sorted(VALUES)
    for name in record.TEMPERATURES:
        assert abs(fields[name] - VALUES[name]) < 1e-4
    for name in VALUES:
        if name not in record.TEMPERATURES:
            assert fields[name] == VALUES[name]


def test_a_scan_without_a_temperature_or_a_time_is_kept_as_such():
    empty = changed(at=None, object_c=None, ambient_c=None, skin_c=None, body_c=None)
    fields = record.unpack(record.pack(empty))
    for name in ("at", "object_c", "ambient_c", "skin_c", "body_c"):
        assert fields[name] is None


def test_what_is_too_large_for_its_place_is_kept_at_its_limit():
    fields = record.unpack(record.pack(changed(object_c=999.0, samples=400, queued=1_000_000)))
    assert fields["object_c"] > 550 and fields["samples"] == 255 and fields["queued"] == 65535


def test_every_verdict_and_reason_comes_back():
    for verdict in record.VERDICTS:
        for reason in record.REASONS:
            data = record.pack(changed(verdict=verdict, reason=reason))
            fields = record.unpack(data)
            assert (fields["verdict"], fields["reason"]) == (verdict, reason)
            assert record.fever_of(data) == (verdict == "fever")
            assert record.seq_of(data) == 70_000


def test_the_first_layout_is_still_read():
    import binascii

    # As a kiosk without cards has always written it.
    data = binascii.unhexlify(
        "017011010000f2052a010000d2496bf0343e2249358935a23504278b092c03204e000c03d85a3b20"
    )
    assert data == record.pack(VALUES) and not record.carded(data)
    assert record.unpack(data)["seq"] == 70_000


def test_a_sealed_card_and_the_permit_come_back():
    from kiosk.card_record import PERMITS

    for who in ("00112233445566ff", "0000000000000000", None):
        for permit in PERMITS:
            data = record.pack(changed(who=who, permit=permit))
            assert len(data) == record.CARD_SIZE and record.sound(data) and record.carded(data)
            fields = record.unpack(data)
            assert (fields.get("who"), fields.get("permit")) == (who, permit)
            assert None not in (fields.get("who", ""), fields.get("permit", ""))  # no field is None
            assert record.seq_of(data) == 70_000 and not record.fever_of(data)
            fields.pop("who", None)
            fields.pop("permit", None)
            assert fields == record.unpack(record.pack(VALUES))
    assert record.fever_of(record.pack(changed(who=None, verdict="fever")))


def test_neither_layout_is_taken_for_the_other():
    import binascii

    for values, size in ((VALUES, record.CARD_SIZE), (changed(who=None), record.SIZE)):
        body = (record.pack(values) + bytes(9))[: size - 4]
        assert not record.sound(body + binascii.crc32(body).to_bytes(4, "little"))


def test_a_changed_byte_is_seen():
    for data in (record.pack(VALUES), record.pack(changed(who="0123456789abcdef", permit="ask"))):
        one_byte_changed(data)


def one_byte_changed(data):
    for index in range(len(data)):
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
    screens = {"idle", "warm", "normal", "fever", "lens", "low", "ask", "stop"}
    for reason in words_in("en"):
        if reason not in screens:
            record.pack(changed(reason=reason))
