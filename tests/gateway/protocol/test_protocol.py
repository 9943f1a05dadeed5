"""Messages from an untrusted network are read if they are valid, and refused with a reason if
not."""

import json
from contextlib import nullcontext, suppress
from typing import Any

import msgspec
import pytest
from campus_site import delivery, fever
from hypothesis import given
from hypothesis import strategies as st
from samples import AT, reading

from fevergate.errors import MessageError
from fevergate.protocol.alarm_messages import AlarmState
from fevergate.protocol.campus_messages import Delivery, StruckSpan
from fevergate.protocol.lamp_answer import DARK, TEST, answer
from fevergate.protocol.messages import (
    MAX_MS,
    MAX_PAYLOAD,
    CardPermit,
    CardTapped,
    Health,
    Reading,
    Stored,
    Verdict,
    decode,
    encode,
)
from fevergate.protocol.topics import Topic, parse_topic
from fevergate.protocol.visible_text import HIDDEN

TEMPERATURE = st.none() | st.floats(-100, 400)


@given(
    st.builds(
        Reading,
        kiosk=st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True),
        boot=st.integers(0, 2**31 - 1),
        seq=st.integers(1, 2**31 - 1),
        at=st.none() | st.floats(1_577_836_800, 4_102_444_800),
        up_ms=st.integers(0, MAX_MS),
        verdict=st.sampled_from(Verdict),
        body_c=TEMPERATURE,
        object_c=TEMPERATURE,
        reason=st.from_regex(r"[ -~]{0,64}", fullmatch=True),
        who=st.none() | st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
        permit=st.sampled_from((None, "enter", "ask", "stop", "unknown", "late")),
    )
)
def test_a_reading_survives_the_wire(message):
    assert decode(encode(message), Reading) == message


@given(st.text(max_size=100))
def test_texts_about_people_and_places_reach_the_campus_without_invisible_characters(text):
    span = {"begin": AT, "end": AT, "at": AT, "by": text[:64], "reason": text, "people": 0}
    count = {"kiosk": "north-1", "gate": "north", "struck": [span]}
    head = {"kiosk": "north-1", "boot": 1, "seq": 1, "revision": 1, "at": AT}
    document = {
        "campus": "east",
        "gateway": "east",
        "items": [
            {"type": "gateway_day", "date": "2026-11-01", "revision": 1, "kiosks": [count]},
            {"type": "fever", "gate": "north", "acknowledged_by": text, **head},
            {"type": "follow_up", "person": text[:64], "unit": text[:64], **head},
        ],
        "names": {"gates": {"north": [text[:32], ""]}, "kiosks": {"north-1": ["", text[:32]]}},
    }
    received: Any = msgspec.json.decode(json.dumps(document), type=Delivery)
    day, fever_, follow_up = received.items
    struck = day.kiosks[0].struck[0]
    texts = [struck.by, struck.reason, fever_.acknowledged_by, follow_up.person, follow_up.unit]
    texts += [received.names.gates["north"][0], received.names.kiosks["north-1"][1]]
    assert all(len(part) == len(text[:most]) for part, most in zip(texts, MOST, strict=True))
    assert not HIDDEN.search("".join(texts))


MOST = (64, 100, 64, 64, 64, 32, 32)


@given(st.binary(max_size=2000))
def test_any_bytes_are_either_valid_or_refused_with_a_reason(payload):
    for kind in (Reading, Health, Stored, CardTapped, CardPermit):
        try:
            decode(payload, kind)
        except MessageError as error:
            assert error.reason


