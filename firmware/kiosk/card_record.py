"""The part of a record that holds the sealed card and the permit: 9 bytes. Pure: no I/O."""

import binascii

_HAS_CARD = 0x80
# Records hold the index in this tuple: only append.
PERMITS = (None, "enter", "ask", "stop", "unknown", "late")


def packed(values):
    """The 9 bytes of a reading's fields `who` (16 hex digits or None) and `permit`. Raises
    `ValueError` for a permit that is not in `PERMITS`."""
    permit = PERMITS.index(values.get("permit"))
    if values["who"] is None:
        return bytes(8) + bytes([permit])
    return binascii.unhexlify(values["who"]) + bytes([permit | _HAS_CARD])


def unpacked(data):
    """The fields `who` and `permit` in these bytes; a field that has no value is left out."""
    values = {}
    if data[8] & _HAS_CARD:
        values["who"] = binascii.hexlify(data[:8]).decode()
    permit = PERMITS[data[8] & ~_HAS_CARD]
    if permit:
        values["permit"] = permit
    return values
