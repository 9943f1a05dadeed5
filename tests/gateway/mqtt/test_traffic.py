"""Messages are handled whole and in order, wherever the network cuts the bytes into pieces."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from paho.mqtt.enums import _ConnectionState

from fevergate.mqtt import traffic as traffic_module
from fevergate.mqtt.read_buffer import Frame, ReadBuffer
from fevergate.mqtt.session import new_client
from fevergate.mqtt.traffic import ACKNOWLEDGED_SLICE, OUTGOING_SLICE, Traffic

TOPIC = "fevergate/v1/east/north-1/reading"
PINGRESP = bytes([0xD0, 0])
LONG = 20_000  # bytes: its length field takes three


def length_of(body):
    """Return the length field for `body` (MQTT 3.1.1, section 2.2.3)."""
    length, coded = len(body), b""
    while True:
        length, digit = divmod(length, 128)
        coded += bytes([digit | (0x80 if length else 0)])
        if not length:
            return coded


def publish(number, payload, qos, dup):
    topic = TOPIC.encode()
    body = len(topic).to_bytes(2, "big") + topic
    body += number.to_bytes(2, "big") * qos + payload
    return bytes([0x30 | dup << 3 | qos << 1]) + length_of(body) + body


HEAD = len(publish(1, b"y" * 133, 1, dup=False)) - 133
"""Bytes before the payload, if the length field takes two."""

INNER = 3 * publish(7, b"no message", 1, dup=False)
"""A payload that looks like separate messages if the network cuts right before it."""

messages = st.tuples(
    st.binary(max_size=300) | st.sampled_from([b"x" * LONG, b"y" * 133, INNER]),
    st.integers(0, 1),
    st.booleans(),
)
packets = st.lists(st.one_of(messages, st.just(PINGRESP)), max_size=12)
cuts = st.lists(st.integers(1, 2000), min_size=1, max_size=6)


class Wire:
    """Stands for `BufferedSocket`: each read gets as many bytes as the next of `cuts` says."""

    def __init__(self, data, cuts):
        self.ahead = ReadBuffer()
        self.sent = b""
        self._data, self._cuts, self._reads = data, cuts, 0

    def _read(self):
        size = self._cuts[self._reads % len(self._cuts)]
        self._reads += 1
        data, self._data = self._data[:size], self._data[size:]
        return data

    def read_ahead(self):
        self.ahead.fill(data := self._read())
        return bool(data)

    def recv(self, most):
        if not self.ahead and not self.read_ahead():
            raise BlockingIOError
        return self.ahead.take(most)

    def pending(self):
        return len(self.ahead)

    def send(self, data):
        self.sent += data
        return len(data)

    @property
    def through(self):
        return not self._data and not self.ahead

    def setblocking(self, _):
        """paho calls it when it ends the connection."""

    def close(self):
        """paho calls it when it ends the connection."""


def connected(wire, messages, urgent=lambda *_: True):
    """Return a connected client and its traffic, which appends each message to `messages`, urgent
    ones as soon as they are read. Unless `urgent` is given, all are urgent."""

    def take(topic, payload, done):
        messages.append((topic, payload))
        done()

    client = new_client("gateway", None, clean=True)
    client.on_socket_register_write = lambda *_: None
    client._sock = wire
    client._state = _ConnectionState.MQTT_CS_CONNECTED
    return client, Traffic(client, take, urgent, lambda: None)


@given(packets, cuts)
@example([(b"x" * LONG, 1, False), (b"y", 1, True)], [400])
@example([(b"", 1, False), PINGRESP, (b"", 0, False)], [1])
@example([(INNER, 1, False)], [HEAD])
@example([(b"y" * 100, 0, False)], [HEAD - 2, 1])
@example(9 * [(b"y" * 133, 1, False)], [2000])
@example([(b"y", 1, False)], [HEAD - 1])
def test_each_message_comes_once_whole_and_in_order_wherever_it_was_cut(packets, cuts):
    data, expected, numbers = b"", [], []
    for number, packet in enumerate(packets, 1):
        if packet is PINGRESP:
            data += packet
            continue
        payload, qos, dup = packet
        data += publish(number, payload, qos, dup and qos == 1)
        expected.append((TOPIC, payload))
        numbers += [number] * qos
    messages: list[tuple[str, bytes]] = []
    wire: Any = Wire(data, cuts)
    client, traffic = connected(wire, messages)
    while not wire.through:
        traffic.take(wire)
        assert client.socket() is wire
    traffic.take(wire)
    traffic.send(wire, everything=True)
    assert messages == expected
    assert wire.sent == b"".join(b"\x40\x02" + n.to_bytes(2, "big") for n in numbers)


sizes = st.sampled_from([0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])
"""Sizes around those at which the length field gets another byte."""


@given(st.integers(0, 0xFF), sizes, st.binary(max_size=3), st.integers(-3, 2))
@example(0x31, 2_097_152, b"", 0)
@example(0x3D, 127, PINGRESP, 2)
@example(0x30, 0, b"x", -2)  # nothing of the message was read
def test_a_message_is_taken_at_once_if_the_whole_of_it_was_read_and_no_other_packet_is(
    first, size, before, beyond
):
    body = bytes(size)
    packets = before + bytes([first]) + length_of(body) + body
    buffer = ReadBuffer()
    buffer.fill((packets + PINGRESP)[: len(packets) + beyond])
    buffer.take(len(before))
    frame = buffer.publication()
    is_message = first >> 4 == 3 and beyond >= 0
    assert frame == (Frame(first, body, len(packets)) if is_message else None)
    if frame:
        buffer.skip(frame)
        assert buffer.take(9) == PINGRESP[:beyond]


def test_a_packet_that_breaks_the_protocol_ends_the_connection_and_is_not_handled():
    no_topic = bytes([0x32, 4, 0, 0, 0, 1])
    too_short = bytes([0x32, 3, 0, 9, 65])
    length_of_five_bytes = bytes([0x32, 0x86, 0x80, 0x80, 0x80, 0, 0, 1, 65, 0, 1, 66])
    for broken in (no_topic, too_short, length_of_five_bytes):
        messages = []
        wire: Any = Wire(broken + publish(1, b"after", 1, dup=False), [400])
        client, traffic = connected(wire, messages)
        traffic.take(wire)
        assert client.socket() is None and not messages


def taken_in_one_read(packets, urgent=lambda *_: True):
    """Return the messages that were handled while they were read, the traffic, and its wire."""
    messages: list[tuple[str, bytes]] = []
    wire: Any = Wire(packets, [100_000])
    _, traffic = connected(wire, messages, urgent)
    traffic.take(wire)
    return messages, traffic, wire


def test_an_urgent_message_overtakes_earlier_ones_which_stay_in_order():
    texts = (b"a", b"b", b"fever", b"c")
    packets = b"".join(publish(n, text, 1, dup=False) for n, text in enumerate(texts, 1))
    messages, traffic, wire = taken_in_one_read(packets, lambda _, payload: payload == b"fever")
    assert [payload for _, payload in messages] == [b"fever"]
    traffic.handle(2)
    traffic.handle(2)
    assert [payload for _, payload in messages] == [b"fever", b"a", b"b", b"c"]
    traffic.send(wire, everything=True)
    assert list(wire.sent[3::4]) == [3, 1, 2, 4]


def test_reading_stops_at_the_limit_of_waiting_messages(monkeypatch):
    monkeypatch.setattr(traffic_module, "MAX_ARRIVED", 3)
    packets = b"".join(publish(n, b"x", 1, dup=False) for n in range(1, 9))
    _, traffic, wire = taken_in_one_read(packets, lambda *_: False)
    assert len(traffic.arrived) == 3
    traffic.handle(2)
    traffic.take(wire)
    assert len(traffic.arrived) == 3


def test_a_message_of_an_earlier_connection_is_not_acknowledged_on_this_one():
    _, traffic, wire = taken_in_one_read(publish(7, b"x", 1, dup=False))
    traffic.epoch += 1
    assert traffic.unsent
    traffic.send(wire, everything=False)
    assert not wire.sent and not traffic.unsent


def retained(topic):
    body = len(topic).to_bytes(2, "big") + topic.encode() + (5).to_bytes(2, "big") + b"x"
    return bytes([0x33]) + length_of(body) + body


def test_retained_messages_are_all_acknowledged_but_only_states_are_handled():
    alarm = "fevergate/v1/east/alarm/north"
    states = ("fevergate/v1/east/north-1/status", alarm, "$SYS/broker/publish/messages/dropped")
    events = (TOPIC, "fevergate/v1/east/north-1/health", f"{alarm}/acknowledge", f"{alarm}/test")
    messages, traffic, wire = taken_in_one_read(b"".join(map(retained, (*states, *events))))
    assert [topic for topic, _ in messages] == [*states]
    traffic.send(wire, everything=True)
    assert len(wire.sent) == 4 * 7 and traffic.retained == len(events)


def test_a_message_that_cannot_be_handled_does_not_hinder_the_next():
    wire: Any = Wire(publish(1, b"bad", 1, dup=False) + publish(2, b"good", 1, dup=False), [400])
    payloads = []

    def take(_, payload, done):
        if payload == b"bad":
            raise ValueError
        payloads.append(payload)
        done()

    _, traffic = connected(wire, payloads)
    traffic._message = take
    traffic.take(wire)
    traffic.send(wire, everything=True)
    assert payloads == [b"good"] and wire.sent == b"\x40\x02\x00\x02"


def test_few_messages_are_sent_at_a_time_the_oldest_first(monkeypatch):
    _, traffic, wire = taken_in_one_read(b"")
    sent = []
    monkeypatch.setattr(traffic._client, "publish", lambda topic, *_, **__: sent.append(topic))
    traffic.acknowledged.extend((0, number) for number in range(1, 100))
    traffic.outgoing.extend((str(number), b"", 0, False) for number in range(9))
    traffic.send(wire, everything=False)
    assert list(wire.sent[3::4]) == list(range(1, 1 + ACKNOWLEDGED_SLICE))
    assert sent == [str(number) for number in range(OUTGOING_SLICE)]
    traffic.send(wire, everything=True)
    assert len(wire.sent) == 4 * 99 and sent == [str(number) for number in range(9)]
    assert not traffic.unsent
