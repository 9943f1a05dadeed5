"""Non-blocking MQTT 3.1.1 client: QoS 1 in both directions, clean session.

Source: OASIS MQTT Version 3.1.1; section numbers are in brackets. Nothing is resent within a
connection, because TCP does that [4.4]. A missing acknowledgement ends the connection; the sender
(the outbox) sends again on the next connection.
"""

import time

from kiosk.errors import MqttError

# States of a client.
_OFF = 0
_OPENING = 1  # TCP and TLS handshake
_GREETING = 2  # CONNECT is sent, CONNACK has not come
UP = 3
FAILED = 4

_QUEUE = 20  # packets that wait to be sent
_IN_FLIGHT = 40  # packets not yet acknowledged
_ACKS_MAX = 64  # bytes of unsent acknowledgements; above this nothing more is read
_ACK_MS = 10_000  # limit for connecting, CONNACK, PINGRESP, and for any byte to be sent
_PUBACK_MS = 40_000  # limit for PUBACK and SUBACK
_AT_ONCE = 1024  # bytes per read
_CHECK_MS = 500

_REFUSALS = (
    "accepted",
    "unacceptable protocol version",
    "identifier rejected",
    "server unavailable",
    "bad username or password",
    "not authorized",
)


class Client:
    """Client of one broker: `connect` starts a connection, `handle` continues it without blocking.

    `connector()` returns a `transport.Connector`; `hello` is a `connect_packet`; `topics` are
    subscribed to with QoS 1; `buffer_bytes` limits a message together with its topic. `state` is
    `UP` once the broker has accepted the connection, `FAILED` after an error (`last_error`).
    """

    def __init__(self, connector, hello, topics, keep_alive_s, buffer_bytes):
        self._new_connector = connector
        self._hello = hello
        self._topics = topics
        self._ping_ms = keep_alive_s * 500
        self._buffer = memoryview(bytearray(buffer_bytes))
        self._connector = None
        self._stream = None
        self.state = _OFF
        self._handling = False
        self.last_error = None
        self.refusal = 0
        """CONNACK's return code where the broker refused us, else 0 [3.2.2.3]."""
        self.oversized = 0
        """Number of messages that were too long for the buffer: acknowledged and dropped."""
        self.on_connect = lambda: None
        self.on_message = lambda topic, payload: None

    def connect(self):
        """Open a new connection; closes the one before."""
        self.close()
        self._have = 0  # bytes in the buffer
        self._skip = 0  # bytes still to come of a message that does not fit
        self._acks = b""
        self._part = b""  # rest of the packet that is being sent
        self._out = []
        self._in_flight = {}  # packet identifier: when it was sent (ticks)
        self._number = 0
        self._subscribing = 0
        self._pinged = False
        now = time.ticks_ms()
        self._since = now  # when the state began, or the last PINGREQ was sent
        self._moved = now  # when last a byte was sent, or nothing waited to be sent
        self._checked = now
        self._connector = self._new_connector()
        self.state = _OPENING

    def close(self, error=None):
        """Close the connection; with an error the state is `FAILED`."""
        stream, connector = self._stream, self._connector
        self._stream = self._connector = None
        try:
            if stream:
                if self.state == UP and error is None:
                    stream.write(b"\xe0\x00")  # DISCONNECT, so that no last will is sent [3.14]
                stream.close()
            elif connector:
                connector.cancel()
        except OSError:
            pass  # already closed by the other side
        if error is not None:
            self.last_error = error
        self.state = _OFF if error is None else FAILED

    def publish(self, topic, payload, retain=False, qos=1):
        """Queue a message (str or bytes) with QoS 1 or 0; returns False while offline or where the
        queue is full."""
        if self.state != UP or len(self._out) >= _QUEUE or len(self._in_flight) >= _IN_FLIGHT:
            return False
        if not qos:
            self._out.append(_packet(0x30, _text(topic) + _bytes(payload)))
            return True
        number = self._next()
        body = _text(topic) + number.to_bytes(2, "big") + _bytes(payload)
        self._out.append(_packet(0x33 if retain else 0x32, body))
        return True

    def handle(self):
        """Read, dispatch and send what is possible without blocking; call it often.

        Closes the connection on an error. Does nothing when called from `on_message` or
        `on_connect`, while the buffer is being parsed.
        """
        if self._handling:
            return
        self._handling = True
        try:
            now = time.ticks_ms()
            if self.state == _OPENING:
                self._open(self._connector, now)
            if self.state in (_GREETING, UP):
                self._read(self._stream)
                self._write(self._stream, now)
            if time.ticks_diff(now, self._checked) >= _CHECK_MS and self.state != _OFF:
                self._checked = now
                self._check(now)
        except Exception as error:  # hostile bytes end the connection, never the task
            self.close(error)
        finally:
            self._handling = False

    def _open(self, connector, now):
        connector.tick(now)
        if connector.state == "failed":
            raise MqttError("no connection: %s" % connector.last_error)
        if connector.state == "ready":
            self._stream = connector.socket
            self._part = self._hello
            self._since = self._moved = now
            self.state = _GREETING

    def _check(self, now):
        """Send a ping when it is due. Raises `MqttError` where a time limit has passed."""
        waited_ms = time.ticks_diff(now, self._since)
        if self.state in (_OPENING, _GREETING):
            if waited_ms > _ACK_MS:
                raise MqttError("timed out: no answer")
        elif self.state == UP:
            if self._pinged and waited_ms > _ACK_MS:
                raise MqttError("no answer to a ping")
            if time.ticks_diff(now, self._moved) > _ACK_MS:
                raise MqttError("nothing goes out")
            for since in self._in_flight.values():
                if time.ticks_diff(now, since) > _PUBACK_MS:
                    raise MqttError("not acknowledged in time")
            if waited_ms >= self._ping_ms:
                self._pinged = True
                self._since = now
                self._out.append(b"\xc0\x00")  # PINGREQ [3.12]

    def _read(self, stream):
        if len(self._acks) > _ACKS_MAX:
            return
        have = self._have
        room = min(len(self._buffer) - have, _AT_ONCE)
        if self._skip:
            room = min(room, self._skip)
        count = stream.readinto(self._buffer[have : have + room])
        if count is None:
            return
        if not count:
            raise MqttError("the broker closed the connection")
        if self._skip:
            self._skip -= count
            return
        have += count
        used = self._dispatch(have)
        # An incomplete packet moves to the front of the buffer.
        self._buffer[: have - used] = self._buffer[used:have]
        self._have = have - used

    def _dispatch(self, have):
        """Handle all complete packets in the buffer; returns their length in bytes."""
        buffer = self._buffer
        at = 0
        while have - at >= 2:
            start = at + 1
            length = shift = 0
            while True:  # [2.2.3]
                if start == have:
                    return at
                length |= (buffer[start] & 0x7F) << shift
                shift += 7
                start += 1
                if buffer[start - 1] < 0x80:
                    break
                if shift > 21:
                    raise MqttError("remaining length above 4 bytes")
            end = start + length
            if end - at > len(buffer):
                if not self._drop(at, start, have):
                    return at
                self._skip = end - have
                return have
            if end > have:
                return at
            self._take(buffer[at], buffer[start:end])
            if self.state not in (_GREETING, UP):
                return have
            at = end
        return at

    def _drop(self, at, start, have):
        """Acknowledge a message that does not fit, so that the broker does not resend it; returns
        False where its packet identifier has not arrived yet."""
        buffer = self._buffer
        if buffer[at] >> 4 != 3 or self.state != UP:
            raise MqttError("a packet of type %d that is too long" % (buffer[at] >> 4))
        if have - start < 2:
            return False
        number_at = start + 2 + (buffer[start] << 8 | buffer[start + 1])
        if number_at + 2 - at > len(buffer):
            raise MqttError("a topic that is too long")
        if have < number_at + 2:
            return False
        if buffer[at] & 6:
            self._acks += b"\x40\x02" + bytes(buffer[number_at : number_at + 2])
        self.oversized += 1
        return True

    def _take(self, first, body):
        """Handle one packet. Raises `MqttError` for one that a broker must not send."""
        kind = first >> 4
        size = len(body)
        if self.state == _GREETING:
            if kind != 2 or size != 2:
                raise MqttError("expected CONNACK, got type %d" % kind)
            self._greeted(body[1])
        elif kind == 3:
            self._message(first >> 1 & 3, body)
        elif kind == 4 and size == 2:  # PUBACK
            self._in_flight.pop(body[0] << 8 | body[1], None)
        elif kind == 9 and size >= 3:  # SUBACK [3.9]
            if self._subscribing != body[0] << 8 | body[1] or size != 2 + len(self._topics):
                raise MqttError("an unexpected SUBACK")
            if any(code & 0x80 for code in body[2:]):
                raise MqttError("the broker refused a subscription")
            self._in_flight.pop(self._subscribing, None)
            self._subscribing = 0
        elif kind == 13 and not size:  # PINGRESP
            self._pinged = False
        else:
            raise MqttError("a packet of type %d, %d bytes" % (kind, size))

    def _greeted(self, code):
        if code:
            self.refusal = code
            words = _REFUSALS[code] if code < len(_REFUSALS) else "code %d" % code
            raise MqttError("broker rejected CONNECT: %s" % words)
        self.refusal = 0
        self.state = UP
        self._since = time.ticks_ms()
        if self._topics:
            self._subscribing = self._next()
            body = self._subscribing.to_bytes(2, "big")
            for topic in self._topics:
                body += _text(topic) + b"\x01"
            self._out.append(_packet(0x82, body))
        self.on_connect()

    def _message(self, qos, body):
        """Handle a PUBLISH packet [3.3]."""
        number_at = 2 + (body[0] << 8 | body[1]) if len(body) >= 2 else 0
        payload_at = number_at + (2 if qos else 0)
        if qos > 1 or not number_at or payload_at > len(body):
            raise MqttError("a malformed PUBLISH")
        self.on_message(bytes(body[2:number_at]).decode(), bytes(body[payload_at:]))
        if qos:
            self._acks += b"\x40\x02" + bytes(body[number_at:payload_at])

    def _write(self, stream, now):
        """Make at most two writes, each of one packet or of all acknowledgements; with more, a scan
        would have to wait."""
        for _ in range(2):
            if not self._part:
                if self._acks:
                    self._part, self._acks = self._acks, b""
                elif self._out:
                    self._part = self._out.pop(0)
                else:
                    self._moved = now
                    return
            sent = stream.write(self._part)
            if not sent:
                return
            self._moved = now
            self._part = self._part[sent:]
            if self._part:
                return

    def _next(self):
        """Reserve a packet identifier that is not in flight [2.3.1]."""
        while True:
            self._number = self._number % 65535 + 1
            if self._number not in self._in_flight:
                self._in_flight[self._number] = time.ticks_ms()
                return self._number


def connect_packet(client_id, username, password, keep_alive_s, will=()):
    """A CONNECT packet [3.1] with a clean session; `will` is () or (topic, message), which the
    broker publishes retained with QoS 1 when the connection is lost."""
    body = b"\x00\x04MQTT\x04" + (b"\xee" if will else b"\xc2") + keep_alive_s.to_bytes(2, "big")
    for field in (client_id,) + will + (username, password):
        body += _text(field)
    return _packet(0x10, body)


def _packet(first, body):
    head = bytearray((first,))
    left = len(body)
    while True:
        head.append(left & 0x7F | (0x80 if left > 0x7F else 0))
        left >>= 7
        if not left:
            return bytes(head) + body


def _text(value):
    """A string as UTF-8, after its length in bytes [1.5.3]."""
    data = _bytes(value)
    return len(data).to_bytes(2, "big") + data


def _bytes(value):
    return value.encode() if isinstance(value, str) else value
