"""The administrator's MQTT client: listens to topics and acknowledges alarms."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Self

import paho.mqtt.client as mqtt

from fevergate.errors import FeverGateError
from fevergate.mqtt.one_shot import connection, publish_once
from fevergate.protocol.alarm_messages import Acknowledge
from fevergate.protocol.messages import encode
from fevergate.protocol.topics import acknowledge_topic
from harness.errors import HarnessError
from harness.site import Site

UP_S = 120
ACKNOWLEDGE = encode(Acknowledge(by="bench"))


def acknowledge_if_up(site: Site) -> None:
    """Acknowledge the first gate's alarm; do nothing if the broker is down."""
    with suppress(FeverGateError, OSError):
        publish_once(site.settings.as_user("admin"), _topic(site), ACKNOWLEDGE)


def _topic(site: Site) -> str:
    return acknowledge_topic(site.campus, next(iter(site.gates)))


class Admin:
    """MQTT client for a `with` statement; calls `heard(topic, payload)` from its own thread."""

    def __init__(
        self,
        site: Site,
        *topics: str,
        heard: Callable[[str, bytes | bytearray], None] = lambda _topic, _payload: None,
    ) -> None:
        self._settings = site.settings.as_user("admin")
        self._acknowledges = _topic(site)
        self._topics = [(topic, 1) for topic in topics]
        self._heard = heard
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        client = self._client = self._stack.enter_context(connection(self._settings))
        client.on_message = lambda _client, _data, message: self._heard(
            message.topic, message.payload
        )
        client.loop_start()
        if self._topics:
            ready = threading.Event()
            client.on_subscribe = lambda *_: ready.set()
            client.on_connect = self._subscribe  # again, after a lost connection
            self._subscribe(client)
            if not ready.wait(UP_S):
                self.__exit__()
                raise HarnessError(f"the broker took no administrator in {UP_S} s")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._client.loop_stop()

    def _subscribe(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe(self._topics)

    def acknowledge(self) -> None:
        """Acknowledge the first gate's alarm."""
        self._client.publish(self._acknowledges, ACKNOWLEDGE, 1)
