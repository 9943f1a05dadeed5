"""Measures a board's memory: the heap for a kiosk's imports, and the live heap while it works.

By default MicroPython has a board's 32-bit words; with 64-bit words it takes 1.45 times as much
memory, not twice. The firmware is compiled, as on a flashed board. The simulator's stand-ins for a
board's modules are measured separately, and their memory is subtracted.
"""

import json
import re
import socket
import subprocess
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fevergate.errors import FeverGateError
from harness import FIRMWARE
from harness.system import System
from harness.worker import cpu_s
from kiosk import record
from kiosk.outbox import Outbox
from measurement.lone import lone_board
from simulator import VirtualReader, built_in_crowd
from simulator.flash import write_flash
from simulator.interpreters import interpreter as interpreter_of
from simulator.stand_ins import compiled_folder
from simulator.tapping import before

SPEED = 30.0
GAUGE_EVERY = 25
"""Requests to the simulator between two collections: about ten samples of the sensor."""

KB = 1024
SMALLEST_KB, LARGEST_KB = 16, 1024
BACKLOG_BOOTS = 4
NOTICE = "今日考场请走东门"
PACKAGES = ("kiosk", "kiosk_board")
UP_S = 60
CROWD_S_PER_PERSON = 30.0
"""Timeout for each person (simulated s), far more than anybody takes."""

_ABOUT = {
    "cause": 1,
    "unique_id": "020000000001",
    "clock_set": True,
    "rtc_ahead_ms": None,
    "boot_utc": None,
    "psram_bytes": 2 << 20,
    "gauge_every": GAUGE_EVERY,
}
_LIVE = re.compile(r"gauge live=(\d+)")
_QUEUED = re.compile(r"health heap_free=\d+ heap_low=\d+ queued=(\d+)")


class MeasureError(FeverGateError):
    """The measured kiosk failed, so there are no figures."""


def heap(
    people: int, backlog: int, interpreter: str = "32bit", heap_kb: int = 256, card: str = "off"
) -> dict[str, Any]:
    """Heap needed for imports, and live bytes of a kiosk at work with a heap of `heap_kb`.

    If the setting `card` is on, everybody taps a card. Raises `MeasureError`."""
    figures = imports(interpreter)
    work = live(people, backlog, interpreter, heap_kb, figures["simulator_bytes"], card)
    modules = set(work.pop("modules")) - set(figures.pop("modules"))
    if modules:  # modules imported later and kept must fit beside those that the start imports
        figures = imports(interpreter, sorted(modules))
        figures.pop("modules")
    return figures | work


def imports(interpreter: str, modules: Iterable[str] = ()) -> dict[str, Any]:
    """Smallest heap, to 1 KB, that can import a kiosk's start-up modules and `modules`."""
    with (
        tempfile.TemporaryDirectory(prefix="fevergate-measure-") as folder,
        socket.socket() as port,
    ):
        port.bind(("127.0.0.1", 0))
        port.listen(64)  # the stand-ins connect, but send no request yet
        flash = Path(folder)
        write_flash(flash, FIRMWARE, {})

        def run(heap_kb: int) -> dict[str, Any] | None:
            return _import(interpreter, heap_kb, flash, port.getsockname()[1], modules)

        about = run(LARGEST_KB)
        if about is None:
            raise MeasureError(f"the firmware does not import in {LARGEST_KB} KB")
        sizes = range(SMALLEST_KB, LARGEST_KB + 1)
        smallest = sizes[bisect_left(sizes, True, key=lambda kb: run(kb) is not None)]
    return {
        "interpreter": interpreter,
        "micropython": about["version"],
        "word_bits": about["word_bits"],
        "float_bits": about["float_bits"],
        "import_heap_bytes": smallest * KB - about["simulator_bytes"],
        "imported_bytes": about["imported_bytes"],
        "simulator_bytes": about["simulator_bytes"],
        "modules": about["modules"],
    }


def _import(
    interpreter: str, heap_kb: int, flash: Path, port: int, modules: Iterable[str]
) -> dict[str, Any] | None:
    """Figures that imports_on_board.py printed, or None if the heap was too small."""
    result = interpreter_of(interpreter).run(
        Path(__file__).with_name("imports_on_board.py"),
        *(str(compiled_folder()), str(port), str(flash), json.dumps(_ABOUT), *modules),
        heap=f"{heap_kb}K",
    )
    if result.returncode == 0:
        return json.loads(result.stdout.splitlines()[-1])
    output = result.stdout + result.stderr
    if "MemoryError" in output or result.returncode < 0:
        return None
    raise MeasureError(f"the firmware does not import: {output.strip()}")


