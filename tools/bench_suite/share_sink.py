"""The collectors' limit: a bare paho subscriber in the same share that only acknowledges.

`share_sink SETTINGS NAME register` creates its session and ends; `... drain COUNT` prints when the
first and last of COUNT messages came (monotonic s) and the CPU seconds used; `... end` removes the
session.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from bench_suite.collect_host import cpu_s
from fevergate.collect.collector import client_id
from fevergate.collect.intake import topics
from fevergate.mqtt.client import SessionOptions
from fevergate.mqtt.tls import named_context, no_delay
from fevergate.settings.collector import load_collect
from fevergate.settings.gateway import read_secret


def main() -> None:
    """Usage: share_sink SETTINGS NAME register | drain COUNT | end."""
    name, mode, *rest = sys.argv[2:]
    settings = load_collect(Path(sys.argv[1])).named(name)
    broker = settings.broker
    done = threading.Event()
    came = 0
    first_at = cpu_at = 0.0
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=client_id(broker.group, name), protocol=mqtt.MQTTv5
    )
    client.username_pw_set(broker.username, read_secret(settings.path(broker.password_file)))
    client.tls_set_context(named_context(broker, str(settings.path(broker.ca))))
    client.on_socket_open = no_delay

    def connected(client: mqtt.Client, *_: Any) -> None:
        if mode == "register":
            client.subscribe(topics(settings.share())[0], 1)
        elif mode == "end":
            done.set()

    def message(*_: Any) -> None:
        nonlocal came, first_at, cpu_at
        came += 1
        if came == 1:
            first_at, cpu_at = time.monotonic(), cpu_s()
        if came == count:
            print(f"{first_at:.6f} {time.monotonic():.6f} {cpu_s() - cpu_at:.6f}", flush=True)
            done.set()

    count = int(rest[0]) if rest else 0
    client.on_connect = connected
    client.on_message = message
    client.on_subscribe = lambda *_: done.set()
    session = SessionOptions(0 if mode == "end" else 86_400, broker.window)
    client.connect(
        broker.host, broker.port, 20, clean_start=mode == "end", properties=session.properties()
    )
    client.loop_start()
    done.wait()
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()
