"""Brings a bundle to kiosks over the broker and follows each to its end.

A kiosk asks for piece after piece; what it says of itself is believed only as far as it goes: a
kiosk is updated when the new firmware has reported that it is healthy.
"""

from __future__ import annotations

import queue
import re
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.asymmetric import rsa
from paho.mqtt.enums import CallbackAPIVersion

from fevergate.errors import BrokerError, MessageError
from fevergate.kiosks.firmware_bundle import Bundle, sign
from fevergate.mqtt.one_shot import KEEP_ALIVE_S
from fevergate.mqtt.tls import named_context, no_delay
from fevergate.protocol.messages import (
    Health,
    Topic,
    UpdateState,
    UpdateWant,
    decode,
    encode,
    parse_topic,
)
from fevergate.settings.gateway import GatewaySettings, read_secret
from kiosk.offer import PIECE_MAX

AWAY_S = 20
"""A kiosk that is there asks for its first piece, or refuses, well within that."""

STALL_S = 90
"""No piece asked for: the longest that people stand at a busy gate without a pause, and some."""

TRIAL_S = 240
"""Booting, twenty seconds of health, two minutes at most until it gives up, and booting again."""

MOST_ASKED = 20
"""Times that a kiosk may ask for the whole bundle: its line broke, its power was cut."""

MOST_HEARD = 10_000
"""Messages that wait; what is beyond is not heard."""

WAITING, FETCHING, TRIAL = "offered", "fetching", "on trial"
DONE, REFUSED, ROLLED_BACK, AWAY, STALLED = "updated", "refused", "rolled back", "away", "stalled"
ENDS = (DONE, REFUSED, ROLLED_BACK, AWAY, STALLED)


_OTHER_BOARD = re.compile(r"not for this board: ([a-z0-9-]{1,32})")


@dataclass
class Progress:
    """One kiosk on its way; `share` of the bundle that it has."""

    kiosk: str
    state: str = WAITING
    share: float = 0.0
    why: str = ""
    until: float = 0.0
    asked: int = 0
    """Pieces that it asked for."""

    @property
    def over(self) -> bool:
        return self.state in ENDS


