"""Verifies RSA signatures with SHA-256: RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.2).

MicroPython has no public-key functions, but its long integers suffice. The whole padded block is
compared and never parsed, which excludes forgeries by lax parsing.
"""

import asyncio
import binascii
import hashlib

_BITS_MIN = 2048
_BITS_MAX = 4096
_EXPONENT_SQUARINGS = 16  # 65537 = 2 ** 16 + 1
# DigestInfo of SHA-256: RFC 8017, section 9.2, note 1.
_PREFIX = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"


async def verified(modulus, signature, message):
    """Whether `signature` (base64) of `message` (bytes) is valid for the key with `modulus`
    (base64) and exponent 65537.

    Other tasks run between the squarings, which together take a board some hundred ms.
    """
    try:
        key = binascii.a2b_base64(modulus)
        signed = binascii.a2b_base64(signature)
    except ValueError:
        return False
    size = len(key)
    if len(signed) != size or not _BITS_MIN <= size * 8 <= _BITS_MAX or not key[0]:
        return False
    n = int.from_bytes(key, "big")
    base = int.from_bytes(signed, "big")
    if base >= n:
        return False
    power = base
    for _ in range(_EXPONENT_SQUARINGS):
        power = power * power % n
        await asyncio.sleep(0)
    digest = _PREFIX + hashlib.sha256(message).digest()
    block = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
    return power * base % n == int.from_bytes(block, "big")
