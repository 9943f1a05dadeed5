"""The kiosk's MQTT client: exact bytes, no blocking, and a broker that is slow, silent, hostile or
gone."""

from kiosk import mqtt

HELLO = mqtt.connect_packet("north-1", "user", "secret", 30, ("t/status", "offline"))
CONNACK = b"\x20\x02\x00\x00"
SUBACK = b"\x90\x04\x00\x01\x01\x01"
TOPICS = ["t/stored", "t/settings"]


class Clock:
    """Replaces `time`: the test moves its ticks, which wrap as a board's do."""

    now = (1 << 30) - 2000

    def ticks_ms(self):
        return self.now & (1 << 30) - 1

    def ticks_diff(self, end, start):
        return ((end - start + (1 << 29)) & ((1 << 30) - 1)) - (1 << 29)


class Stream:
    """The broker's end of a line: `inbox` is what the kiosk will read, `sent` what it wrote."""

    def __init__(self):
        self.inbox = []  # bytes: one read each; None: nothing yet; b"": the end
        self.sent = b""
        self.takes = 10_000  # at most so many bytes in one write
        self.closed = False

    def readinto(self, buffer):
        if not self.inbox:
            return None
        data = self.inbox.pop(0)
        if data is None:
            return None
        if len(data) > len(buffer):
            self.inbox.insert(0, data[len(buffer) :])
            data = data[: len(buffer)]
        buffer[: len(data)] = data
        return len(data)

    def write(self, data):
        part = bytes(data[: self.takes])
        self.sent += part
        return len(part) or None

    def close(self):
        self.closed = True

    def take(self):
        """Return the bytes sent since the last call."""
        sent, self.sent = self.sent, b""
        return sent


class Connector:
    """A connector that is ready at once, unless the test sets another state."""

    def __init__(self, stream):
        self.socket = stream
        self.state = "ready"
        self.last_error = None

    def tick(self, now_ms):
        pass

    def cancel(self):
        self.state = "failed"


