"""A name server's right answers are taken; all others are ignored."""

import struct

from kiosk.address import is_address
from kiosk.dns import _RECORDS_MAX, parse, query, question

ASKED = question("gateway.campus.example")
ADDRESS = b"\x0a\x00\x00\x07"


def record(kind=1, data=ADDRESS, owner=b"\xc0\x0c", group=1):
    return owner + struct.pack(">HHIH", kind, group, 60, len(data)) + data


def packet(*records, number=7, flags=0x8180, asked=ASKED, questions=1):
    head = struct.pack(">HHHHHH", number, flags, questions, len(records), 0, 0)
    return head + asked + b"".join(records)


def test_a_question_is_written_as_the_rfc_has_it():
    assert query(7, question("a.bc")) == (
        b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x02bc\x00\x00\x01\x00\x01"
    )
    assert question("a.bc.") == question("a.bc")


def test_an_impossible_name_is_refused():
    for name in ("", ".", "a..b", "x" * 64, "a." * 127 + "toolong"):
        try:
            question(name)
            raise AssertionError(name)
        except ValueError:
            pass


def test_an_address_is_taken_also_behind_an_alias_and_in_other_letters():
    assert parse(packet(record()), 7, ASKED) == "10.0.0.7"
    alias = record(5, b"\x03srv\xc0\x0c")
    assert parse(packet(alias, record(owner=b"\x03srv\xc0\x0c")), 7, ASKED) == "10.0.0.7"
    asked = ASKED.replace(b"campus", b"CaMpUs")
    assert parse(packet(record(), asked=asked), 7, ASKED) == "10.0.0.7"
    assert parse(packet(record(group=0x8001)), 7, ASKED) == "10.0.0.7"  # multicast


def test_no_such_name_and_another_kind_of_address_are_no_address():
    assert parse(packet(flags=0x8183), 7, ASKED) == ""
    assert parse(packet(record(28, bytes(16))), 7, ASKED) == ""


def test_what_is_no_answer_to_this_question_is_passed_over():
    for other in (
        packet(record(), number=8),
        packet(record(), flags=0x0100),  # a question
        packet(record(), flags=0x8182),  # the server failed
        packet(record(), flags=0xA180),  # another operation
        packet(record(), questions=2),
        packet(record(), asked=question("gateway.campus.elsewhere")),
        b"",
        packet(record())[:-1],
        packet(record())[:20],
    ):
        assert parse(other, 7, ASKED) is None, other


def test_a_name_that_points_at_itself_ends():
    at = 12 + len(ASKED)
    pointer = struct.pack(">H", 0xC000 | at)
    assert parse(packet(record(owner=pointer)), 7, ASKED) == "10.0.0.7"
    assert parse(packet(record(owner=b"\x80" * 40)), 7, ASKED) is None
    many = [record(5, b"\x00")] * _RECORDS_MAX
    assert parse(packet(record(), *many), 7, ASKED) == "10.0.0.7"
    assert parse(packet(*many, record()), 7, ASKED) == ""


def test_numbers_are_told_from_names():
    assert is_address("10.0.0.7") and is_address("255.255.255.255")
    for text in ("10.0.0", "10.0.0.256", "10.0.0.x", "10.0.0.0007", "gateway", "", "1.2.3.4."):
        assert not is_address(text)
