"""Binary record of a reading for the flash: 40 bytes with a CRC-32, a fifth as long as its JSON.

Temperatures are stored as hundredths of a degree above -100 °C; messages resolve no more.
Pure: no I/O.
"""

import binascii
import struct

from kiosk import screening

SIZE = 40
_FORMAT = "<BIIHI6HBBHHBBB"
_LAYOUT = 1  # first byte of a record; a firmware with another layout must still read this one
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
    """The record of a reading's fields, named as in the protocol; `at` and temperatures may be
    None. Raises `ValueError` for a verdict or reason that is not listed here."""
    up_ms = values["up_ms"]
    code = VERDICTS.index(values["verdict"]) << 6 | REASONS.index(values["reason"])
    body = struct.pack(
        _FORMAT,
        _LAYOUT,
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
    return body + struct.pack("<I", binascii.crc32(body))


def unpack(data):
    """The fields of a record. Raises `ValueError` where it is torn or of another layout."""
    if not sound(data):
        raise ValueError("not a record")
    fields = struct.unpack(_FORMAT, data[:-4])
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
    return values


def sound(data):
    """Whether the bytes are a whole record of this layout, with the right CRC."""
    if len(data) != SIZE or data[0] != _LAYOUT:
        return False
    return binascii.crc32(data[:-4]) == struct.unpack_from("<I", data, SIZE - 4)[0]


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
