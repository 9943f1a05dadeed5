"""Measures the longest pause in a scan while the kiosk's connection breaks and returns.

It runs in real time on this host. Two samples are normally 100 ms apart; processor time for the TLS
handshake, backlog, flash or display lengthens the interval. "bad network" combines three faults.
The broker has a name, but neither of the two name servers ever answers. The access point goes off
and on every 20 s. The broker accepts connections, but sends nothing.
"""

import re
import socket
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from fevergate.evaluation.people_file import Person
from fevergate.system.periodic_thread import PeriodicThread
from harness.figures import percentile
from harness.system import System
from kiosk.mlx90614 import _RAM_OBJECT
from simulator import Board, built_in_crowd
from simulator.physics import View

SAMPLE_MS = 100
FALLS_EVERY_S = 4.0
IN_VIEW = 0.5
FLAP_MS = 20_000
_COLLECT = re.compile(r"collect_ms=(\d+)")


def pauses(people: int) -> dict[str, dict[str, float]]:
    """Delay of samples beyond the nominal 100 ms while somebody is in view, for each state of the
    network."""
    return {
        "quiet": _measure(people, falls=False),
        "line falls": _measure(people, falls=True),
        "bad network": _measure(people, falls=False, system=_BadNetwork),
    }


def _measure(people: int, *, falls: bool, system: type[System] = System) -> dict[str, float]:
    crowd = built_in_crowd(people, 3, fever_share=0.1)
    with tempfile.TemporaryDirectory(prefix="fevergate-measure-") as folder:
        site = Path(folder) / "site"
        with system(site, crowd, speed=1.0, gates={"north": ["north-1"]}) as playing:
            (board,) = playing.boards
            watched = _Watched(board)

            def fall() -> None:
                playing.broker.kill()
                playing.broker.start()

            falling = PeriodicThread("falls", FALLS_EVERY_S, fall, first_s=FALLS_EVERY_S)
            if falls:
                falling.start()
            playing.wait_crowd(60 + people * 15)
            falling.stop()
            reconnects = sum("link up" in line for line in board.console)
            collections = [
                int(match[1]) for line in board.console if (match := _COLLECT.search(line))
            ]
    gaps = watched.gaps_ms
    return {
        "samples": len(gaps),
        "reconnects": reconnects,
        "pause_ms_p50": round(max(0.0, median(gaps) - SAMPLE_MS), 1),
        "pause_ms_p99": round(percentile(gaps, 99) - SAMPLE_MS, 1),
        "pause_ms_max": round(max(gaps) - SAMPLE_MS, 1),
        "collect_ms_max": max(collections, default=0),
    }


class _BadNetwork(System):
    """A system whose name servers, access points and broker all fail."""

    def __init__(self, folder: Path, people: list[Person], **options: Any) -> None:
        self._broker = socket.create_server(("127.0.0.1", 0))  # connects, but never answers
        super().__init__(folder, people, silent_dns=True, **options)
        for board in self.boards:
            for point in board.world.air.points:
                point.flap_ms = FLAP_MS

    def board_settings(self) -> dict[str, Any]:
        return super().board_settings() | {"broker_port": self._broker.getsockname()[1]}

    def __exit__(self, *ended: object) -> None:
        super().__exit__(*ended)
        self._broker.close()


class _Watched:
    """Records the intervals between samples with somebody in view, by the host's clock."""

    def __init__(self, board: Board) -> None:
        self.gaps_ms: list[float] = []
        self._fill = 0.0
        self._last: float | None = None
        self._scene = board.sensor.scene
        self._transfer = board.sensor.transfer
        with board.world.lock:
            board.sensor.scene = self._see
            board.sensor.transfer = self._read  # type: ignore[method-assign]

    def _see(self, now_ms: float) -> View:
        view = self._scene(now_ms)
        self._fill = view.fill
        return view

    def _read(self, now_ms: float, address: int, data: bytes, count: int, *options: Any) -> bytes:
        if data[:1] == bytes((_RAM_OBJECT,)):
            now = time.monotonic()
            if self._last is not None and self._fill > IN_VIEW:
                self.gaps_ms.append((now - self._last) * 1000)
            self._last = now if self._fill > IN_VIEW else None
        return self._transfer(now_ms, address, data, count, *options)
