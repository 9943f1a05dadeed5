"""Sends a firmware bundle to kiosks and lamp posts, and follows each device's update to its end.

A kiosk asks for one piece after the other. It counts as updated only when the new firmware itself
has reported that it runs.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import inf
from threading import Lock

import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.asymmetric import rsa

from fevergate.errors import MessageError
from fevergate.kiosks.firmware_bundle import Bundle, sign
from fevergate.mqtt.one_shot import connection
from fevergate.protocol.messages import Health, UpdateState, UpdateWant, decode, encode
from fevergate.protocol.topics import Topic, parse_topic
from fevergate.settings.gateway import GatewaySettings
from kiosk.update_offer import PIECE_MAX

AWAY_S = 20
"""A kiosk that is online asks for its first piece, or refuses the update, well within this time."""

STALL_S = 90
"""Longest wait for a kiosk's next request: it asks only while nobody stands in front of it."""

TRIAL_S = 240
"""Longest trial: two boots, and the two minutes in which the new firmware must prove that it works.
"""

LONGEST_S = 6 * 3600
"""Longest update of one kiosk. A kiosk fetches pieces only between people, which takes long; but a
kiosk that always begins anew must not hold up the others."""

MOST_ASKED = 20
"""How often a kiosk may fetch the whole bundle; after a power cut, for instance, it starts again.
"""

MOST_HEARD = 100
"""Most messages of one kiosk that wait to be handled. Further ones are dropped; the kiosk asks
again."""

WAITING, FETCHING, TRIAL = "offered", "fetching", "on trial"
DONE, REFUSED, ROLLED_BACK, AWAY, STALLED = "updated", "refused", "rolled back", "away", "stalled"
ENDS = (DONE, REFUSED, ROLLED_BACK, AWAY, STALLED)


@dataclass
class Progress:
    """How far the update of one kiosk is; `share` is the part of the bundle that it has fetched
    (0 to 1)."""

    kiosk: str
    state: str = WAITING
    share: float = 0.0
    why: str = ""
    """The reason for a failure, in English; `update_words` puts it into words."""

    until: float = 0.0
    """Time (s, `time.monotonic`) at which the update is given up unless a message comes."""

    end: float = inf
    """Time (s, `time.monotonic`) at which the update is given up in any case."""

    asked: int = 0
    """Number of pieces that the kiosk has asked for."""

    @property
    def over(self) -> bool:
        return self.state in ENDS


