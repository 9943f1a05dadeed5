"""One short visit to the broker, for a command that publishes, reads or only looks."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from fevergate.errors import BrokerError
from fevergate.mqtt.tls import named_context
from fevergate.settings.gateway import GatewaySettings, read_secret

KEEP_ALIVE_S = 20
RETAINED_S = 0.5
QUIET_S = 0.04
"""A broker sends what is retained before it answers a second subscription; more than it has in
flight at once (20) come a little later."""

NOTHING = "fevergate/nothing"
"""A topic on which nobody ever says anything."""

ANSWER_S = 10

REFUSED = "Not authorized"
"""What an error says where the broker took no credential (MQTT 5, 3.2.2.2, reason 0x87)."""


def publish_once(
    settings: GatewaySettings, topic: str, payload: bytes, *, retain: bool = False
) -> None:
    """Connect, publish one message at QoS 1, disconnect.

    Raises `BrokerError` where the broker refuses or does not answer.
    """
    _once(settings, lambda client: client.publish(topic, payload, qos=1, retain=retain))


def clear_once(settings: GatewaySettings, topics: Sequence[str]) -> None:
    """Take back what is retained on topics that the client may write. Raises as `publish_once`."""

    def act(client: mqtt.Client) -> None:
        for topic in topics:
            client.publish(topic, b"", qos=1, retain=True)

    _once(settings, act, answers=len(topics))


def read_retained(settings: GatewaySettings, topic: str) -> bytes | None:
    """What is retained on a topic that the client may read, or None.

    Raises `BrokerError` as `publish_once` does.
    """
    return read_all_retained(settings, topic).get(topic)


def read_all_retained(
    settings: GatewaySettings, topics: str, connect_s: float = KEEP_ALIVE_S
) -> dict[str, bytes]:
    """What is retained below a filter, by topic; after `connect_s` without a line, none.

    Raises `BrokerError` as `publish_once` does.
    """
    found: dict[str, bytes] = {}
    last_at = [0.0]

    def heard(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        found[message.topic] = bytes(message.payload)
        last_at[0] = time.monotonic()

    def act(client: mqtt.Client) -> object:
        client.on_message = heard
        client.subscribe(topics, 1)
        return client.subscribe(NOTHING, 1)

    def quiet() -> bool:
        return time.monotonic() - last_at[0] > QUIET_S

    _once(settings, act, RETAINED_S, connect_s, answers=2, enough=quiet)
    return found


def probe(settings: GatewaySettings) -> float:
    """Connect as the gateway does; returns the seconds that a round trip took.

    Raises `BrokerError` as `publish_once` does. It takes no session of the gateway's away.
    """
    began = time.monotonic()
    _once(settings, lambda client: client.subscribe("$SYS/broker/version", 1))
    return time.monotonic() - began


def _once(
    settings: GatewaySettings,
    act: Callable[[mqtt.Client], object],
    linger_s: float = 0.0,
    connect_s: float = KEEP_ALIVE_S,
    answers: int = 1,
    enough: Callable[[], bool] = lambda: True,
) -> None:
    """`act`, wait for so many answers, the first of which counts, and then until it is `enough` or
    `linger_s` have passed."""
    broker = settings.broker
    (host, port), *others = broker.addresses
    where = f"broker {host}:{port}"
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

    client.connect_timeout = connect_s
    client.on_connect = connected
    client.on_publish = client.on_subscribe = finished
    try:
        try:
            client.connect(host, port, KEEP_ALIVE_S)
        except ConnectionRefusedError:
            if not others:
                raise
            (host, port) = others[0]
            client.connect(host, port, KEEP_ALIVE_S)
        until = time.monotonic() + min(ANSWER_S, connect_s)
        while len(outcome) < answers and not any(outcome) and time.monotonic() < until:
            client.loop(0.1)
        until = time.monotonic() + linger_s
        while time.monotonic() < until and not enough():
            client.loop(QUIET_S / 4)
    except (OSError, ssl.SSLError) as error:
        raise BrokerError(f"{where}: {error}") from error
    finally:
        client.disconnect()
    if not outcome:
        raise BrokerError(f"{where}: no answer in {ANSWER_S} s")
    if outcome[0]:
        raise BrokerError(f"{where}: {outcome[0]}")
