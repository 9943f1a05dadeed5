"""How long a fever takes to the red lamp and to the disk, beside what limits it.

One run, side by side: the broker's own hop (publish to another subscriber) limits the lamp,
a bare fsync in the same folder limits `stored`. The ratio is the figure to watch.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from pathlib import Path
from statistics import median, quantiles

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from demonstration.processes import wait_until
from demonstration.system import CAMPUS, System
from fevergate.broker_tls import named_context, no_delay
from fevergate.database import open_reader
from fevergate.protocol import Identity, Reading, Stored, Topic, Verdict, encode
from fevergate.settings import read_secret

KIOSK = "north-1"
BOOT = 1


class Line:
    """A stock client on the broker, with the time (s) at which each message came."""

    def __init__(self, system: System, user: str, password: str, topic: Topic) -> None:
        self.came: dict[bytes, float] = {}
        self._ready = threading.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.username_pw_set(user, password)
        broker = system.settings.broker
        client.tls_set_context(named_context(broker, str(system.settings.path(broker.ca))))
        client.on_socket_open = no_delay
        client.on_message = self._message
        client.on_subscribe = lambda *_: self._ready.set()
        client.connect(broker.host, broker.port)
        client.loop_start()
        client.subscribe(str(topic), 1)
        self._ready.wait(10)
        self.client = client

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self.came.setdefault(bytes(message.payload), time.time())

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def fsync_ms(folder: Path, count: int) -> list[float]:
    """A bare append of one page and its fsync, in ms."""
    took = []
    with (folder / "fsync.probe").open("wb", buffering=0) as file:
        for _ in range(count):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return took


def measure(count: int, every_s: float) -> dict[str, float]:
    """Send `count` fevers, one each `every_s`; p50 and p99 in ms, and ratios of medians."""
    with tempfile.TemporaryDirectory(prefix="fevergate-bench-") as name:
        folder = Path(name) / "bench"
        with System(folder, [], gates={"north": [KIOSK]}) as system:
            system.guard.go_home()
            for board in system.boards:
                board.stop()
            secret = json.loads((folder / "kiosks" / KIOSK / "settings.json").read_text())
            topic = Topic(CAMPUS, KIOSK, "reading")
            admin = read_secret(folder / "admin.password")
            other = Line(system, "admin", admin, topic)
            kiosk = Line(system, KIOSK, secret["password"], Topic(CAMPUS, KIOSK, "stored"))
            gate = Line(system, "admin", admin, Topic(CAMPUS, "alarm", "north"))
            wait_until(lambda: bool(gate.came), 30, "the gateway listens")
            gate.close()
            sent: dict[int, tuple[float, bytes]] = {}
            for seq in range(1, count + 1):
                payload = encode(_fever(seq))
                sent[seq] = (time.time(), payload)
                kiosk.client.publish(str(topic), payload, qos=1)
                time.sleep(every_s)
            wait_until(lambda: len(other.came) == count, 30, "the other subscriber heard all")
            wait_until(lambda: _told(kiosk) >= count, 30, "all is stored")
            raised = _raised(system)
            hop = [(other.came[payload] - at) * 1000 for at, payload in sent.values()]
            lamp = [(raised[seq] - at) * 1000 for seq, (at, _) in sent.items()]
            stored = _stored_ms(kiosk, sent)
            disk = fsync_ms(folder, count)
            other.close()
            kiosk.close()
    figures = {"fevers": float(count)}
    for key, values in (("hop", hop), ("lamp", lamp), ("fsync", disk), ("stored", stored)):
        figures[f"{key}_ms_p50"] = round(median(values), 3)
        figures[f"{key}_ms_p99"] = round(quantiles(values, n=100, method="inclusive")[98], 3)
    figures["lamp_to_hop"] = round(median(lamp) / median(hop), 2)
    floor = 2 * median(hop) + median(disk)
    figures["stored_to_two_hops_and_fsync"] = round(median(stored) / floor, 2)
    return figures


def _fever(seq: int) -> Reading:
    return Reading(
        kiosk=KIOSK, boot=BOOT, seq=seq, at=time.time(), up_ms=seq, verdict=Verdict.FEVER
    )


def _raised(system: System) -> dict[int, float]:
    """When each fever's lamp was lit, by the gateway's own clock, which is this machine's."""
    reader = open_reader(system.settings.path(system.settings.database))
    try:
        rows = reader.execute("select kiosk, boot, seq, raised_at from fevers")
        return {Identity(k, b, s).seq: at for k, b, s, at in rows}
    finally:
        reader.close()


def _told(kiosk: Line) -> int:
    return max((_seq(payload) for payload in list(kiosk.came)), default=0)


def _seq(payload: bytes) -> int:
    return msgspec.json.decode(payload, type=Stored).seq


def _stored_ms(kiosk: Line, sent: dict[int, tuple[float, bytes]]) -> list[float]:
    """From sending to the word that it is on disk; one word may speak of several."""
    told = sorted((at, _seq(payload)) for payload, at in kiosk.came.items())
    return [
        (next(at for at, up_to in told if up_to >= seq) - began) * 1000
        for seq, (began, _) in sent.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("--fevers", type=int, default=300, help="how many (%(default)s)")
    parser.add_argument("--every-ms", type=float, default=20, help="one each (%(default)s ms)")
    parser.add_argument("--json", action="store_true", help="one JSON line")
    arguments = parser.parse_args()
    figures = measure(arguments.fevers, arguments.every_ms / 1000)
    if arguments.json:
        print(json.dumps(figures))
        return
    for key, value in figures.items():
        print(f"{key:<30} {value:10.3f}")


if __name__ == "__main__":
    main()