class Rollout:
    """Use within `connected`. `moved` hears of each change."""

    def __init__(
        self,
        settings: GatewaySettings,
        bundle: Bundle,
        key: rsa.RSAPrivateKey,
        moved: Callable[[Progress], None],
        *,
        downgrade: bool = False,
    ) -> None:
        self._settings = settings
        self._bundle = bundle
        self._key = key
        self._moved = moved
        self._downgrade = downgrade
        self._heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)

    @contextmanager
    def connected(self) -> Iterator[Rollout]:
        """Hold a line to the broker. Raises `BrokerError`."""
        broker, client = self._settings.broker, self._client
        host, port = broker.addresses[0]
        where = f"broker {host}:{port}"
        refused: queue.SimpleQueue[str] = queue.SimpleQueue()

        def up(_client: object, _data: object, _flags: object, reason: object, _: object) -> None:
            failed = bool(getattr(reason, "is_failure", True))
            refused.put(str(reason) if failed else "")
            if not failed:
                base = Topic(self._settings.campus, "+", "update")
                health = Topic(self._settings.campus, "+", "health")
                client.subscribe([(f"{base}/want", 1), (f"{base}/state", 1), (str(health), 1)])

        client.on_connect = up
        client.on_message = self._on_message
        client.on_socket_open = no_delay
        client.username_pw_set(
            broker.username, read_secret(self._settings.path(broker.password_file))
        )
        client.tls_set_context(named_context(broker, str(self._settings.path(broker.ca))))
        try:
            client.connect(host, port, KEEP_ALIVE_S)
            client.loop_start()
            reason = refused.get(timeout=10)
        except (OSError, ssl.SSLError, queue.Empty) as error:
            raise BrokerError(f"{where}: {error or 'no answer'}") from error
        if reason:
            raise BrokerError(f"{where}: {reason}")
        try:
            yield self
        finally:
            client.disconnect()
            client.loop_stop()

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        if self._heard.qsize() < MOST_HEARD:  # a kiosk that hears nothing asks again
            self._heard.put((message.topic, bytes(message.payload)))

    def run(self, kiosks: Iterable[str], at_once: int) -> list[Progress]:
        """Update them, so many at a time; the first alone: where it fails, none follows."""
        waiting = list(kiosks)
        finished: list[Progress] = []
        limit = 1
        under_way: dict[str, Progress] = {}
        while waiting or under_way:
            while waiting and len(under_way) < limit:
                one = Progress(waiting.pop(0))
                under_way[one.kiosk] = one
                self._offer(one)
            self._hear(under_way)
            for one in [one for one in under_way.values() if one.over]:
                finished.append(under_way.pop(one.kiosk))
                limit = at_once
                if one.state not in (DONE, AWAY):
                    waiting.clear()  # the next would fail alike
        return finished

    def _offer(self, one: Progress) -> None:
        offer = sign(self._bundle, one.kiosk, self._key, downgrade=self._downgrade)
        self._publish(one.kiosk, "update", encode(offer))
        self._change(one, WAITING, AWAY_S)

    def _hear(self, under_way: dict[str, Progress]) -> None:
        now = time.monotonic()
        wait_s = min(one.until for one in under_way.values()) - now
        with suppress(queue.Empty):
            self._take(under_way, *self._heard.get(timeout=max(0.05, min(wait_s, 1.0))))
        # Though others say one thing after the other.
        for one in under_way.values():
            if not one.over and time.monotonic() >= one.until:
                self._give_up(one)

    def _take(self, under_way: dict[str, Progress], topic: str, payload: bytes) -> None:
        try:
            _, kiosk, kind = parse_topic(topic)
            if kiosk in under_way:
                self._step(under_way[kiosk], kind, payload)
        except MessageError as error:
            self._moved(Progress(topic.split("/")[3], "not understood", why=str(error)))

    def _step(self, one: Progress, kind: str, payload: bytes) -> None:
        if kind == "update/want":
            offset = decode(payload, UpdateWant).offset
            one.asked += 1
            if offset > len(self._bundle.data):
                raise MessageError(f"offset {offset}, of {len(self._bundle.data)} bytes")
            if one.asked > MOST_ASKED * (1 + len(self._bundle.data) // PIECE_MAX):
                one.why = f"it asked for {one.asked} pieces"
                self._change(one, STALLED)
                return
            self._publish(one.kiosk, "update/piece", self._bundle.piece(offset))
            one.share = min(1.0, offset / len(self._bundle.data))
            self._change(one, FETCHING, STALL_S)
            return
        if kind == "health":
            if one.state == TRIAL:
                self._judge(one, decode(payload, Health))
            return
        said = decode(payload, UpdateState)
        if said.state == "restarting":
            one.share = 1.0
            self._change(one, TRIAL, TRIAL_S)
        elif said.state == "running" and said.version == self._bundle.version:
            self._change(one, DONE)
        elif said.state == "refused":
            one.why = _in_words(said.error)
            self._change(one, REFUSED)
        elif said.state == "rolled back" and one.state == TRIAL:
            one.why = f"{said.version} did not prove healthy"
            self._change(one, ROLLED_BACK)

    def _judge(self, one: Progress, health: Health) -> None:
        """A kiosk's health tells that its trial failed, where the one message that says so was lost
        with its connection. That it succeeded only its own word tells."""
        if health.update.startswith(ROLLED_BACK):
            one.why = f"{self._bundle.version} did not prove healthy"
            self._change(one, ROLLED_BACK)

    def _give_up(self, one: Progress) -> None:
        if one.state == WAITING:
            one.why = "it did not answer"
            self._change(one, AWAY)
        else:
            one.why = f"nothing came any more while {one.state}"
            self._change(one, STALLED)

    def _change(self, one: Progress, state: str, patience_s: float = 0.0) -> None:
        one.state = state
        one.until = time.monotonic() + patience_s
        self._moved(one)

    def _publish(self, kiosk: str, kind: str, payload: bytes) -> None:
        self._client.publish(str(Topic(self._settings.campus, kiosk, kind)), payload, qos=1)


def _in_words(error: str) -> str:
    """What a kiosk refused an update for; what a person can do about it is said in words."""
    other = _OTHER_BOARD.fullmatch(error)
    if not other:
        return error
    return (
        f"固件不适用于它的板 {other[1]}，请换用适用的固件 "
        f"not for its board, {other[1]}: take firmware that is"
    )
