"""The gateway's limit: a bare paho subscriber with its credential that only acknowledges.

After a line `ready`, `drain COUNT` prints when the first and last of COUNT messages came, and
`watch TEXT` when each message with the text came, in monotonic s; `register` creates the session.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from fevergate.mqtt.tls import named_context, no_delay
from fevergate.protocol.messages import Topic
from fevergate.settings.gateway import GatewaySettings, load_gateway, read_secret
from harness.errors import HarnessError
from harness.site import LoadSite
from harness.worker import END_S, Worker

CLIENT = "bare"


def bare_subscriber(site: LoadSite, *arguments: str) -> Worker:
    """Run this module as a process and wait until it is ready. Raises `HarnessError`."""
    worker = Worker("bench_suite.sink", str(site.settings_path), *arguments)
    if worker.line(END_S) != "ready":
        raise HarnessError("the bare subscriber did not come up")
    return worker


def client_of(settings: GatewaySettings, *, kept: bool) -> mqtt.Client:
    """A plain client; `kept`: with a persistent session, in which the broker queues messages."""
    broker = settings.broker
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=CLIENT,
        clean_session=not kept,
        protocol=mqtt.MQTTv311,
    )
    client.username_pw_set(broker.username, read_secret(settings.path(broker.password_file)))
    client.tls_set_context(named_context(broker, str(settings.path(broker.ca))))
    client.on_socket_open = no_delay
    return client


def main() -> None:
    """Usage: sink SETTINGS register | drain COUNT | watch TEXT."""
    settings = load_gateway(Path(sys.argv[1]))
    mode, *rest = sys.argv[2:]
    client = client_of(settings, kept=mode != "watch")
    done = threading.Event()
    came = 0
    first_at = 0.0

    def connected(client: mqtt.Client, *_: Any) -> None:
        if mode == "drain":  # subscribed already; queued messages may come at once
            print("ready", flush=True)
        else:
            client.subscribe(str(Topic(settings.campus, "+", "reading")), 1)

    def subscribed(*_: Any) -> None:
        print("ready", flush=True)
        if mode == "register":
            done.set()

    def drained(*_: Any) -> None:
        nonlocal came, first_at
        came += 1
        if came == 1:
            first_at = time.monotonic()
        elif came == count:
            print(f"{first_at:.6f} {time.monotonic():.6f}", flush=True)
            done.set()

    def watched(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if text in message.payload:
            print(f"{time.monotonic():.6f}", flush=True)

    if mode == "drain":
        count = int(rest[0])
        client.on_message = drained
    elif mode == "watch":
        text = rest[0].encode()
        client.on_message = watched
    client.on_subscribe = subscribed
    client.on_connect = connected
    client.connect(*settings.broker.addresses[0], 20)
    client.loop_start()
    if mode == "watch":
        sys.stdin.read()
    else:
        done.wait()
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()
