"""Measures how long after a message a lamp post lights red, beside a bare subscriber.

The message is an `AlarmState`, published with the gateway's credential and not retained. Both times
begin at its publication, by this machine's clock. The lamp post's time ends when its red pin is
high. The subscriber is a process of its own; its time ends when it has the message.
"""

import time
from contextlib import ExitStack
from typing import Self

from fevergate.mqtt.one_shot import connection
from fevergate.protocol.alarm_messages import AlarmState, FeverSeen
from fevergate.protocol.messages import encode
from fevergate.protocol.topics import shown_topic
from harness.door_site import DoorSite
from harness.sink import bare_subscriber
from harness.worker import wait_until
from simulator import Board

SAMPLES = 40
"""Alarms that are played to each lamp post."""

RAISED = '"state":"raised"'
_REST_S = 0.01


class PostLight:
    """Plays alarms to the lamp posts of a site; used in a `with` statement."""

    def __init__(self, site: DoorSite) -> None:
        self._site = site
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        settings = self._site.settings
        self._gateway = self._stack.enter_context(connection(settings))
        self._gateway.loop_start()
        self._stack.callback(self._gateway.loop_stop)
        topic = shown_topic(settings.campus, "+")
        self._bare = self._stack.enter_context(
            bare_subscriber(self._site.settings_path, "watch", RAISED, topic=topic)
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def play(self, lit_ms: list[float], bare_ms: list[float], timeout_s: float) -> None:
        """Play `SAMPLES` alarms to each post, and append each post's time (ms) to `lit_ms` and the
        subscriber's to `bare_ms`. Raises `HarnessError` if a post does not light within
        `timeout_s`."""
        for number in range(SAMPLES):
            for gate, tower in self._site.towers.items():
                lit, bare = self._light(gate, tower.board, number + 1, timeout_s)
                lit_ms.append(lit * 1000)
                bare_ms.append(bare * 1000)

    def _light(self, gate: str, board: Board, seq: int, timeout_s: float) -> tuple[float, float]:
        fever = FeverSeen(kiosk=f"{gate}-kiosk", boot=1, seq=seq)
        raised = AlarmState(gate=gate, state="raised", since=time.time(), fevers=1, last=fever)
        changes_before = len(board.pin_history)
        at = self._publish(raised)
        lit_at = _turned(board, changes_before, 1, timeout_s)
        bare_at = float(self._bare.line(timeout_s))
        changes_before = len(board.pin_history)
        self._publish(AlarmState(gate=gate, state="clear", since=time.time()))
        _turned(board, changes_before, 0, timeout_s)
        time.sleep(_REST_S)
        return lit_at - at, bare_at - at

    def _publish(self, state: AlarmState) -> float:
        """Publish a state; returns the time of publication (monotonic s)."""
        payload = encode(state)
        topic = shown_topic(self._site.campus, state.gate)
        at = time.monotonic()
        self._gateway.publish(topic, payload, qos=1)
        return at


def _turned(board: Board, changes_before: int, level: int, timeout_s: float) -> float:
    """Wait until the red pin takes `level`, and return when it did (monotonic s); the first
    `changes_before` changes of pins do not count."""

    def changes() -> list[float]:
        return [
            change.host_s
            for change in board.pin_history[changes_before:]
            if change.pin == board.pins.red and change.level == level
        ]

    wait_until(lambda: bool(changes()), timeout_s, f"{board.name}: red {level}")
    return changes()[0]