class KioskMessages:
    """Messages that wait to be handled. Only kiosks that are being updated are heard, and only few
    messages of each are kept, so that no kiosk crowds out the others."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[tuple[str, str, bytes]] = queue.SimpleQueue()
        self._waiting: dict[str, int] = {}
        self._lock = Lock()

    def listen(self, kiosk: str) -> None:
        """Take messages of a kiosk from now on."""
        with self._lock:
            self._waiting[kiosk] = 0

    def ignore(self, kiosk: str) -> None:
        """Take no more messages of a kiosk."""
        with self._lock:
            self._waiting.pop(kiosk, None)

    def put(self, topic: str, payload: bytes) -> None:
        """Take a message, or drop it if the kiosk is ignored or has too many waiting."""
        kiosk = "".join(topic.split("/", 4)[3:4])
        with self._lock:
            if self._waiting.get(kiosk, MOST_HEARD) < MOST_HEARD:
                self._waiting[kiosk] += 1
                self._messages.put((kiosk, topic, payload))

    def get(self, timeout: float) -> tuple[str, bytes]:
        """Topic and payload of the next message. Raises `queue.Empty` after `timeout` s."""
        kiosk, topic, payload = self._messages.get(timeout=timeout)
        with self._lock:
            if self._waiting.get(kiosk):
                self._waiting[kiosk] -= 1
        return topic, payload


class Rollout:
    """One update of several kiosks. Use it within `connected`; `moved` is called at each change."""

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
        self._posts = frozenset(settings.posts)
        self._bundle = bundle
        self._key = key
        self._moved = moved
        self._downgrade = downgrade
        self._heard = KioskMessages()
        self._client: mqtt.Client | None = None

    @contextmanager
    def connected(self) -> Iterator[Rollout]:
        """Connect to the broker for as long as the block lasts. Raises `BrokerError`."""
        update = Topic(self._settings.campus, "+", "update")
        health = Topic(self._settings.campus, "+", "health")
        topics = [(f"{update}/want", 1), (f"{update}/state", 1), (str(health), 1)]
        with connection(self._settings) as client:

            def subscribe(*_: object) -> None:
                client.subscribe(topics)

            client.on_connect = subscribe  # again after a lost connection
            client.on_message = self._on_message
            subscribe()
            client.loop_start()
            self._client = client
            try:
                yield self
            finally:
                client.loop_stop()

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        self._heard.put(message.topic, bytes(message.payload))

    def run(self, kiosks: Iterable[str], at_once: int) -> list[Progress]:
        """Update kiosks and lamp posts in the given order. The first of each kind is updated alone;
        once that succeeds, `at_once` at a time. A successful kiosk proves nothing about lamp posts,
        nor the reverse, because they run different parts of the firmware.

        After a failure no other update is begun; a device that is offline is no failure. Returns
        the progress of every update that was begun.
        """
        waiting = list(kiosks)
        finished: list[Progress] = []
        proven: set[bool] = set()
        under_way: dict[str, Progress] = {}

        def may_begin(name: str) -> bool:
            kinds = {device in self._posts for device in (name, *under_way)}
            return not under_way or (kinds <= proven and len(under_way) < at_once)

        while waiting or under_way:
            while waiting and may_begin(waiting[0]):
                progress = Progress(waiting.pop(0), end=time.monotonic() + LONGEST_S)
                under_way[progress.kiosk] = progress
                self._heard.listen(progress.kiosk)
                self._offer(progress)
            self._hear(under_way)
            for progress in [progress for progress in under_way.values() if progress.over]:
                finished.append(under_way.pop(progress.kiosk))
                self._heard.ignore(progress.kiosk)
                if progress.state == DONE:  # a device that is offline has proven nothing
                    proven.add(progress.kiosk in self._posts)
                elif progress.state != AWAY:
                    waiting.clear()  # the next update would probably fail too
        return finished

    def _offer(self, progress: Progress) -> None:
        offer = sign(self._bundle, progress.kiosk, self._key, downgrade=self._downgrade)
        self._publish(progress.kiosk, "update", encode(offer))
        self._change(progress, WAITING, AWAY_S)

    def _hear(self, under_way: dict[str, Progress]) -> None:
        now = time.monotonic()
        wait_s = min(progress.until for progress in under_way.values()) - now
        with suppress(queue.Empty):
            self._take(under_way, *self._heard.get(timeout=max(0.05, min(wait_s, 1.0))))
        # This is checked after a message too: other kiosks may send without a pause.
        for progress in under_way.values():
            if not progress.over and time.monotonic() >= progress.until:
                self._give_up(progress)

    def _take(self, under_way: dict[str, Progress], topic: str, payload: bytes) -> None:
        try:
            _, kiosk, kind = parse_topic(topic)
            if kiosk in under_way:
                self._step(under_way[kiosk], kind, payload)
        except MessageError as error:
            self._moved(Progress(topic.split("/")[3], "not understood", why=str(error)))

    def _step(self, progress: Progress, kind: str, payload: bytes) -> None:
        if kind == "update/want":
            offset = decode(payload, UpdateWant).offset
            progress.asked += 1
            if offset > len(self._bundle.data):
                raise MessageError(f"offset {offset}, of {len(self._bundle.data)} bytes")
            if progress.asked > MOST_ASKED * (1 + len(self._bundle.data) // PIECE_MAX):
                self._change(progress, STALLED, why=f"it asked for {progress.asked} pieces")
                return
            self._publish(progress.kiosk, "update/piece", self._bundle.piece(offset))
            progress.share = min(1.0, offset / len(self._bundle.data))
            self._change(progress, FETCHING, STALL_S)
            return
        if kind == "health":
            # The message about a failed trial may have been lost, so health reports it too. A
            # success counts only if the new firmware itself reports it.
            failed = decode(payload, Health).update.startswith(ROLLED_BACK)
            if failed and progress.state == TRIAL:
                self._roll_back(progress, self._bundle.version)
            return
        update = decode(payload, UpdateState)
        if update.state == "restarting":
            if progress.state != TRIAL:  # otherwise a kiosk could prolong its own trial
                progress.share = 1.0
                self._change(progress, TRIAL, TRIAL_S)
        elif update.state == "running" and update.version == self._bundle.version:
            self._change(progress, DONE)
        elif update.state == "refused":
            self._change(progress, REFUSED, why=update.error)
        elif update.state == "rolled back" and progress.state == TRIAL:
            self._roll_back(progress, update.version)

    def _roll_back(self, progress: Progress, version: str) -> None:
        self._change(progress, ROLLED_BACK, why=f"{version} did not prove healthy")

    def _give_up(self, progress: Progress) -> None:
        if time.monotonic() >= progress.end:
            self._change(progress, STALLED, why=f"it was not done in {LONGEST_S // 3600} h")
        elif progress.state == WAITING:
            self._change(progress, AWAY, why="it did not answer")
        else:
            why = f"nothing came any more while {progress.state}"
            self._change(progress, STALLED, why=why)

    def _change(
        self, progress: Progress, state: str, patience_s: float = 0.0, why: str = ""
    ) -> None:
        progress.state, progress.why = state, why
        progress.until = min(time.monotonic() + patience_s, progress.end)
        self._moved(progress)

    def _publish(self, kiosk: str, kind: str, payload: bytes) -> None:
        assert self._client  # noqa: S101 - within `connected`
        self._client.publish(str(Topic(self._settings.campus, kiosk, kind)), payload, qos=1)
