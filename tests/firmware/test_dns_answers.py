"""Whatever bytes a name server sends, the kiosk goes on and believes only an answer to its own
question."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from kiosk.address import is_address
from kiosk.dns import parse, question
from simulator.dns_server import ServerBehaviour, answer_to, question_of

NAMES = st.lists(st.text("abcdefghijklmnopqrstuvwxyz-0123456789", min_size=1, max_size=12))
ADDRESSES = st.ip_addresses(v=4).map(str)


@st.composite
def answers(draw):
    """(number, question, packet): a right answer in which some bytes are changed."""
    name = ".".join(draw(NAMES.filter(bool).filter(lambda parts: len(parts) < 8)))
    asked = question(name)
    number = draw(st.integers(0, 0xFFFF))
    head = struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0)
    mood = draw(st.sampled_from(ServerBehaviour))
    packet = bytearray(answer_to(head + asked, draw(ADDRESSES), mood))
    for _ in range(draw(st.integers(0, 3))):
        packet[draw(st.integers(0, len(packet) - 1))] = draw(st.integers(0, 255))
    end = draw(st.integers(0, len(packet)) | st.just(len(packet)))
    return number, asked, bytes(packet[:end]) + draw(st.binary(max_size=20))


@given(answers())
def test_a_bent_answer_is_an_address_or_nothing(answer):
    number, asked, packet = answer
    address = parse(packet, number, asked)
    assert address is None or address == "" or is_address(address)
    if address is not None:
        assert struct.unpack_from(">H", packet)[0] == number


@given(st.integers(0, 0xFFFF), st.binary(max_size=300))
def test_parsing_ends_whatever_bytes_follow_the_question(number, rest):
    asked = question("gateway.campus.example")
    packet = struct.pack(">HHH", number, 0x8180, 1) + rest[:6].ljust(6, b"\xff") + asked + rest[6:]
    address = parse(packet, number, asked)
    assert address is None or address == "" or is_address(address)


@given(NAMES.filter(bool), ADDRESSES, st.integers(0, 0xFFFF))
def test_a_right_answer_is_understood_and_one_to_another_question_is_not(parts, address, number):
    name = ".".join(parts[:8])
    asked = question(name)
    query = struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + asked
    assert question_of(query)[0] == name
    assert parse(answer_to(query, address), number, asked) == address
    assert parse(answer_to(query, address, ServerBehaviour.LOOP), number, asked) == address
    assert parse(answer_to(query, None), number, asked) == ""
    assert parse(answer_to(query, address), number ^ 1, asked) is None
    assert parse(answer_to(query, address), number, question(name + ".x")) is None