@given(st.text(max_size=200))
def test_any_topic_is_either_parsed_or_refused(topic):
    with suppress(MessageError):
        assert str(parse_topic(topic)) == topic


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"seq": 0}, "seq"),
        ({"who": "0123456789abcde"}, "who"),
        ({"who": "0123456789abcdef0"}, "who"),
        ({"who": "0123456789ABCDEF"}, "who"),
        ({"who": 81985529216486895}, "who"),
        ({"permit": "perhaps"}, "permit"),
        ({"kiosk": "North 1"}, "kiosk"),
        ({"kiosk": "../../etc"}, "kiosk"),
        ({"verdict": "maybe"}, "verdict"),
        ({"at": 5}, "at"),
        ({"body_c": 1037.55}, "body_c"),
        ({"body_c": "37"}, "body_c"),
        ({"up_ms": -1}, "up_ms"),
        ({"v": 2}, "v"),
        ({"boot": 2**40}, "boot"),
        ({"fw": "x" * 65}, "fw"),
        ({"fw": "\u6d4b"}, "fw"),
    ],
)
def test_a_wrong_field_is_named(change, field):
    payload = json.dumps(json.loads(encode(reading())) | change).encode()
    with pytest.raises(MessageError, match=rf"\$\.{field}"):
        decode(payload, Reading)


def test_a_newer_kiosks_extra_fields_are_ignored():
    payload = json.dumps(json.loads(encode(reading())) | {"humidity": 40}).encode()
    assert decode(payload, Reading) == reading()


def test_a_payload_beyond_the_limit_is_refused_unread():
    with pytest.raises(MessageError, match="at most 1024"):
        decode(b" " * (MAX_PAYLOAD + 1), Reading)


def test_a_payload_at_the_limit_is_taken():
    assert decode(encode(reading()).ljust(MAX_PAYLOAD), Reading) == reading()


def test_nesting_without_end_is_refused():
    with pytest.raises(MessageError, match="not UTF-8 JSON"):
        decode(b'{"x":'.ljust(MAX_PAYLOAD, b"["), Reading)


def test_a_delivery_beyond_the_limit_is_refused():
    for count, valid in ((500, True), (501, False)):
        payload = encode(delivery(*(fever(seq) for seq in range(1, count + 1))))
        with nullcontext() if valid else pytest.raises(msgspec.ValidationError, match="items"):
            msgspec.json.decode(payload, type=Delivery)


def test_hours_that_were_struck_twice_are_two_strikes():
    first, second = (
        StruckSpan(begin=AT, end=AT + 3600, at=AT + later_s, by="Li", reason="a test")
        for later_s in (7200, 9000)
    )
    assert first.key != second.key


@pytest.mark.parametrize(
    ("state", "amber", "expected"),
    [
        ("clear", (TEST + "red",), "begun"),
        ("raised", (), "red"),
        ("raised", (DARK + "no pins",), "red"),
        ("clear", (DARK + "no pins",), "dark"),
        ("clear", ("north-1: silent",), None),
    ],
)
def test_a_gate_answers_a_lamp_test(state, amber, expected):
    assert answer(AlarmState(gate="north", state=state, since=AT, amber=amber)) == expected
    assert answer(None) is None


def test_a_topic_is_parsed_into_its_parts_and_any_other_is_refused():
    assert parse_topic("fevergate/v1/east/north-1/settings/applied") == Topic(
        "east", "north-1", "settings/applied"
    )
    for topic in ("", "fevergate/v2/a/b/reading", "fevergate/v1/a/b", "fevergate/v1/A/b/reading"):
        with pytest.raises(MessageError):
            parse_topic(topic)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (CardTapped, b""),
        (CardTapped, b'{"v":1,"boot":1,"tap":1}'),
        (CardTapped, b'{"v":1,"boot":1,"tap":-1,"who":"0123456789abcdef"}'),
        (CardTapped, b'{"v":1,"boot":-1,"tap":1,"who":"0123456789abcdef"}'),
        (CardTapped, b'{"v":1,"boot":1,"tap":1,"who":"0123456789abcdef\\n"}'),
        (CardTapped, b'{"v":2,"boot":1,"tap":1,"who":"0123456789abcdef"}'),
        (CardPermit, b'{"v":1,"boot":1,"tap":1,"permit":"late"}'),
    ],
)
def test_a_tap_or_its_answer_with_a_wrong_field_is_refused(kind, payload):
    with pytest.raises(MessageError):
        decode(payload, kind)
