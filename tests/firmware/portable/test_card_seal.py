"""A card number on the wire and on flash can be read only with the kiosk's key."""

import binascii

from kiosk.card_seal import KEPT, READING, TAP, hmac, seal, sealed_hex

KEY = bytes(range(32))
NUMBER = b"\0\0\0\0\x6b\x3d\x12\xd6"


def test_the_mask_is_an_hmac():
    # RFC 4231, test case 2.
    digest = binascii.hexlify(hmac(b"Jefe", b"what do ya want for nothing?"))
    assert digest == b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_what_is_sealed_opens_with_the_same_key_label_boot_and_count_alone():
    sealed = seal(KEY, READING, 7, 12, NUMBER)
    assert seal(KEY, READING, 7, 12, sealed) == NUMBER
    others = [seal(KEY, TAP, 7, 12, NUMBER), seal(KEY, KEPT, 7, 12, NUMBER)]
    others += [seal(KEY, READING, 8, 12, NUMBER), seal(KEY, READING, 7, 13, NUMBER)]
    others += [seal(bytes(32), READING, 7, 12, NUMBER), seal(KEY, READING, 12, 7, NUMBER)]
    numbers = [sealed, NUMBER]
    for number in others:
        assert number not in numbers
        numbers.append(number)


def test_a_message_has_the_sealed_number_in_16_digits():
    mask = hmac(KEY, b"who" + b"\0\0\0\x07" + b"\0\0\0\x0c")
    expected = bytes([mask[index] ^ NUMBER[index] for index in range(8)])
    assert sealed_hex(KEY, READING, 7, 12, NUMBER) == binascii.hexlify(expected).decode()
    largest = (1 << 32) - 1
    assert len(sealed_hex(KEY, READING, largest, largest, NUMBER)) == 16
