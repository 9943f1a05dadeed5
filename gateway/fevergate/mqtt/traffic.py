"""The messages of a connection, both ways, a few at a time: an urgent one never waits long."""

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
"""Messages that wait to be handled before no more are read: about 1 MB."""

SLICE = 4
"""Messages handled before it is seen what else has arrived."""

ACKNOWLEDGED_SLICE = 32
"""Acknowledgements sent before that, of some 20 us each."""

OUTGOING_SLICE = 2
"""Messages published before that, of some 100 us each."""

PUBACK = struct.Struct("!BBH")
PUBACK_HEAD = (0x40, 2)
"""First byte and length of an acknowledgement (MQTT 3.1.1, section 3.4)."""

Message = Callable[[str, bytes, Callable[[], None]], None]
Urgent = Callable[[str, bytes], bool]

TAKEN_RETAINED = re.compile(r".*/status$|.*/alarm/[^/]+$|[$]SYS/.*")
"""Topics whose retained messages are accepted: states. A retained reading or health message would
come again with each connection, however old it is."""


class Traffic:
    """What has arrived and is to be handled, and what is to be acknowledged and published.

    All methods are for the thread that uses the socket; other threads append to `outgoing`, and
    call what `message` was given as `done`.
    """

    def __init__(
        self,
        client: Client,
        message: Message,
        urgent: Urgent | None,
        wake: Callable[[], None],
    ) -> None:
        """`wake` lets that thread send what is queued. Without `urgent` messages are handled as
        they are read."""
        self._client = client
        self._message = message
        self._urgent = urgent
        self._wake = wake
        self.epoch = 0
        """Number of connections so far: a packet id is valid only on its own."""
        self.arrived: deque[tuple[str, bytes, Callable[[], None]]] = deque()
        self.acknowledged: deque[tuple[int, int]] = deque()
        self.outgoing: deque[tuple[str, bytes, int, bool]] = deque(maxlen=MAX_QUEUED)
        self.retained = 0
        """Number of retained messages that were ignored."""
        client.on_message = self.on_message

    def take(self, sock: BufferedSocket) -> None:
        """Read what has arrived; urgent messages are handled as they are read."""
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
        """Take a message without paho's reading, which takes three times as long, if a whole one
        lies ahead. Everything else is left to paho, a packet that is no valid one too."""
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
        """Hand over the oldest messages that wait, `most` at most."""
        for _ in range(min(most, len(self.arrived))):
            self._hand_over(*self.arrived.popleft())

    def send(self, sock: BufferedSocket, *, everything: bool) -> None:
        """Pass some of the acknowledgements that wait on to the socket and some of the messages to
        paho, or everything.

        Only some, because a fever that arrives meanwhile would wait for them here, and in the
        broker, which reads all that one TLS record holds before it turns to the next client.
        """
        for _ in range(len(self.acknowledged) if everything else ACKNOWLEDGED_SLICE):
            if not self.acknowledged:
                break
            epoch, mid = self.acknowledged.popleft()
            # A packet id is valid only on the connection that it came on.
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
