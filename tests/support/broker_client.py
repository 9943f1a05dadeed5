"""A client of the real broker that remembers what it heard."""

import json
import ssl
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from fevergate.settings.settings_file import read_secret

BASE = "fevergate/v1/east"
HANG_S = 120
"""Timeout that only a hanging broker reaches; far longer than any answer takes."""


class Client:
    """A client that remembers what it heard."""

    def __init__(self, site, user, password=None, *, version=ssl.TLSVersion.TLSv1_2, **options):
        self.messages = []
        self.refused = None
        self.connected = threading.Event()
        self._changed = threading.Condition()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, **options)
        if user:
            client.username_pw_set(user, password or password_of(site, user))
        context = ssl.create_default_context(cafile=str(site.folder / "ca.crt"))
        context.maximum_version = version
        client.tls_set_context(context)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        self.client = client
        client.connect("127.0.0.1", site.port)
        client.loop_start()
        assert self.connected.wait(HANG_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()

    def _on_connect(self, _client, _data, _flags, reason, _properties):
        self.refused = str(reason) if reason.is_failure else None
        self.connected.set()

    def _on_message(self, _client, _data, message):
        with self._changed:
            self.messages.append((message.topic, message.payload))
            self._changed.notify_all()

    def hear(self, topic):
        subscribed = threading.Event()
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.subscribe(topic, 1)
        assert subscribed.wait(HANG_S)

    def say(self, topic, payload, retain=False):
        """Publish and wait for the broker's answer; returns whether it refused."""
        outcome = []
        answered = threading.Event()

        def published(_client, _data, _mid, reason, _properties):
            outcome.append(reason.is_failure)
            answered.set()

        self.client.on_publish = published
        self.client.publish(topic, payload, qos=1, retain=retain)
        assert answered.wait(HANG_S)
        return outcome[0]

    def wait_for(self, payload):
        with self._changed:
            arrived = self._changed.wait_for(
                lambda: payload in [p for _, p in self.messages], timeout=HANG_S
            )
        assert arrived, self.messages

    def payloads(self):
        return [payload for _, payload in self.messages]


def password_of(site, user):
    if (site.folder / f"{user}.password").exists():
        return read_secret(site.folder / f"{user}.password")
    return json.loads((site.folder / "kiosks" / user / "settings.json").read_text())["password"]
