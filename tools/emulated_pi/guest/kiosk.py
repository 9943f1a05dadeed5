"""A stand-in for a kiosk; it runs on the emulated Pi itself, which has no network.

Usage: kiosk.py KIOSK BOOT FIRST COUNT VERDICT PAUSE_S     (COUNT 0: for ever)

Publishes over TLS with the kiosk's own credential, and repeats each reading until the gateway says
that it is stored, as the firmware does. Each line that it prints starts with a record separator.
"""

import json
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

FOLDER = Path("/etc/fevergate")
REPEAT_S = 20.0
FIRST_YEAR_S = 1_577_836_800  # 2020


def main():
    kiosk, boot, first, count = sys.argv[1], *map(int, sys.argv[2:5])
    verdict, pause_s = sys.argv[5], float(sys.argv[6])
    settings = json.loads((FOLDER / "kiosks" / kiosk / "settings.json").read_text())
    base = f"fevergate/v1/{settings['campus']}/{kiosk}"
    stored = Stored(boot)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=kiosk, clean_session=True)
    client.username_pw_set(kiosk, settings["password"])
    client.tls_set_context(ssl.create_default_context(cafile=str(FOLDER / "ca.crt")))
    client.reconnect_delay_set(1, 2)

    def connected(client, *_):
        client.subscribe(f"{base}/stored", 1)

    client.on_connect = connected
    client.on_message = lambda _client, _data, message: stored.hear(message.payload)
    client.connect_async("127.0.0.1", 8883)
    client.loop_start()
    waiting, seq = {}, first
    while True:
        if count == 0 or seq < first + count:
            if client.is_connected():
                waiting[seq] = 0.0
                say("sent", seq)
                seq += 1
        elif not waiting:
            break
        for number in [number for number in waiting if stored.has(number)]:
            del waiting[number]
            say("stored", number)
        for number, at in waiting.items():
            if client.is_connected() and (not at or time.monotonic() - at > REPEAT_S):
                waiting[number] = time.monotonic()
                client.publish(f"{base}/reading", payload(kiosk, boot, number, verdict), 1)
        time.sleep(pause_s)
    client.disconnect()
    client.loop_stop()


class Stored:
    """Which readings of a boot the gateway has stored, by its last message
    `fevergate.protocol.messages.Stored`."""

    def __init__(self, boot):
        self._boot, self._lock = boot, threading.Lock()
        self._last: dict[str, Any] = {"seq": 0}

    def hear(self, payload: bytes | bytearray):
        message = json.loads(payload)
        with self._lock:
            if message["boot"] == self._boot:
                self._last = message

    def has(self, seq):
        with self._lock:
            message = self._last
        if any(first <= seq <= last for first, last in message.get("also", ())):
            return True
        gaps = message.get("gaps", ())
        return seq <= message["seq"] and not any(first <= seq <= last for first, last in gaps)


def payload(kiosk, boot, seq, verdict):
    now = time.time()
    return json.dumps(
        {
            "v": 1,
            "kiosk": kiosk,
            "boot": boot,
            "seq": seq,
            "at": now if now > FIRST_YEAR_S else None,
            "up_ms": int(time.monotonic() * 1000),
            "verdict": verdict,
            "skin_c": 35.6 if verdict == "normal" else 37.6,
            "body_c": 36.6 if verdict == "normal" else 38.6,
        }
    )


def say(word, number):
    print(f"\n\036{word} {number}", flush=True)


if __name__ == "__main__":
    main()
