"""How a client of paho-mqtt is made: which protocol it speaks, and what its session outlives."""

from dataclasses import dataclass

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from fevergate.mqtt.tls import no_delay

MAX_QUEUED = 10_000
"""Messages that wait to be published; the oldest are dropped beyond that."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """MQTT 5 options of a session: how long it outlives the connection, and how many messages may
    be in flight unacknowledged (mosquitto's default is 20)."""

    expiry_s: int
    receive_maximum: int

    def properties(self) -> Properties:
        """The options as properties of CONNECT."""
        connect = Properties(PacketTypes.CONNECT)
        connect.SessionExpiryInterval = self.expiry_s
        connect.ReceiveMaximum = self.receive_maximum
        return connect


class Client(mqtt.Client):
    """A client of paho whose packets others may read for it."""

    @property
    def mid_packet(self) -> bool:
        """Whether it has read the beginning of a packet, and waits for the rest."""
        return bool(self._in_packet["command"])


def new_client(client_id: str, session: SessionOptions | None, *, clean: bool) -> Client:
    """A client whose messages are acknowledged by the caller.

    It speaks MQTT 3.1.1, since paho spends a fifth of its time on each message's MQTT 5 properties,
    which we do not use; with `session`, which a shared subscription needs, MQTT 5.
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
    """Disconnect, and let the broker forget an MQTT 5 session."""
    ended = Properties(PacketTypes.DISCONNECT)
    ended.SessionExpiryInterval = 0
    client.disconnect(properties=ended)
