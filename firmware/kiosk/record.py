"""Binary record of a reading for the flash: 40 bytes with a CRC-32, a fifth as long as its JSON.

A kiosk with a card reader writes another layout, of 49 bytes, which also holds the sealed card and
the permit. Firmware that does not know a layout leaves its files alone (see `segment`).

Temperatures are stored as hundredths of a degree above -100 °C, the resolution of messages.
Pure: no I/O.
"""

import binascii
import struct

from kiosk import screening

SIZE = 40
CARD_SIZE = 49
_FORMAT = "<BIIHI6HBBHHBBB"
_CARD_AT = 36  # offset of the sealed card and of the permit in the second layout
# First byte of a record; firmware with another layout must still read these layouts.
_LAYOUT = 1
_CARD_LAYOUT = 2
_NONE = 0xFFFF
_COLDEST_C = -100

VERDICTS = (screening.NORMAL, screening.FEVER, screening.RETRY)
# Records hold the index in this tuple: only append.
REASONS = (
    "",
    screening.SHORT,
    screening.MOVING,
    screening.FAR,
    screening.COLD,
    screening.HOT,
    screening.SENSOR,
    screening.WAIT,
    screening.ROOM,
    screening.CONFIRM,
    screening.REFERENCE,
    screening.UNCONFIRMED,
)
TEMPERATURES = ("object_c", "ambient_c", "skin_c", "body_c", "threshold_c", "baseline_c")


def pack(values):
    """Pack a reading's fields, named as in the protocol, into a record.

    `at` and temperatures may be None. With a field `who` (16 hex digits or None) the record has the
    second layout.

    Raises `ValueError` for a verdict, reason or permit that is not listed here.
    """
    up_ms = values["up_ms"]
    code = VERDICTS.index(values["verdict"]) << 6 | REASONS.index(values["reason"])
    body = struct.pack(
        _FORMAT,
        _CARD_LAYOUT if "who" in values else _LAYOUT,
        values["seq"],
        up_ms & 0xFFFFFFFF,
        up_ms >> 32,
        values["at"] or 0,
        *[_raw(values[name]) for name in TEMPERATURES],
        code,
        min(values["samples"], 255),
        min(values["scan_ms"], 65535),
        min(values["queued"], 65535),
        *[int(part) for part in values["fw"].split(".")],
    )
    if "who" in values:
        from kiosk.card_record import packed  # only with a reader: it takes memory

        body += packed(values)
    return body + struct.pack("<I", binascii.crc32(body))


def unpack(data):
    """The fields of a record; `who` and `permit` only in the second layout. Raises `ValueError`
    if the record is torn or has an unknown layout."""
    if not sound(data):
        raise ValueError("not a record")
    fields = struct.unpack(_FORMAT, data[:_CARD_AT])
    values = {
        "seq": fields[1],
        "up_ms": fields[2] | fields[3] << 32,
        "at": fields[4] or None,
        "verdict": VERDICTS[fields[11] >> 6],
        "reason": REASONS[fields[11] & 63],
        "samples": fields[12],
        "scan_ms": fields[13],
        "queued": fields[14],
        "fw": "%d.%d.%d" % fields[15:],
    }
    for index in range(6):
        values[TEMPERATURES[index]] = _degrees(fields[5 + index])
    if len(data) == CARD_SIZE:
        from kiosk.card_record import unpacked

        values.update(unpacked(data[_CARD_AT:]))
    return values


def sound(data):
    """Whether the bytes are a complete record with a correct CRC."""
    size = len(data)
    if not size or size != (CARD_SIZE if data[0] == _CARD_LAYOUT else SIZE):
        return False
    if not _LAYOUT <= data[0] <= _CARD_LAYOUT:
        return False
    return binascii.crc32(data[:-4]) == struct.unpack_from("<I", data, size - 4)[0]


def carded(data):
    """Whether a sound record has the second layout."""
    return data[0] == _CARD_LAYOUT


def seq_of(data):
    """The sequence number of a sound record."""
    return struct.unpack_from("<I", data, 1)[0]


def fever_of(data):
    """Whether a sound record is a fever."""
    return data[27] >> 6 == 1


def _raw(degrees):
    if degrees is None:
        return _NONE
    return max(0, min(_NONE - 1, round((degrees - _COLDEST_C) * 100)))


def _degrees(raw):
    return None if raw == _NONE else (raw + 100 * _COLDEST_C) / 100
