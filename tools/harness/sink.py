"""A bare paho subscriber that only acknowledges messages: no gateway or collector can be faster.

It subscribes as the client whose settings it is given: gateway.toml, or collect.toml and the name
of a collector. Mode `register` creates the client's session and ends, `end` removes the session.
The other modes print a line `ready`; then `drain COUNT` prints when the first and the last of COUNT
messages arrived (monotonic s), and `watch TEXT` when each message that contains the text arrived.
"""

import argparse
import sys
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from fevergate.collect.collector import client_id
from fevergate.collect.intake import topics
from fevergate.mqtt.session import SessionOptions
from fevergate.mqtt.tls import named_context, no_delay
from fevergate.protocol.topics import Topic
from fevergate.settings.collector import load_collect
from fevergate.settings.gateway import load_gateway
from fevergate.settings.settings_file import read_secret
from harness.errors import HarnessError
from harness.worker import END_S, Worker

KEPT_S = 86_400


def bare_subscriber(
    settings: Path, mode: str, argument: str = "", collector: str = "", topic: str = ""
) -> Worker:
    """Run this module as a process and wait until it is ready. `topic`: by default the topics of
    all readings. Raises `HarnessError`."""
    options = ("--collector", collector, "--topic", topic)
    worker = Worker("harness.sink", str(settings), mode, argument, *options)
    if worker.line(END_S) != "ready":
        raise HarnessError("the bare subscriber did not come up")
    return worker


class Sink:
    """The subscriber; `done` is set once the mode's work is complete."""

    def __init__(self, mode: str, argument: str) -> None:
        self.done = threading.Event()
        self._mode = mode
        self._count = int(argument) if mode == "drain" else 0
        self._text = argument.encode()
        self._arrivals = 0
        self._first_at = 0.0

    def connected(self, client: mqtt.Client, topic: str) -> None:
        """Subscribe, unless an earlier process of this session did; then queued messages may arrive
        at once."""
        if self._mode in ("register", "watch"):
            client.subscribe(topic, 1)
        else:
            self.ready()

    def ready(self, *_: Any) -> None:
        """Report to the parent process that the subscriber is ready."""
        print("ready", flush=True)
        if self._mode in ("register", "end"):
            self.done.set()

    def message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        """Take one message."""
        now = time.monotonic()
        if self._mode == "watch" and self._text in message.payload:
            print(f"{now:.6f}", flush=True)
        self._arrivals += 1
        self._first_at = self._first_at or now
        if self._arrivals == self._count:
            print(f"{self._first_at:.6f} {now:.6f}", flush=True)
            self.done.set()


def main() -> None:
    """Run until the mode's work is complete; `watch` runs until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", type=Path)
    parser.add_argument("mode", choices=("register", "drain", "watch", "end"))
    parser.add_argument("what", nargs="?", default="")
    parser.add_argument("--collector", default="")
    parser.add_argument("--topic", default="")
    arguments = parser.parse_args()
    sink = Sink(arguments.mode, arguments.what)
    options: dict[str, Any]
    if arguments.collector:
        settings = load_collect(arguments.settings).named(arguments.collector)
        broker = settings.broker
        topic = topics(settings.share())[0]
        options = {
            "client_id": client_id(broker.group, arguments.collector),
            "protocol": mqtt.MQTTv5,
        }
        session = SessionOptions(0 if arguments.mode == "end" else KEPT_S, broker.window)
        joining = {"clean_start": arguments.mode == "end", "properties": session.properties()}
    else:
        settings = load_gateway(arguments.settings)
        broker = settings.broker
        topic = arguments.topic or str(Topic(settings.campus, "+", "reading"))
        options = {"client_id": "bare", "protocol": mqtt.MQTTv311}
        options["clean_session"] = arguments.mode == "watch"
        joining = {}
    client = mqtt.Client(CallbackAPIVersion.VERSION2, **options)
    client.username_pw_set(broker.username, read_secret(settings.path(broker.password_file)))
    client.tls_set_context(named_context(broker, str(settings.path(broker.ca))))
    client.on_socket_open = no_delay
    client.on_connect = lambda client, *_: sink.connected(client, topic)
    client.on_subscribe = sink.ready
    client.on_message = sink.message
    client.connect(*broker.addresses[0], 20, **joining)
    client.loop_start()
    if arguments.mode == "watch":
        sys.stdin.read()
    else:
        sink.done.wait()
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()
