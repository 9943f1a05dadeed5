"""A kiosk's connection that reports card taps, sealed with its own key, and receives permits."""

import json
import threading
import time
from queue import Empty, SimpleQueue
from typing import NamedTuple

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from fevergate.gateway.cards import TAP, unsealed
from fevergate.mqtt.tls import named_context, no_delay
from fevergate.protocol.messages import CardPermit, CardTapped, encode
from fevergate.protocol.topics import Topic
from fevergate.settings.gateway import GatewaySettings
from harness.errors import HarnessError

UP_S = 120


class Answer(NamedTuple):
    """A permit. `key`: the kiosk, boot and tap that it answers. `at`: arrival (monotonic s)."""

    key: tuple[str, int, int]
    permit: str
    at: float


class CardKiosk:
    """A kiosk's connection that reports taps, each card number sealed with the kiosk's own key, and
    puts the answers into a queue."""

    def __init__(
        self, settings: GatewaySettings, kiosk: str, boot: int, answers: SimpleQueue[Answer]
    ) -> None:
        self._kiosk, self._boot, self._taps = kiosk, boot, 0
        self._answers = answers
        self._topic = Topic(settings.campus, kiosk, "card")
        values = json.loads((settings.folder / "kiosks" / kiosk / "settings.json").read_bytes())
        self._key = bytes.fromhex(values["card_key"])
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.username_pw_set(values["username"], values["password"])
        broker = settings.broker
        client.tls_set_context(named_context(broker, str(settings.path(broker.ca))))
        client.on_socket_open = no_delay
        client.on_connect = self._connected
        self.ready = threading.Event()
        client.on_subscribe = lambda *_: self.ready.set()
        client.on_message = self._heard
        client.connect(*broker.addresses[0], 20)
        client.loop_start()
        self._client = client

    def tap(self, number: int) -> tuple[tuple[str, int, int], float]:
        """Report the tap of a card by its number; returns the `Answer.key` of its answer, and when
        the tap was published (monotonic s)."""
        self._taps += 1
        # The seal is an exclusive or, so the function that opens a number also seals it.
        sealed = unsealed(self._key, TAP, self._boot, self._taps, f"{number:016x}")
        payload = encode(CardTapped(boot=self._boot, tap=self._taps, who=f"{sealed:016x}"))
        at = time.monotonic()
        self._client.publish(str(self._topic), payload)
        return (self._kiosk, self._boot, self._taps), at

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe(str(self._topic._replace(kind="permit")))

    def _heard(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        at = time.monotonic()
        answer = msgspec.json.decode(message.payload, type=CardPermit)
        self._answers.put(Answer((self._kiosk, answer.boot, answer.tap), answer.permit, at))


def wait_answered(
    kiosk: CardKiosk, number: int, permit: str, answers: "SimpleQueue[Answer]"
) -> None:
    """Tap a card until the answer is `permit`, which shows that the gateway has read its list.
    Raises `HarnessError` after `UP_S`."""
    until = time.monotonic() + UP_S
    while time.monotonic() < until:
        kiosk.tap(number)
        try:
            if answers.get(timeout=1.0).permit == permit:
                return
        except Empty:
            continue
        time.sleep(0.5)
    raise HarnessError(f"card {number}: not answered with {permit!r} in {UP_S} s")
