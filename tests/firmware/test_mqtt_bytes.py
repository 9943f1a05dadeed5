"""Whatever bytes a broker sends, however they are cut: messages arrive whole and in order, or the
connection ends."""

from firmware.portable.test_mqtt import CONNACK, SUBACK, Line, message
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk import mqtt

topics = st.text(max_size=12).filter(lambda text: len(text.encode()) < 40)
messages = st.tuples(topics, st.binary(max_size=200), st.integers(1, 65535), st.integers(0, 1))


def cut(data, sizes):
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    pieces.append(data[at:])
    return [piece or None for piece in pieces]


@settings(max_examples=400, deadline=None)
@given(sent=st.lists(messages, max_size=8), sizes=st.lists(st.integers(1, 150), max_size=30))
def test_messages_arrive_whole_in_order_and_are_acknowledged(sent, sizes):
    line = Line(buffer_bytes=128).up()
    data = b"".join(message(topic, body, number, qos) for topic, body, number, qos in sent)
    line.says(*cut(data, sizes))
    for _ in range(40):
        line.client.handle()
    fits = [packet for packet in sent if len(message(*packet)) <= 128]
    assert not line.fell()
    assert line.messages == [(topic, body) for topic, body, _, _ in fits]
    assert line.client.oversized == len(sent) - len(fits)
    acks = [b"\x40\x02" + number.to_bytes(2, "big") for _, _, number, qos in sent if qos]
    assert line.stream.take() == b"".join(acks)


@settings(max_examples=600, deadline=None)
@given(
    garbage=st.lists(st.binary(max_size=60) | st.just(SUBACK) | st.just(CONNACK), max_size=6),
    up=st.booleans(),
    sizes=st.lists(st.integers(1, 40), max_size=10),
)
def test_garbage_ends_the_connection_or_waits_for_more_and_the_next_one_works(garbage, up, sizes):
    line = Line()
    if up:
        line.up()
    else:
        line.client.connect()
    line.says(*cut(b"".join(garbage), sizes))
    assert line.client.state in (mqtt._OPENING, mqtt._GREETING, mqtt.UP, mqtt.FAILED)
    assert line.client._have <= 128 and len(line.client._acks) < 2000
    line.up()
    line.says(message("t/stored", b"{}", 1))
    assert line.messages[-1] == ("t/stored", b"{}")


@settings(max_examples=300, deadline=None)
@given(
    texts=st.lists(st.text(max_size=300), min_size=1, max_size=6),
    takes=st.integers(1, 50),
)
def test_published_bytes_are_read_back_as_the_standard_says(texts, takes):
    line = Line().up()
    line.stream.takes = takes
    for text in texts:
        assert line.client.publish("t/reading", text)
    for _ in range(2000):
        line.client.handle()
    data, read = line.stream.take(), []
    while data:
        assert data[0] == 0x32
        length = shift = used = 0
        while True:
            used += 1
            length |= (data[used] & 0x7F) << shift
            shift += 7
            if data[used] < 0x80:
                break
        body, data = data[used + 1 : used + 1 + length], data[used + 1 + length :]
        size = int.from_bytes(body[:2], "big")
        read.append((body[2 : 2 + size], body[4 + size :]))
    assert read == [(b"t/reading", text.encode()) for text in texts]