class Watched(System):
    """A system with one kiosk, which has a card reader and whose heap is measured."""

    def __init__(
        self, folder: Path, people: int, options: dict[str, Any], card: str = "off"
    ) -> None:
        crowd = built_in_crowd(people, 5, fever_share=0.02)
        taps = {person.subject: before(number) for number, person in enumerate(crowd, 1)}
        self._options = {"reader": VirtualReader(), "taps": taps} | options
        self._card = card
        super().__init__(folder, crowd, speed=SPEED, gates={"north": ["north-1"]})

    def board_options(self) -> dict[str, Any]:
        return self._options

    def board_settings(self) -> dict[str, Any]:
        return super().board_settings() | {"card": self._card}


def live(
    people: int, backlog: int, interpreter: str, heap_kb: int, simulator_bytes: int, card: str
) -> dict[str, Any]:
    """Most bytes live while a kiosk serves people, sends its backlog, and applies settings."""
    options = {"interpreter": interpreter, "heap": f"{heap_kb}K", "gauge_every": GAUGE_EVERY}
    with tempfile.TemporaryDirectory(prefix="fevergate-measure-") as folder:
        site = Watched(Path(folder) / "site", people, options, card)
        (board,) = site.boards
        keep(board.flash_dir / "outbox", backlog)
        with site as system:
            board.wait_console("link up", UP_S)
            _send_settings(system)
            board.wait_console("settings applied", UP_S)
            system.wait_crowd(UP_S + people * CROWD_S_PER_PERSON / SPEED)
            board.check()
            lines, people_served, boots = list(board.console), len(board.visits), board.boots
    modules = [line.split()[2:] for line in lines if line.startswith("gauge modules ")]
    queued = [int(match[1]) for line in lines if (match := _QUEUED.match(line))]
    return {
        "live_bytes": max(int(match[1]) for line in lines if (match := _LIVE.match(line)))
        - simulator_bytes,
        "people": people_served,
        "backlog": backlog,
        "backlog_left": queued[-1] if queued else None,
        "memory_errors": sum("MemoryError" in line for line in lines),
        "heap_bytes": heap_kb * KB,
        "readings": sum(line.startswith("reading ") for line in lines),
        "card": card,
        "cards": sum(line.startswith("reading ") and '"who"' in line for line in lines),
        "boots": boots,
        "modules": [name for name in modules[-1] if name.split(".")[0] in PACKAGES],
    }


def keep(outbox: Path, count: int) -> None:
    """Fill a kiosk's outbox with `count` readings, as after several boots without a gateway."""
    readings = Outbox(str(outbox))
    for index in range(count):
        seq = index % (count // BACKLOG_BOOTS + 1) + 1
        values: dict[str, Any] = dict.fromkeys(record.TEMPERATURES, 36.61)
        values |= {"seq": seq, "at": 1_780_000_000 + 4 * index, "up_ms": seq * 4000, "samples": 8}
        values |= {"scan_ms": 800, "queued": 0, "fw": "0.1.0", "reason": ""}
        values["verdict"] = "normal" if index % 50 else "fever"
        readings.add(1 + index // (count // BACKLOG_BOOTS + 1), record.pack(values))


def _send_settings(system: System) -> None:
    """Send settings by the command that an administrator uses, with a notice for the display."""
    subprocess.run(
        [
            *(sys.executable, "-m", "fevergate.cli", "settings", "--threshold", "37.2"),
            *("--notice", NOTICE, "--settings", str(system.settings_path)),
        ],
        check=True,
        capture_output=True,
        timeout=UP_S,
    )


def start() -> dict[str, float]:
    """CPU seconds of the board's process from its start to its first sample, and to its first
    answer."""
    figures: dict[str, float] = {}
    with lone_board({}, speed=1.0, people=built_in_crowd(1, 3, fever_share=0.0)) as board:
        transfer = board.sensor.transfer

        def first(*arguments: object, **options: object) -> bytes:
            figures.setdefault("first_sample_cpu_s", cpu_s(board.pid or 0))
            return transfer(*arguments, **options)  # type: ignore[arg-type]

        board.sensor.transfer = first  # type: ignore[method-assign]
        board.start()
        board.wait_console("reading ", 60)
        figures["first_answer_cpu_s"] = cpu_s(board.pid or 0)
    return {name: round(value, 2) for name, value in figures.items()}
