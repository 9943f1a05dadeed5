"""Makes clients of paho-mqtt with the right protocol version and session options."""

from dataclasses import dataclass

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from fevergate.mqtt.tls import no_delay

MAX_QUEUED = 10_000
"""Most messages that wait to be published; beyond that, the oldest are dropped."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """MQTT 5 options of a session: how long (s) it outlives the connection, and how many messages
    may be unacknowledged at a time (mosquitto's default is 20)."""

    expiry_s: int
    receive_maximum: int

    def properties(self) -> Properties:
        """The options as properties of CONNECT."""
        connect = Properties(PacketTypes.CONNECT)
        connect.SessionExpiryInterval = self.expiry_s
        connect.ReceiveMaximum = self.receive_maximum
        return connect


class Client(mqtt.Client):
    """A paho client that allows other code to read packets from its socket."""

    @property
    def mid_packet(self) -> bool:
        """Whether the client has read the beginning of a packet, and waits for the rest."""
        return bool(self._in_packet["command"])


def new_client(client_id: str, session: SessionOptions | None, *, clean: bool) -> Client:
    """A client whose messages are acknowledged by the caller.

    Without `session` it speaks MQTT 3.1.1, because paho spends a fifth of its time on each
    message's MQTT 5 properties, which we do not use. With `session`, which a shared subscription
    needs, it speaks MQTT 5.
    """
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if session else clean,
        protocol=mqtt.MQTTv5 if session else mqtt.MQTTv311,
        manual_ack=True,
    )
    client.max_queued_messages_set(MAX_QUEUED)
    client.on_socket_open = no_delay
    return client


def end_session(client: mqtt.Client) -> None:
    """Disconnect, and make the broker forget the MQTT 5 session."""
    ended = Properties(PacketTypes.DISCONNECT)
    ended.SessionExpiryInterval = 0
    client.disconnect(properties=ended)
