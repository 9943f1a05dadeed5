"""Measures how soon `fevergate provision revoke` ends the session of a stolen kiosk.

The broker is a real mosquitto with TLS on this machine; the command runs as a process of its own.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fevergate.errors import BrokerError
from harness.site import Site

WAIT_S = 120
LOOK_S = 0.002


def revoking(rounds: int) -> dict[str, float]:
    """Median and longest time of `rounds`, in seconds. Raises `BrokerError`.

    - `cut_off_s`: from the command's start to the end of the kiosk's session.
    - `after_new_files_s`: from the writing of the broker's new password file to that end.
    - `seen_refused_s`: from the command's start to its own end; by then it has checked that the
      broker refuses the kiosk.
    """
    times = [_round() for _ in range(rounds)]
    cut_off, after_files, ended = (sorted(column) for column in zip(*times, strict=True))
    return {
        "rounds": rounds,
        "cut_off_s": cut_off[rounds // 2],
        "cut_off_max_s": cut_off[-1],
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


def _time_of(happened: Callable[[], bool]) -> float:
    """Wait at most `WAIT_S` until `happened()` is true; returns the time (monotonic s)."""
    until = time.monotonic() + WAIT_S
    while not happened() and time.monotonic() < until:
        time.sleep(LOOK_S)
    return time.monotonic()


def _cut_off(site: Site) -> tuple[float, float, float]:
    kiosk = site.kiosk("north-1")
    passwords = site.folder / "broker.passwords"
    before = passwords.stat().st_ino
    command = [sys.executable, "-m", "fevergate.cli", "provision", "revoke", str(site.folder)]
    with ThreadPoolExecutor(2) as watching:
        written = watching.submit(_time_of, lambda: passwords.stat().st_ino != before)
        disconnected = watching.submit(_time_of, lambda: not kiosk.connected)
        began = time.monotonic()
        result = subprocess.run([*command, "north-1"], capture_output=True, text=True)
        end = time.monotonic()
        at, new_files = disconnected.result(), written.result()
    if result.returncode or kiosk.connected:
        raise BrokerError(f"not cut off: {result.stderr.strip()}")
    return round(at - began, 2), round(at - new_files, 3), round(end - began, 2)
