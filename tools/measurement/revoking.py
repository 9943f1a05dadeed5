"""How fast a stolen kiosk is cut off: from `fevergate provision revoke` to the end of its session.

With a real mosquitto over TLS on this machine, and the command as a process of its own.
"""

import ssl
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from fevergate.errors import BrokerError
from fevergate.provision.kiosks import settings_of
from harness.site import Site

WAIT_S = 120


def revoking(rounds: int) -> dict[str, float]:
    """Seconds from the command's start (`cut_off`) and from the broker's new files until the
    session ends, median and longest of `rounds`; and until the command ends, having seen that the
    credential is refused. Raises `BrokerError`."""
    times = [_round() for _ in range(rounds)]
    whole, after_files, ended = (sorted(column) for column in zip(*times, strict=True))
    return {
        "rounds": rounds,
        "cut_off_s": whole[rounds // 2],
        "cut_off_max_s": whole[-1],
        "after_new_files_s": after_files[rounds // 2],
        "after_new_files_max_s": after_files[-1],
        "seen_refused_s": ended[rounds // 2],
    }


def _round() -> tuple[float, float, float]:
    with (
        tempfile.TemporaryDirectory(prefix="fevergate-revoke-") as name,
        Site(Path(name) / "gateway") as site,
    ):
        return _cut_off(site)


def _written(path: Path, gone: threading.Event) -> float:
    """Time (monotonic s) at which a file was replaced, or `gone` was set."""
    before = path.stat().st_ino
    while path.stat().st_ino == before and not gone.wait(0.002):
        pass
    return time.monotonic()


def _cut_off(site: Site) -> tuple[float, float, float]:
    folder = site.folder
    up, gone = threading.Event(), threading.Event()
    at: list[float] = []

    def ended(*_: Any) -> None:
        at.append(time.monotonic())
        gone.set()

    client = mqtt.Client(CallbackAPIVersion.VERSION2, "stolen", protocol=mqtt.MQTTv5)
    client.username_pw_set("north-1", str(settings_of(folder, "north-1")["password"]))
    client.tls_set_context(ssl.create_default_context(cafile=str(folder / "ca.crt")))
    client.on_connect = lambda *_: up.set()
    client.on_disconnect = ended
    client.connect("127.0.0.1", site.port)
    client.loop_start()
    try:
        if not up.wait(WAIT_S):
            raise BrokerError("the kiosk does not come up")
        command = [sys.executable, "-m", "fevergate.cli", "provision", "revoke", str(folder)]
        with ThreadPoolExecutor(1) as watching:
            written = watching.submit(_written, folder / "broker.passwords", gone)
            began = time.monotonic()
            done = subprocess.run(
                [*command, "north-1"], capture_output=True, text=True, timeout=WAIT_S
            )
            end = time.monotonic()
        if done.returncode or not gone.wait(WAIT_S):
            raise BrokerError(f"not cut off: {done.stderr.strip()}")
    finally:
        client.loop_stop()
    new_files = written.result()
    return round(at[0] - began, 2), round(at[0] - new_files, 3), round(end - began, 2)
