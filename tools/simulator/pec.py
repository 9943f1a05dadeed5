"""SMBus packet error code of the virtual sensor; written apart from the firmware's, to test it."""


def _row(byte: int) -> int:
    for _ in range(8):
        byte = (byte << 1) ^ (0x107 if byte & 0x80 else 0)
    return byte


_TABLE = tuple(_row(byte) for byte in range(256))


def pec(data: bytes) -> int:
    """CRC-8 over address bytes and data: polynomial x^8 + x^2 + x + 1, start 0 (SMBus 2.0)."""
    crc = 0
    for byte in data:
        crc = _TABLE[crc ^ byte]
    return crc
