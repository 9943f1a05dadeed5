"""Many kiosks in one process: each publishes readings at QoS 1, pipelined, with its own password.

Like a real kiosk, each keeps a reading until the gateway confirms that it is stored. It sends the
reading again after a lost connection, or if the confirmation does not come in time.
"""

import argparse
import json
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from fevergate.errors import NothingFoundError
from fevergate.mqtt.tls import named_context, no_delay
from fevergate.protocol.messages import Health, Identity, Reading, Stored, Verdict, encode
from fevergate.protocol.topics import Topic
from fevergate.settings.gateway import GatewaySettings, load_gateway
from harness.errors import HarnessError
from harness.figures import show
from harness.readings import made_reading
from harness.worker import wait_until

CONNECT_S = 120
AGAIN_S = 5.0
"""A reading not confirmed as stored is sent again after this time."""

IN_FLIGHT = 500
WINDOW = 2000
"""Most readings that a kiosk repeats at once, oldest first."""


class LoadKiosk:
    """One kiosk: its MQTT connection and the readings not yet reported as stored."""

    def __init__(
        self,
        settings: GatewaySettings,
        kiosk: str,
        boot: int,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """`clock`: returns the kiosk's time (Unix s), from which its uptime is counted. By default
        the kiosk has this machine's time, and each reading adds 1 s to its uptime."""
        self.kiosk = kiosk
        self._clock = clock or time.time
        self._began_at = clock() if clock else None
        self.off_s = 0.0
        """Seconds by which the dates it sends are ahead of its clock; its uptime is right."""
        self.boot = boot
        self.published_at = 0.0
        """When the last reading was published; monotonic s."""
        self._campus = settings.campus
        self._topic = str(Topic(settings.campus, kiosk, "reading"))
        self._seq = 0
        self._lock = threading.Lock()
        self._pending: dict[int, bytes] = {}
        self._sent_at: dict[int, float] = {}
        self._under_way: deque[mqtt.MQTTMessageInfo] = deque()
        broker = settings.broker
        values = json.loads((settings.folder / "kiosks" / kiosk / "settings.json").read_bytes())
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.username_pw_set(values["username"], values["password"])
        client.tls_set_context(named_context(broker, str(settings.path(broker.ca))))
        client.max_inflight_messages_set(IN_FLIGHT)
        client.reconnect_delay_set(min_delay=1, max_delay=1)
        client.on_socket_open = no_delay
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        # No client id is set: several connections of one kiosk must not displace each other.
        client.connect_async(*broker.addresses[0], 20)
        client.loop_start()
        self._client = client

    @property
    def connected(self) -> bool:
        return self._client.is_connected()

    def wait_up(self) -> None:
        """Wait until connected. Raises `HarnessError` after `CONNECT_S`."""
        wait_until(lambda: self.connected, CONNECT_S, f"{self.kiosk} is connected")

    @property
    def pending(self) -> int:
        """Number of readings not yet reported as stored."""
        with self._lock:
            return len(self._pending)

    @property
    def unsent(self) -> int:
        """Number of messages that the broker has not acknowledged."""
        while self._under_way and self._under_way[0].is_published():
            self._under_way.popleft()
        return len(self._under_way)

    def reading(self, verdict: Verdict, body_c: float) -> Reading:
        """Put the next reading into the outbox and publish it; returns it."""
        now = self._clock()
        with self._lock:
            self._seq += 1
            reading = made_reading(
                self.kiosk,
                self.boot,
                self._seq,
                round(now + self.off_s, 3),
                verdict,
                body_c,
                up_ms=self._up_ms(now),
            )
            payload = encode(reading)
            self._pending[self._seq] = payload
            self.published_at = self._sent_at[self._seq] = time.monotonic()
        self._publish(payload)
        return reading

    def health(self, watched_s: float) -> None:
        """Publish a health message that reports `watched_s` s of watching up to now.

        It is dropped if not connected."""
        now = self._clock()
        health = Health(
            kiosk=self.kiosk,
            boot=self.boot,
            at=float(int(now + self.off_s)),
            up_ms=self._up_ms(now),
            state="ok",
            watched_s=watched_s,
        )
        self.say(str(Topic(self._campus, self.kiosk, "health")), encode(health))

    def say(self, topic: str, payload: bytes) -> None:
        """Publish any payload. Dropped if not connected."""
        if self.connected:
            self._client.publish(topic, payload, qos=1)

    def again(self) -> None:
        """Publish again the readings not confirmed as stored within `AGAIN_S`, oldest first."""
        late = time.monotonic() - AGAIN_S
        with self._lock:
            due = [seq for seq, at in list(self._sent_at.items())[:WINDOW] if at < late]
            for seq in due:
                self._sent_at[seq] = time.monotonic()
            payloads = [self._pending[seq] for seq in due]
        for payload in payloads:
            self._publish(payload)

    def close(self) -> None:
        """Disconnect; pending readings are dropped."""
        self._client.disconnect()
        self._client.loop_stop()

    def _up_ms(self, now: float) -> int:
        if self._began_at is None:
            return self._seq * 1000
        return round((now - self._began_at) * 1000)

    def _publish(self, payload: bytes) -> None:
        if self.connected:  # otherwise paho would queue it, and send it besides our repeat
            message = self._client.publish(self._topic, payload, qos=1)
            if message.rc == mqtt.MQTT_ERR_SUCCESS:
                self._under_way.append(message)

    def _on_connect(self, client: mqtt.Client, *args: Any) -> None:
        if args[2].is_failure:
            return
        client.subscribe(str(Topic(self._campus, self.kiosk, "stored")), 1)
        client.publish(str(Topic(self._campus, self.kiosk, "status")), b"online", 1, retain=True)
        with self._lock:
            self._sent_at = dict.fromkeys(self._pending, 0.0)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        stored = msgspec.json.decode(message.payload, type=Stored)
        if stored.boot != self.boot:
            return
        missing = [range(first, last + 1) for first, last in stored.gaps]
        with self._lock:
            for seq in list(self._pending):
                if seq > stored.seq:
                    break
                if not any(seq in gap for gap in missing):
                    del self._pending[seq], self._sent_at[seq]


class Fleet:
    """The kiosks of a gateway's settings, or the first `kiosks` of them."""

    def __init__(
        self,
        settings: GatewaySettings,
        kiosks: int | None = None,
        boot: int = 1,
        seed: int = 1,
        clock: Callable[[], float] | None = None,
    ) -> None:
        names = [kiosk for gate in settings.gates for kiosk in gate.kiosks][:kiosks]
        if kiosks is not None and len(names) < kiosks:
            raise NothingFoundError(f"{kiosks} kiosks: these settings have {len(names)}")
        self._chance = random.Random(seed)  # noqa: S311 - people, not keys
        self.published: dict[Identity, Verdict] = {}
        self.dates: dict[Identity, float] = {}
        """When each reading was taken, Unix s."""
        self.sent_at: dict[Identity, float] = {}
        """When each reading was first published, monotonic s."""
        self.kiosks = [LoadKiosk(settings, name, boot, clock=clock) for name in names]
        try:
            for kiosk in self.kiosks:
                kiosk.wait_up()
        except HarnessError:
            self.close()
            raise

    @property
    def pending(self) -> int:
        return sum(kiosk.pending for kiosk in self.kiosks)

    def publish(self, count: int, per_s: float = 0.0, fever_share: float = 0.0) -> list[Reading]:
        """Publish `count` readings, `per_s` a second (0: as fast as possible); returns fevers."""
        began = time.monotonic()
        fevers = []
        for index in range(count):
            kiosk = self.kiosks[index % len(self.kiosks)]
            fever = self._chance.random() < fever_share
            body_c = round(38.2 if fever else min(37.2, self._chance.gauss(36.5, 0.25)), 2)
            sent_at = time.monotonic()
            reading = kiosk.reading(Verdict.FEVER if fever else Verdict.NORMAL, body_c)
            self.sent_at[reading.identity] = sent_at
            self.published[reading.identity] = reading.verdict
            self.dates[reading.identity] = (reading.at or 0.0) - kiosk.off_s
            if fever:
                fevers.append(reading)
            if per_s and (ahead_s := began + (index + 1) / per_s - time.monotonic()) > 0:
                time.sleep(ahead_s)
        return fevers

    def wait_sent(self, timeout_s: float) -> None:
        """Wait until the broker has acknowledged all readings. Raises `HarnessError` after
        `timeout_s`."""
        wait_until(lambda: not any(k.unsent for k in self.kiosks), timeout_s, "all is sent")

    def wait_stored(self, timeout_s: float) -> bool:
        """Wait until the gateway has stored all readings, and repeat late ones; False after
        `timeout_s`."""
        until = time.monotonic() + timeout_s
        while self.pending:
            if time.monotonic() > until:
                return False
            for kiosk in self.kiosks:
                kiosk.again()
            time.sleep(0.05)
        return True

    def close(self) -> None:
        for kiosk in self.kiosks:
            kiosk.close()


def main() -> int:
    """Run `tools/load`; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="tools/load",
        description="Publishes invented readings to a running gateway as many kiosks would, each"
        " under its own credential, at QoS 1. Every kiosk keeps a reading until the gateway"
        " confirms that it is stored, and sends it again if the connection breaks.",
        epilog="Example: tools/load /etc/fevergate/gateway.toml --readings 10000 --rate 200. Prints"
        " one JSON line. Exit code 1: the gateway did not confirm every reading.",
    )
    add = parser.add_argument
    add("settings", type=Path, help="gateway.toml, with the folder kiosks/ beside it")
    add("--readings", type=int, default=1000, help="number of readings (default %(default)s)")
    add("--rate", type=float, default=0.0, help="readings per second (default: no limit)")
    add("--kiosks", type=int, help="number of kiosks that send (default: all in the settings)")
    add("--fevers", type=float, default=0.0, help="share of fevers, 0 to 1 (default %(default)s)")
    add("--boot", type=int, default=int(time.time()), help="boot number (default: the time now)")
    add("--wait-s", type=float, default=60, help="longest wait, in seconds (default %(default)s)")
    add("--unheard", action="store_true", help="wait for the broker only: fills its queues")
    arguments = parser.parse_args()
    fleet = Fleet(load_gateway(arguments.settings), arguments.kiosks, arguments.boot)
    began = time.monotonic()
    fevers = fleet.publish(arguments.readings, arguments.rate, arguments.fevers)
    fleet.wait_sent(arguments.wait_s)
    took_s = time.monotonic() - began
    complete = arguments.unheard or fleet.wait_stored(arguments.wait_s)
    show(
        {
            "readings": arguments.readings,
            "fevers": len(fevers),
            "sent_per_s": round(arguments.readings / took_s),
            "pending": fleet.pending,
        },
        as_json=True,
    )
    fleet.close()
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
