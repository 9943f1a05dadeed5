"""Handles a connection's messages in both directions, a few at a time, so that an urgent message
never waits long."""

import logging
import re
import struct
from collections import deque
from collections.abc import Callable

import paho.mqtt.client as mqtt
from paho.mqtt._packet import decode_publish
from paho.mqtt.exception import MalformedPacket

from fevergate.mqtt.read_buffer import ReadBuffer
from fevergate.mqtt.session import MAX_QUEUED, Client
from fevergate.mqtt.tls import BufferedSocket

log = logging.getLogger(__name__)

BURST = 128
"""Packets read before acknowledgements and messages are written."""

MAX_ARRIVED = 2000
"""While this many messages wait to be handled (about 1 MB), no more are read."""

SLICE = 4
"""Messages handled before the socket is read again."""

ACKNOWLEDGED_SLICE = 32
"""Acknowledgements sent before the socket is read again; each takes about 20 us."""

OUTGOING_SLICE = 2
"""Messages published before the socket is read again; each takes about 100 us."""

PUBACK = struct.Struct("!BBH")
PUBACK_HEAD = (0x40, 2)
"""First byte and length of an acknowledgement (MQTT 3.1.1, section 3.4)."""

Message = Callable[[str, bytes, Callable[[], None]], None]
Urgent = Callable[[str, bytes], bool]

TAKEN_RETAINED = re.compile(r".*/status$|.*/alarm/[^/]+$|[$]SYS/.*")
"""Topics of states, whose retained messages are accepted. A retained reading or health message
would come again with each connection, however old it is."""


class Traffic:
    """Messages that wait to be handled or published, and acknowledgements that wait to be sent.

    All methods are for the thread that uses the socket. Other threads append to `outgoing`, and
    call the function that `message` received as its last argument.
    """

    def __init__(
        self,
        client: Client,
        message: Message,
        urgent: Urgent | None,
        wake: Callable[[], None],
    ) -> None:
        """`wake` makes the socket's thread send what is queued. If `urgent` is None, every message
        is handled as soon as it is read."""
        self._client = client
        self._message = message
        self._urgent = urgent
        self._wake = wake
        self.epoch = 0
        """Number of connections so far; a packet id is valid only on the connection it came on."""
        self.arrived: deque[tuple[str, bytes, Callable[[], None]]] = deque()
        self.acknowledged: deque[tuple[int, int]] = deque()
        self.outgoing: deque[tuple[str, bytes, int, bool]] = deque(maxlen=MAX_QUEUED)
        self.retained = 0
        """Number of retained messages that were ignored."""
        client.on_message = self.on_message

    def take(self, sock: BufferedSocket) -> None:
        """Read what has arrived; urgent messages are handled as soon as they are read."""
        for _ in range(BURST):
            if len(self.arrived) >= MAX_ARRIVED:
                return
            if not sock.pending() and not sock.read_ahead():
                if self._client.mid_packet:  # paho stops at 100 pieces, even behind the last one
                    self._client.loop_read()
                return
            if not self._take_publication(sock.ahead):
                self._client.loop_read()
                if self._client.socket() is not sock:
                    return

    def _take_publication(self, ahead: ReadBuffer) -> bool:
        """If a whole message lies ahead, take it without paho, whose reading takes three times as
        long; returns whether one was taken. All other packets, also invalid ones, are left to paho.
        """
        if self._client.mid_packet or (frame := ahead.publication()) is None:
            return False
        try:
            packet = decode_publish(frame.first, frame.body, self._client.protocol)
            topic = packet.topic.decode()
        except (MalformedPacket, UnicodeDecodeError):
            return False
        if packet.qos > 1:
            return False
        ahead.skip(frame)
        self._take(topic, bytes(packet.payload), packet.mid, packet.qos, retain=packet.retain)
        return True

    def handle(self, most: int) -> None:
        """Hand over the oldest waiting messages, at most `most`."""
        for _ in range(min(most, len(self.arrived))):
            self._hand_over(*self.arrived.popleft())

    def send(self, sock: BufferedSocket, *, everything: bool) -> None:
        """Send some waiting acknowledgements to the socket and some waiting messages to paho, or
        all of them (`everything`).

        A fever that arrives meanwhile has to wait for them, so normally only some are sent. It
        waits here, and also in the broker, which reads a whole TLS record before it turns to the
        next client.
        """
        for _ in range(len(self.acknowledged) if everything else ACKNOWLEDGED_SLICE):
            if not self.acknowledged:
                break
            epoch, mid = self.acknowledged.popleft()
            # A packet id is valid only on the connection on which it came.
            if epoch == self.epoch:
                sock.send(PUBACK.pack(*PUBACK_HEAD, mid))
        for _ in range(len(self.outgoing) if everything else OUTGOING_SLICE):
            if not self.outgoing:
                break
            topic, payload, qos, retain = self.outgoing.popleft()
            self._client.publish(topic, payload, qos=qos, retain=retain)

    @property
    def unsent(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self.acknowledged or self.outgoing)

    def _hand_over(self, topic: str, payload: bytes, done: Callable[[], None]) -> None:
        try:
            self._message(topic, payload, done)
        except Exception:
            log.exception("a message on %s", topic)

    def on_message(
        self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage
    ) -> None:
        """Take a message that paho has read (its callback)."""
        self._take(
            message.topic, bytes(message.payload), message.mid, message.qos, retain=message.retain
        )

    def _take(self, topic: str, payload: bytes, mid: int, qos: int, *, retain: bool) -> None:
        epoch = self.epoch

        def done() -> None:
            if qos:
                self.acknowledged.append((epoch, mid))
                self._wake()

        if retain and not TAKEN_RETAINED.fullmatch(topic):
            self.retained += 1
            done()
        elif self._urgent is None or self._urgent(topic, payload):
            self._hand_over(topic, payload, done)
        else:
            self.arrived.append((topic, payload, done))
