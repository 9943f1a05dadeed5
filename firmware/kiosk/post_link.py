"""A lamp post's connection to the broker: its gate's topics, no readings."""

from kiosk.mqtt_link import MqttLink


class PostLink(MqttLink):
    """Connection of a lamp post.

    `elsewhere`: whole topics that are not below this board's name, and the handler of each, which
    takes the payload (bytes). The other parameters are those of `MqttLink`.
    """

    idle_poll_ms = 1  # a message may lie unread for this long: a red light must not wait

    def __init__(self, settings, context, wifi, hears, pieces, elsewhere):
        self._elsewhere = elsewhere
        MqttLink.__init__(self, settings, (), context, wifi, hears, pieces)

    def publish(self, topic, text):
        """Send a message on a whole topic; returns whether it is on its way."""
        return self.client.publish(topic, text)

    def _topics(self):
        topics = [self.base + kind for kind in list(self.hears) + list(self.pieces)]
        return topics + list(self._elsewhere)

    def _message(self, topic, payload):
        if topic not in self._elsewhere:
            MqttLink._message(self, topic, payload)
            return
        try:
            self._elsewhere[topic](payload)
        except Exception as error:  # a hostile message must not end the connection
            print("%s: not understood: %s" % (topic, error))
