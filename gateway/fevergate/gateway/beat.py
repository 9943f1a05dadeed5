"""Tells lamp posts that the alarm of their gate is alive: a post that hears nothing is amber."""

from collections.abc import Callable

from fevergate.alarm.alarm import Alarm
from fevergate.protocol.alarm_messages import Beat
from fevergate.protocol.messages import encode
from fevergate.protocol.topics import beat_topic
from fevergate.settings.gateway import GatewaySettings


class AlarmBeat:
    """Publishes a `Beat` for each gate with posts; call `beat` each second while all works.

    It is silent where the alarm is stuck, since it passes through the alarm's lock, and where the
    broker's thread is, which takes in the fevers and sends the beats.
    """

    def __init__(
        self, settings: GatewaySettings, alarm: Alarm, publish: Callable[..., object]
    ) -> None:
        """`publish(topic, payload, qos=0)` is `BrokerClient.publish`."""
        gates = dict.fromkeys(settings.posts.values())
        self._topics = [beat_topic(settings.campus, gate) for gate in gates]
        self._alarm = alarm
        self._publish = publish
        self._n = 0

    def beat(self) -> None:
        """Send one beat; blocks as long as the alarm does."""
        if not self._topics:
            return
        self._alarm.states()
        self._n += 1
        for topic in self._topics:
            self._publish(topic, encode(Beat(n=self._n)), qos=0)
