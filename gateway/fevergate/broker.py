"""The gateway's line to the broker: paho-mqtt with its traps defused.

MQTT 5, a session that outlives the process (clean start off from the first connect), manual
acknowledgement, no delay on small packets, and no exception that can leave a callback: it
would end paho's thread while everything still looks connected.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from fevergate.errors import BrokerError, SettingsError
from fevergate.settings import Broker as BrokerSettings
from fevergate.settings import GatewaySettings, read_secret

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 20
SESSION_S = 7 * 24 * 3600
RETAINED_S = 0.5
"""A broker sends what is retained right behind its word that one has subscribed."""

ANSWER_S = 10
RECEIVE_MAXIMUM = 500
"""Unacknowledged messages that the broker may have under way to us (MQTT 5, 3.1.2.11.3)."""

Message = Callable[[str, bytes, Callable[[], None]], None]


class _NamedContext(ssl.SSLContext):
    """Verifies the broker by the name in its certificate, whatever its address is."""

    broker_name: str

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        kwargs["server_hostname"] = self.broker_name
        return super().wrap_socket(*args, **kwargs)


def named_context(broker: BrokerSettings, ca: str) -> ssl.SSLContext:
    """A context for paho, which would verify the address instead of `broker.name`."""
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.broker_name = broker.name
    try:
        context.load_verify_locations(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"{ca}: expected a PEM certificate of the authority: {error}"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Broker:
    """One supervised connection.

    `message(topic, payload, done)` comes from the network thread; `done` acknowledges, and
    may be called from any thread, once what came is safe. `up` is called after each connect.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        client_id: str,
        topics: Sequence[str],
        message: Message,
        up: Callable[[], None] = lambda: None,
    ) -> None:
        self._broker = settings.broker
        self._topics = [(topic, 1) for topic in topics]
        self._message = message
        self._up = up
        self._epoch = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="broker")
        self.heard_at = time.monotonic()
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=mqtt.MQTTv5,
            manual_ack=True,
        )
        client.username_pw_set(
            self._broker.username, read_secret(settings.path(self._broker.password_file))
        )
        client.tls_set_context(named_context(self._broker, str(settings.path(self._broker.ca))))
        client.reconnect_delay_set(min_delay=1, max_delay=8)
        client.max_queued_messages_set(10_000)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.on_socket_open = no_delay
        # Only the network thread may write to the socket. paho knows that of its own threads and
        # of foreign loops; without this, `ack` from the writer's thread wrote there itself, at
        # times in the midst of a packet, which the broker takes for a protocol error.
        client.on_socket_register_write = lambda *_: None
        self._client = client

    @property
    def connected(self) -> bool:
        return self._client.is_connected()

    @property
    def alive(self) -> bool:
        """Whether the network thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Connect, and stay connected, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect; the session and what is queued in it wait at the broker."""
        self._stopping.set()
        self._client.disconnect()
        self._thread.join(timeout=10)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Send at QoS 1 if there is a line now; False where there is none."""
        if not self.connected:
            return False
        return (
            self._client.publish(topic, payload, qos=1, retain=retain).rc == mqtt.MQTT_ERR_SUCCESS
        )

    def _run(self) -> None:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = SESSION_S
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        while not self._stopping.is_set():
            try:
                self._client.connect_async(
                    self._broker.host,
                    self._broker.port,
                    KEEP_ALIVE_S,
                    clean_start=False,
                    properties=properties,
                )
                self._client.loop_forever(retry_first_connection=True)
            except Exception:
                log.exception("the broker's thread fell, starting it again")
            self._stopping.wait(1)

    def _on_connect(
        self,
        client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        try:
            if reason.is_failure:
                log.error("the broker refuses us: %s", reason)
                return
            self._epoch += 1
            client.subscribe(self._topics)
            log.info("broker up")
            self._up()
        except Exception:
            log.exception("after connecting")

    def _on_disconnect(self, *_: object) -> None:
        if not self._stopping.is_set():
            log.warning("broker down")

    def _on_connect_fail(self, *_: object) -> None:
        log.warning("no broker at %s:%d", self._broker.host, self._broker.port)

    def _on_message(
        self, client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage
    ) -> None:
        self.heard_at = time.monotonic()
        epoch, mid, qos = self._epoch, message.mid, message.qos

        def done() -> None:
            # A packet id means something only on the connection that it came on.
            if qos and epoch == self._epoch:
                client.ack(mid, qos)

        try:
            self._message(message.topic, bytes(message.payload), done)
        except Exception:
            log.exception("a message on %s", message.topic)


def no_delay(_client: mqtt.Client, _userdata: object, sock: Any) -> None:
    """For `on_socket_open`: no small packet waits for an acknowledgement (RFC 896)."""
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        log.warning("TCP_NODELAY refused: alarms may be 40 ms late")


def publish_once(
    settings: GatewaySettings, topic: str, payload: bytes, *, retain: bool = False
) -> None:
    """Connect, publish one message at QoS 1, disconnect.

    Raises `BrokerError` where the broker refuses or does not answer.
    """
    _once(settings, lambda client: client.publish(topic, payload, qos=1, retain=retain))


def read_retained(settings: GatewaySettings, topic: str) -> bytes | None:
    """What is retained on a topic that the client may read, or None.

    Raises `BrokerError` as `publish_once` does.
    """
    found: list[bytes] = []

    def act(client: mqtt.Client) -> object:
        client.on_message = lambda _client, _data, message: found.append(bytes(message.payload))
        return client.subscribe(topic, 1)

    _once(settings, act, RETAINED_S)
    return found[0] if found else None


def probe(settings: GatewaySettings) -> float:
    """Connect as the gateway does; returns the seconds that a round trip took.

    Raises `BrokerError` as `publish_once` does. It takes no session of the gateway's away.
    """
    began = time.monotonic()
    _once(settings, lambda client: client.subscribe("$SYS/broker/version", 1))
    return time.monotonic() - began


def _once(
    settings: GatewaySettings, act: Callable[[mqtt.Client], object], linger_s: float = 0.0
) -> None:
    broker = settings.broker
    where = f"broker {broker.host}:{broker.port}"
    outcome: list[str] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(broker.username, read_secret(settings.path(broker.password_file)))
    client.tls_set_context(named_context(broker, str(settings.path(broker.ca))))

    def connected(*args: Any) -> None:
        if args[3].is_failure:
            outcome.append(str(args[3]))
        else:
            act(client)

    def finished(*args: Any) -> None:
        reason = args[3][0] if isinstance(args[3], list) else args[3]
        outcome.append(str(reason) if reason.is_failure else "")

    client.on_connect = connected
    client.on_publish = client.on_subscribe = finished
    try:
        client.connect(broker.host, broker.port, KEEP_ALIVE_S)
        until = time.monotonic() + ANSWER_S
        while not outcome and time.monotonic() < until:
            client.loop(0.1)
        until = time.monotonic() + linger_s
        while time.monotonic() < until:
            client.loop(0.05)
    except (OSError, ssl.SSLError) as error:
        raise BrokerError(f"{where}: {error}") from error
    finally:
        client.disconnect()
    if not outcome:
        raise BrokerError(f"{where}: no answer in {ANSWER_S} s")
    if outcome[0]:
        raise BrokerError(f"{where}: {outcome[0]}")
