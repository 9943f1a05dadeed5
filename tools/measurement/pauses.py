"""How long the scan of somebody at the kiosk ever pauses, while the line falls and comes back.

In real time, on this host: what a TLS handshake, a backlog, flash and display take of the one
processor shows as a longer way from one sample to the next. The limit is the sampling itself.
"""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from demonstration.system import System
from kiosk.mlx90614 import RAM_OBJECT
from simulator import Board, built_in_crowd
from simulator.physics import View

SAMPLE_MS = 100
FALLS_EVERY_S = 4.0
IN_VIEW = 0.5


def pauses(people: int) -> dict[str, dict[str, float]]:
    """ms beyond the sampling's 100 with somebody in view; on a quiet line, on one that falls."""
    return {
        "quiet": _measure(people, falls=False),
        "line falls": _measure(people, falls=True),
    }


def _measure(people: int, *, falls: bool) -> dict[str, float]:
    crowd = built_in_crowd(people, 3, fever_share=0.1)
    with tempfile.TemporaryDirectory(prefix="fevergate-measure-") as folder:
        site = Path(folder) / "site"
        with System(site, crowd, speed=1.0, gates={"north": ["north-1"]}) as system:
            (board,) = system.boards
            watched = _Watched(board)
            over = threading.Event()
            if falls:
                threading.Thread(target=_fall, args=(system, over), daemon=True).start()
            system.wait_crowd(60 + people * 15)
            over.set()
            reconnects = sum("link up" in line for line in board.console)
    gaps = sorted(watched.gaps_ms)
    cuts = quantiles(gaps, n=1000, method="inclusive")
    return {
        "samples": len(gaps),
        "reconnects": reconnects,
        "pause_ms_p50": round(max(0.0, median(gaps) - SAMPLE_MS), 1),
        "pause_ms_p99": round(cuts[989] - SAMPLE_MS, 1),
        "pause_ms_max": round(gaps[-1] - SAMPLE_MS, 1),
    }


class _Watched:
    """The ways between samples with somebody in view, by the host's clock."""

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

    def _read(self, now_ms: float, address: int, data: bytes, count: int, *more: Any) -> bytes:
        if data[:1] == bytes((RAM_OBJECT,)):
            now = time.monotonic()
            if self._last is not None and self._fill > IN_VIEW:
                self.gaps_ms.append((now - self._last) * 1000)
            self._last = now if self._fill > IN_VIEW else None
        return self._transfer(now_ms, address, data, count, *more)


def _fall(system: System, over: threading.Event) -> None:
    while not over.wait(FALLS_EVERY_S):
        system.broker.kill()
        system.broker.start()
