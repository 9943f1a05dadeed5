"""The sign of life for lamp posts: it comes from an alarm that works, or not at all."""

import threading
from typing import Any

from samples import reading, settings

from fevergate.alarm.alarm import Alarm
from fevergate.gateway.beat import AlarmBeat
from fevergate.protocol.alarm_messages import Beat
from fevergate.protocol.messages import decode

HANG_S = 60


class Lamps:
    def __init__(self):
        self.events = []
        self.shown = threading.Event()
        self.go_on = threading.Event()

    def show(self, *, red, amber):
        if red:
            self.shown.set()
            assert self.go_on.wait(HANG_S)
            self.events.append("lamp")

    def buzz(self, on):
        pass


class Broker:
    def __init__(self, events):
        self.events = events
        self.messages = []

    def publish(self, topic, payload, *, qos, retain=False):
        self.events.append("beat")
        self.messages.append((topic, decode(payload, Beat).n, qos, retain))
        return True


class AlarmLock:
    """The lock of an alarm; `awaited` is set once somebody has to wait for it."""

    def __init__(self):
        self._lock = threading.Lock()
        self.awaited = threading.Event()

    def __enter__(self):
        if not self._lock.acquire(blocking=False):
            self.awaited.set()
            self._lock.acquire()

    def __exit__(self, *_):
        self._lock.release()


def gates(**posts):
    gates = settings().gates
    for gate in gates:
        gate.posts = posts.get(gate.name, [])
    return settings(gates=gates)


def test_each_gate_with_posts_gets_one_beat_whatever_their_number():
    lamps = Lamps()
    broker = Broker(lamps.events)
    beat = AlarmBeat(
        gates(south=["south-post", "south-post-2"]),
        Alarm({"south": lamps}, lambda _: None),
        broker.publish,
    )
    beat.beat()
    beat.beat()
    topic = "fevergate/v1/east/alarm/south/beat"
    assert broker.messages == [(topic, 1, 0, False), (topic, 2, 0, False)]


def test_every_gate_with_posts_gets_the_beat():
    broker = Broker([])
    alarm = Alarm({"north": Lamps(), "south": Lamps()}, lambda _: None)
    beat = AlarmBeat(gates(north=["north-post"], south=["south-post"]), alarm, broker.publish)
    beat.beat()
    assert {topic for topic, *_ in broker.messages} == {
        "fevergate/v1/east/alarm/north/beat",
        "fevergate/v1/east/alarm/south/beat",
    }


def test_without_posts_nothing_is_sent():
    broker = Broker([])
    AlarmBeat(gates(), Alarm({"north": Lamps()}, lambda _: None), broker.publish).beat()
    assert broker.messages == []


def test_an_alarm_that_is_stuck_is_silent():
    lamps = Lamps()
    broker = Broker(lamps.events)
    alarm = Alarm({"north": lamps, "south": Lamps()}, lambda _: None)
    lock: Any = AlarmLock()
    alarm._lock = lock

    def publish(*arguments, **options):
        lock.awaited.set()  # a beat that does not wait fails by the order of events below
        return broker.publish(*arguments, **options)

    beat = AlarmBeat(gates(north=["north-post"]), alarm, publish)
    raising = threading.Thread(target=alarm.fever, args=("north", reading(1, "fever")))
    raising.start()
    assert lamps.shown.wait(HANG_S)
    beating = threading.Thread(target=beat.beat)
    beating.start()
    assert lock.awaited.wait(HANG_S)
    lamps.go_on.set()
    beating.join(HANG_S)
    raising.join(HANG_S)
    assert lamps.events == ["lamp", "beat"]
