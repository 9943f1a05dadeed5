"""Measures how much a day of readings wears a kiosk's flash, and how long the flash will last.

The shipped outbox runs on MicroPython's LittleFS, over a simulated flash that counts erases. That
flash has 2 MiB, as much as an ESP32 with 4 MB of flash has for files. LittleFS does not move
unchanged files such as the firmware, so only half of the blocks are assumed to share the wear.
"""

from pathlib import Path

from harness import FIRMWARE
from simulator.interpreters import interpreter

CYCLES = 100_000  # minimum erase cycles of a sector: Winbond W25Q32JV data sheet, section 1
BLOCKS = 512
SHARE = 0.5  # part of the blocks that share the wear
FIRST_POSITIVES = 20  # per 1000 readings; kept on flash until the person is measured again
FULL = 20_000  # readings in a full outbox


def wear(readings: int, days: int) -> dict[str, dict[str, float]]:
    """Erases, writes and years until the flash is worn out, for a gateway that answers and for one
    that is away all day; and memory and starting time of a full outbox."""
    figures = {mode: _life(mode, readings, days) for mode in ("answers", "away")}
    _, _, _, _, _, heap, started_ms = _play("away", FULL, 1)
    figures["full"] = {"readings": FULL, "heap_bytes": heap, "start_ms_here": started_ms}
    return figures


def _life(mode: str, readings: int, days: int) -> dict[str, float]:
    erases, writes, written, hottest, file_writes, _, _ = _play(mode, readings, days)
    return {
        "erases_per_reading": round(erases / readings, 3),
        "file_writes_per_reading": round(file_writes / readings, 3),
        "flash_programs_per_reading": round(writes / readings, 2),
        "bytes_per_reading": round(written / readings),
        "erases_per_day": round(erases),
        "hottest_block_erases_per_day": round(hottest, 2),
        "years": round(CYCLES * BLOCKS * SHARE / erases / 365, 1),
        "years_by_hottest_block": round(CYCLES / hottest / 365, 1),
    }


def _play(mode: str, readings: int, days: int) -> list[float]:
    script = Path(__file__).with_name("wear_on_board.py")
    numbers = (readings, days, FIRST_POSITIVES, BLOCKS)
    # 32-bit words as on a board, so that memory use is the same.
    result = interpreter("32bit").run(script, str(FIRMWARE), mode, *map(str, numbers), heap="24M")
    result.check_returncode()
    return [float(part) for part in result.stdout.split()]
