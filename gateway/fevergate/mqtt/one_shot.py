"""Short MQTT connections for commands: publish once, read retained messages, probe the broker."""

import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from fevergate.errors import BrokerError
from fevergate.mqtt.tls import named_context, no_delay
from fevergate.settings.gateway import GatewaySettings
from fevergate.settings.settings_file import read_secret

KEEP_ALIVE_S = 20
SILENT_TOPIC = "fevergate/nothing"
"""A topic without publishers. The answer to a subscription to it shows that the broker has handled
all earlier requests."""

MAX_ROUNDS = 10_000
"""Most subscriptions to `NOTHING` for one list of retained messages."""

ANSWER_S = 10
"""Longest wait for the broker's answer."""

REFUSED = "Not authorized"
"""Text of the error if the broker refuses the credential (MQTT 5, 3.2.2.2, reason 0x87)."""


def publish_once(
    settings: GatewaySettings, topic: str, payload: bytes, *, retain: bool = False
) -> None:
    """Connect, publish one message at QoS 1, disconnect.

    Raises `BrokerError` if the broker refuses or does not answer.
    """
    with connection(settings) as client:
        _answered(client, lambda: client.publish(topic, payload, qos=1, retain=retain))


def clear_once(settings: GatewaySettings, topics: Sequence[str]) -> None:
    """Delete the retained messages of topics that the client may publish to.

    Raises `BrokerError` as `publish_once` does.
    """
    with connection(settings) as client:
        clear = [partial(client.publish, topic, b"", qos=1, retain=True) for topic in topics]
        _answered(client, *clear)


def read_retained(settings: GatewaySettings, topic: str) -> bytes | None:
    """The retained message of a topic that the client may read, or None.

    Raises `BrokerError` as `publish_once` does.
    """
    return read_all_retained(settings, topic).get(topic)


def read_all_retained(
    settings: GatewaySettings, topics: str, connect_s: float = KEEP_ALIVE_S
) -> dict[str, bytes]:
    """Retained messages that match a topic filter, by topic.

    The broker sends retained messages before it answers a later subscription. But it sends only as
    many at once as its in-flight limit allows (mosquitto's default: 20), and more as they are
    acknowledged. So the list is complete when no message came before the answer to a later
    subscription, however slow the broker is.

    Raises `BrokerError` as `publish_once` does, after `connect_s` without connection or answer.
    """
    retained: dict[str, bytes] = {}

    def heard(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        retained[message.topic] = bytes(message.payload)

    with connection(settings, connect_s) as client:
        client.on_message = heard
        subscribe = [partial(client.subscribe, topic, 1) for topic in (topics, SILENT_TOPIC)]
        _answered(client, *subscribe, patience_s=connect_s)
        count = 0
        for _ in range(MAX_ROUNDS):
            if count == len(retained):
                break
            count = len(retained)
            _answered(client, partial(client.subscribe, SILENT_TOPIC, 1), patience_s=connect_s)
    return retained


def listen(
    settings: GatewaySettings, topics: Sequence[str], patience_s: float
) -> Iterator[tuple[str, bytes]]:
    """Topic and payload of each message on some topics that comes within `patience_s`.

    Raises `BrokerError` as `publish_once` does.
    """
    messages: deque[tuple[str, bytes]] = deque()
    with connection(settings) as client:
        client.on_message = lambda _client, _data, message: messages.append(
            (message.topic, bytes(message.payload))
        )
        _answered(client, *(partial(client.subscribe, topic, 0) for topic in topics))
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            client.loop(0.1)
            while messages:
                yield messages.popleft()


def probe(settings: GatewaySettings) -> float:
    """Connect with the gateway's credential; returns the duration in s.

    The connection has a session of its own, so that it does not take over the gateway's session.
    Raises `BrokerError` as `publish_once` does.
    """
    began = time.monotonic()
    with connection(settings) as client:
        _answered(client, lambda: client.subscribe("$SYS/broker/version", 1))
    return time.monotonic() - began


@contextmanager
def connection(settings: GatewaySettings, connect_s: float = KEEP_ALIVE_S) -> Iterator[mqtt.Client]:
    """A client that is connected for as long as the block lasts; the caller runs its loop.

    Raises `BrokerError` if the broker refuses or does not answer.
    """
    broker = settings.broker
    (host, port), *others = broker.addresses_for_a_moment
    address = f"broker {host}:{port}"
    outcome: list[str] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(broker.username, read_secret(settings.path(broker.password_file)))
    client.tls_set_context(named_context(broker, str(settings.path(broker.ca))))
    client.connect_timeout = connect_s
    client.on_socket_open = no_delay
    client.on_connect = lambda *args: outcome.append(str(args[3]) if args[3].is_failure else "")
    try:
        try:
            client.connect(host, port, KEEP_ALIVE_S)
        except ConnectionRefusedError:
            if not others:
                raise
            client.connect(*others[0], KEEP_ALIVE_S)
        until = time.monotonic() + min(ANSWER_S, connect_s)
        while not outcome and time.monotonic() < until:
            client.loop(0.1)
    except (OSError, ssl.SSLError) as error:
        raise BrokerError(f"{address}: {error}") from error
    try:
        if not outcome:
            raise BrokerError(f"{address}: no answer in {ANSWER_S} s")
        if outcome[0]:
            raise BrokerError(f"{address}: {outcome[0]}")
        yield client
    finally:
        client.disconnect()


def _answered(
    client: mqtt.Client, *requests: Callable[[], object], patience_s: float = ANSWER_S
) -> None:
    """Make requests, and wait until the broker has answered each.

    Raises `BrokerError` if the broker refuses a request or does not answer it.
    """
    outcome: list[str] = []

    def finished(*args: Any) -> None:
        reason = args[3][0] if isinstance(args[3], list) else args[3]
        outcome.append(str(reason) if reason.is_failure else "")

    client.on_publish = client.on_subscribe = finished
    for request in requests:
        request()
    until = time.monotonic() + min(ANSWER_S, patience_s)
    while len(outcome) < len(requests) and not any(outcome) and time.monotonic() < until:
        client.loop(0.1)
    address = f"broker {client.host}:{client.port}"
    if refusals := [*filter(None, outcome)]:
        raise BrokerError(f"{address}: {refusals[0]}")
    if len(outcome) < len(requests):
        raise BrokerError(f"{address}: no answer in {ANSWER_S} s")
