"""What is left of a kiosk's memory over many scans, and what its start costs.

The shipped firmware on MicroPython with the heap of a test, 320 KiB on a 64-bit host, which is
about twice what an ESP32 needs for the same; a real broker and gateway take the readings.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from pathlib import Path
from statistics import median

from demonstration.system import System
from measurement.lone import lone_board
from simulator import Board, built_in_crowd

SPEED = 30.0
HEAP = 320 * 1024
_SAID = re.compile(r"health heap_free=(\d+) heap_low=(\d+)")


def heap(scans: int) -> dict[str, float]:
    """Bytes in use after a collection, at its most and in the first and last quarter."""
    crowd = built_in_crowd(scans, 5, fever_share=0.02)
    with tempfile.TemporaryDirectory(prefix="fevergate-measure-") as folder:
        site = Path(folder) / "site"
        with System(site, crowd, speed=SPEED, gates={"north": ["north-1"]}) as system:
            (board,) = system.boards
            system.wait_crowd(60 + scans * 10 / SPEED)
            said = list(board.console)
            people, boots = len(board.visits), board.boots
    used = [HEAP - int(found[1]) for line in said if (found := _SAID.match(line))]
    quarter = max(1, len(used) // 4)
    return {
        "people": people,
        "readings": sum(line.startswith("reading ") for line in said),
        "boots": boots,
        "memory_errors": sum("MemoryError" in line for line in said),
        "heap_bytes": HEAP,
        "used_most": max(used),
        "used_first_quarter": median(used[:quarter]),
        "used_last_quarter": median(used[-quarter:]),
    }


def start() -> dict[str, float]:
    """CPU seconds of the board's process from its start to its first sample and first answer."""
    seen: dict[str, float] = {}
    with lone_board({}, speed=1.0, people=built_in_crowd(1, 3, fever_share=0.0)) as board:
        transfer = board.sensor.transfer

        def first(*arguments: object, **named: object) -> bytes:
            seen.setdefault("first_sample_cpu_s", cpu_s(board))
            return transfer(*arguments, **named)  # type: ignore[arg-type]

        board.sensor.transfer = first  # type: ignore[method-assign]
        board.start()
        board.wait_console("reading ", 60)
        seen["first_answer_cpu_s"] = cpu_s(board)
    return {name: round(value, 2) for name, value in seen.items()}


def cpu_s(board: Board) -> float:
    """What a running board's process has used of the processor (Linux)."""
    while board.pid is None:
        time.sleep(0.01)
    fields = Path(f"/proc/{board.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