class Line:
    """A client and its broker."""

    def __init__(self, topics=TOPICS, buffer_bytes=128):
        mqtt.time = self.clock = Clock()
        self.streams = []
        self.connectors = []
        self.messages = []
        self.ups = 0
        self.client = mqtt.Client(self._connector, HELLO, topics, 30, buffer_bytes)
        self.client.on_message = lambda topic, payload: self.messages.append((topic, payload))
        self.client.on_connect = self._up

    def _connector(self):
        self.streams.append(Stream())
        self.connectors.append(Connector(self.stream))
        return self.connector

    def _up(self):
        self.ups += 1

    @property
    def connector(self):
        return self.connectors[-1]

    @property
    def stream(self):
        return self.streams[-1]

    def up(self):
        """Connect until the broker has accepted the client and acknowledged its subscriptions."""
        self.client.connect()
        self.says(CONNACK)
        self.says(SUBACK)
        self.stream.take()
        return self

    def says(self, *pieces):
        """The broker sends pieces; the client takes each in a call of its own."""
        self.stream.inbox.extend(pieces)
        for _ in pieces:
            self.client.handle()
        self.client.handle()

    def fell(self):
        """Why the connection ended; "" while it lasts."""
        return str(self.client.last_error) if self.client.state == mqtt.FAILED else ""

    def after(self, ms):
        """Let time pass, with a call of the client every 100 ms."""
        for _ in range(ms // 100):
            self.clock.now += 100
            self.client.handle()


def message(topic, payload, number=0, qos=1):
    body = len(topic.encode()).to_bytes(2, "big") + topic.encode()
    body += (number.to_bytes(2, "big") if qos else b"") + payload
    return mqtt._packet(0x30 | qos << 1, body)


def test_connecting_and_subscribing_send_the_bytes_of_the_standard():
    line = Line()
    line.client.connect()
    assert line.client.state == mqtt._OPENING
    line.client.handle()
    assert line.client.state == mqtt._GREETING and line.ups == 0
    body = b"\x00\x04MQTT\x04\xee\x00\x1e" + b"\x00\x07north-1" + b"\x00\x08t/status"
    body += b"\x00\x07offline" + b"\x00\x04user" + b"\x00\x06secret"
    assert line.stream.take() == bytes((0x10, len(body))) + body
    line.says(CONNACK)
    assert line.client.state == mqtt.UP and line.ups == 1
    subscribe = b"\x00\x01" + b"\x00\x08t/stored\x01" + b"\x00\x0at/settings\x01"
    assert line.stream.take() == bytes((0x82, len(subscribe))) + subscribe
    line.says(SUBACK)
    assert not line.fell()


def test_without_a_last_will_the_flags_say_so():
    assert mqtt.connect_packet("a", "b", "c", 5)[9:12] == b"\xc2\x00\x05"


def test_a_message_is_sent_with_its_length_in_bytes_not_in_characters():
    line = Line().up()
    assert line.client.publish("t/reading", "校门", True)
    line.client.handle()
    body = b"\x00\x09t/reading\x00\x02" + "校门".encode()
    assert line.stream.take() == bytes((0x33, len(body))) + body
    long = "x" * 300
    assert line.client.publish("t", long)
    line.client.handle()
    assert line.stream.take() == b"\x32\xb1\x02" + b"\x00\x01t\x00\x03" + long.encode()


def test_a_line_that_takes_little_gets_every_byte_in_order():
    line = Line().up()
    line.stream.takes = 3
    for text in ("one", "two"):
        line.client.publish("t", text)
    line.client.handle()
    line.says(message("t/stored", b"{}", 9))
    for _ in range(30):
        line.client.handle()
    first, second = b"\x32\x08\x00\x01t\x00\x02one", b"\x32\x08\x00\x01t\x00\x03two"
    # The packet already begun is finished; then the acknowledgement precedes the next message.
    assert line.stream.take() == first + b"\x40\x02\x00\x09" + second


def test_each_call_sends_few_bytes_so_that_scanning_goes_on_between():
    line = Line().up()
    for _ in range(3):
        line.client.publish("t", "x")
    sizes = []
    for _ in range(3):
        line.client.handle()
        sizes.append(len(line.stream.take()))
    assert max(sizes) <= 2 * 8


def test_messages_come_whole_however_the_bytes_arrive():
    line = Line().up()
    data = message("t/stored", b"{1}", 7) + message("t/settings", "门".encode(), 300)
    data += message("t/stored", b"", 0, qos=0)
    messages = [("t/stored", b"{1}"), ("t/settings", "门".encode()), ("t/stored", b"")]
    for size in range(1, len(data) + 1):
        line.messages = []
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        line.says(*pieces)
        assert line.messages == messages, size
        assert line.stream.take() == b"\x40\x02\x00\x07\x40\x02\x01\x2c"


def test_a_message_that_does_not_fit_is_acknowledged_and_dropped():
    for size in (1, 7, 60, 500):
        line = Line().up()
        data = message("t/settings", b"z" * 400, 5) + message("t/stored", b"next", 6)
        line.says(*[data[at : at + size] for at in range(0, len(data), size)])
        for _ in range(10):
            line.client.handle()
        assert not line.fell()
        assert line.messages == [("t/stored", b"next")] and line.client.oversized == 1
        assert line.stream.take() == b"\x40\x02\x00\x05\x40\x02\x00\x06"


def test_what_no_broker_sends_ends_the_connection():
    for data in (
        b"\xf0\x00",
        b"\x20\x02\x00\x00",  # a second CONNACK
        b"\x32\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x30\x01\x00",  # no topic
        b"\x30\x04\x00\x09ab",  # a topic beyond the end
        b"\x32\x04\x00\x02ab",  # no number
        b"\x36\x06\x00\x02ab\x00\x01",  # QoS 3
        b"\x34\x06\x00\x02ab\x00\x01",  # QoS 2
        b"\x90\x04\x00\x07\x01\x01",  # an unexpected SUBACK
        b"\x40\x01\x00",
        b"\x32\xff\x7f\x7f\xff",  # a topic of 32 KB
        b"\x90\xff\x7f",  # a SUBACK of 16 KB
    ):
        line = Line().up()
        line.says(data)
        assert line.fell() and line.stream.closed, data


def test_no_other_packet_is_accepted_before_the_brokers_greeting():
    for data in (message("t/stored", b"{}", 1), b"\xd0\x00", b"\x20\x03\x00\x00\x00"):
        line = Line()
        line.client.connect()
        line.says(data)
        assert line.fell() and not line.messages


def test_a_refusal_is_told_in_words():
    line = Line()
    line.client.connect()
    line.says(b"\x20\x02\x00\x04")
    assert "bad username or password" in line.fell() and line.client.refusal == 4
    line.client.connect()
    line.says(b"\x20\x02\x00\x63")
    assert "code 99" in line.fell()
    assert line.ups == 0


def test_a_refused_subscription_is_no_connection():
    line = Line()
    line.client.connect()
    line.says(CONNACK)
    line.says(b"\x90\x04\x00\x01\x01\x80")
    assert "subscription" in line.fell()


def test_an_acknowledged_number_is_free_again_and_comes_round():
    line = Line().up()
    client = line.client
    client._number = 65533
    numbers = []
    for _ in range(4):
        assert client.publish("t", "")
        client.handle()
        sent = line.stream.take()
        numbers.append(sent[-2] << 8 | sent[-1])
        if len(numbers) != 3:
            line.says(b"\x40\x02" + sent[-2:])
    assert numbers == [65534, 65535, 1, 2]
    client._number = 65535
    client.publish("t", "")
    client.handle()
    assert line.stream.take()[-2:] == b"\x00\x02"  # 1 is still in flight
    line.says(b"\x40\x02\x12\x34")  # a repeat, for a number that is not in flight
    assert not line.fell()


def test_more_than_a_few_messages_are_not_taken():
    line = Line()
    assert not line.client.publish("t", "")  # not yet
    line.up()
    count = 0
    while line.client.publish("t", ""):
        count += 1
    assert count == mqtt._QUEUE
    for _ in range(100):
        line.client.handle()
        count += line.client.publish("t", "")
    assert count == mqtt._IN_FLIGHT


def test_a_broker_that_says_nothing_is_left():
    line = Line()
    line.client.connect()
    line.after(mqtt._ACK_MS - 500)
    assert not line.fell()
    line.after(1500)
    assert line.fell() == "timed out: no answer"

    line = Line().up()
    line.client.publish("t", "x")
    line.after(15_500)
    assert line.stream.sent.endswith(b"\xc0\x00")
    line.says(b"\xd0\x00")
    line.after(14_000)
    assert not line.fell()
    line.after(12_500)
    assert line.fell() == "no answer to a ping"


def test_a_message_that_is_never_acknowledged_ends_the_connection():
    line = Line().up()
    line.client.publish("t", "x")
    for _ in range(39):
        line.after(1000)
        line.says(b"\xd0\x00")
    assert not line.fell()
    line.after(2000)
    assert line.fell() == "not acknowledged in time"


def test_a_line_that_takes_nothing_is_left():
    line = Line().up()
    line.stream.takes = 0
    line.client.publish("t", "x")
    line.after(mqtt._ACK_MS + 1000)
    assert line.fell() == "nothing goes out"


def test_a_new_connection_keeps_nothing_of_the_one_that_ended():
    line = Line().up()
    line.client.publish("t", "old")
    line.says(message("t/stored", b"{}", 3)[:5])  # half a message
    line.says(b"")
    assert "closed" in line.fell() and line.streams[0].closed
    assert not line.client.publish("t", "lost")
    line.up()
    assert line.client.state == mqtt.UP and line.ups == 2
    line.says(message("t/stored", b"{2}", 3))
    assert line.messages == [("t/stored", b"{2}")]
    assert line.stream.take() == b"\x40\x02\x00\x03"


def test_a_connector_that_fails_or_hangs_is_told():
    line = Line()
    line.client.connect()
    line.connector.state = "failed"
    line.connector.last_error = "ECONNREFUSED"
    line.client.handle()
    assert line.fell() == "no connection: ECONNREFUSED"
    line.client.connect()
    line.connector.state = "awaiting_tcp"
    line.after(mqtt._ACK_MS + 1000)
    assert line.fell() == "timed out: no answer"


def test_whoever_leaves_in_peace_leaves_no_last_will():
    line = Line().up()
    line.client.close()
    assert line.stream.take() == b"\xe0\x00" and line.stream.closed
    assert line.client.state == mqtt._OFF
    line.client.handle()


def test_a_broker_that_floods_is_not_read_while_its_acknowledgements_wait():
    line = Line().up()
    line.stream.takes = 0
    packet = message("t/stored", b"{}", 1)
    for _ in range(400):
        line.stream.inbox.append(packet)
        line.client.handle()
    assert len(line.client._acks) <= mqtt._ACKS_MAX + 1024
    assert len(line.messages) < 100
    line.stream.takes = 1000
    for _ in range(1000):
        line.client.handle()
    assert len(line.messages) == 400 and line.stream.sent == b"\x40\x02\x00\x01" * 400


def test_an_answer_sent_while_a_message_is_handled_does_not_spoil_the_next_message():
    line = Line().up()
    took = []

    def answers(topic, payload):
        took.append((topic, payload))
        line.client.publish("t/answer", payload)
        line.client.handle()  # as the kiosk does when it answers a person

    line.client.on_message = answers
    two = message("t/settings", b"1", 7) + message("t/stored", b"2" * 9, 8)
    line.says(two, message("t/stored", b"333", 9))
    assert took == [("t/settings", b"1"), ("t/stored", b"2" * 9), ("t/stored", b"333")]
