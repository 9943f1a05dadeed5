"""Seals card numbers, so that a card looks different each time it is sent or stored. Pure.

A number is XORed with 8 bytes of an HMAC-SHA256, keyed with the kiosk's card key, over a label, the
boot number and a count within that boot. No combination of label, boot and count may seal two
numbers. Source: RFC 2104.
"""

import binascii
import hashlib

READING = b"who"  # label for a reading; its count is the sequence number
TAP = b"tap"  # label for a tap; its count is the tap's number since boot
KEPT = b"own"  # label for a tap on the kiosk's own flash; the same count

_BLOCK = 64  # bytes of a block of SHA-256


def hmac(key, message):
    """HMAC-SHA256 of `message`; `key` has at most 64 bytes."""
    key = key + bytes(_BLOCK - len(key))
    inner = hashlib.sha256(bytes([byte ^ 0x36 for byte in key]) + message).digest()
    return hashlib.sha256(bytes([byte ^ 0x5C for byte in key]) + inner).digest()


def seal(key, label, boot, count, number):
    """Seal a number of 8 bytes, or open a sealed one; `boot` and `count` are below 2^32."""
    mask = hmac(key, label + boot.to_bytes(4, "big") + count.to_bytes(4, "big"))
    return bytes([mask[index] ^ number[index] for index in range(8)])


def sealed_hex(key, label, boot, count, number):
    """Seal a number as `seal` does; returns 16 hex digits, the form used in messages."""
    return binascii.hexlify(seal(key, label, boot, count, number)).decode()
