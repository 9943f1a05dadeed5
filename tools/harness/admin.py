"""The administrator's MQTT client: listens to a topic and acknowledges alarms."""

import threading
from collections.abc import Callable
from typing import Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from fevergate.errors import FeverGateError
from fevergate.mqtt.tls import named_context, no_delay
from fevergate.protocol.messages import Acknowledge, acknowledge_topic, encode
from fevergate.settings.gateway import read_secret
from harness.errors import HarnessError
from harness.site import Site

UP_S = 10


def acknowledge_if_up(site: Site) -> None:
    """Acknowledge the first gate's alarm; do nothing if the broker is down."""
    try:
        with Admin(site) as guard:
            guard.acknowledge()
    except (FeverGateError, OSError):
        return


class Admin:
    """MQTT client for a `with` statement; calls `heard(topic, payload)` from its own thread."""

    def __init__(
        self,
        site: Site,
        *topics: str,
        heard: Callable[[str, bytes | bytearray], None] | None = None,
    ) -> None:
        settings = site.settings
        self._acknowledges = acknowledge_topic(site.campus, next(iter(site.gates)))
        self._topics = [(topic, 1) for topic in topics]
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.username_pw_set("admin", read_secret(settings.path("admin.password")))
        ca = str(settings.path(settings.broker.ca))
        self._client.tls_set_context(named_context(settings.broker, ca))
        self._client.on_socket_open = no_delay
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._ready.set()
        if heard:
            self._client.on_message = lambda _client, _data, message: heard(
                message.topic, message.payload
            )
        self._client.connect_async(*settings.broker.addresses[0])

    def __enter__(self) -> Self:
        self._client.loop_start()
        if not self._ready.wait(UP_S):
            self.__exit__()
            raise HarnessError(f"the broker took no administrator in {UP_S} s")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def acknowledge(self) -> None:
        """Acknowledge the first gate's alarm."""
        self._client.publish(self._acknowledges, encode(Acknowledge(by="bench")), 1)

    def _connected(self, client: mqtt.Client, *_: object) -> None:
        if self._topics:
            client.subscribe(self._topics)
        else:
            self._ready.set()
