"""Tells lamp posts that their gate's alarm works; a post that hears nothing turns amber."""

from collections.abc import Callable

from fevergate.alarm.alarm import Alarm
from fevergate.protocol.alarm_messages import Beat
from fevergate.protocol.messages import encode
from fevergate.protocol.topics import beat_topic
from fevergate.settings.gateway import GatewaySettings


class AlarmBeat:
    """Publishes a `Beat` for each gate with posts; call `beat` each second while the gateway works.

    No beat is sent if the alarm is stuck, because `beat` waits for the alarm's lock. No beat is
    sent either if the broker's thread is stuck: it receives the fevers and sends the beats.
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
        """Send one beat to each gate with posts; blocks while the alarm is blocked."""
        if not self._topics:
            return
        self._alarm.states()
        self._n += 1
        for topic in self._topics:
            self._publish(topic, encode(Beat(n=self._n)), qos=0)
