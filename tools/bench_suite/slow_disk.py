"""Slows every fsync down as an SD card does."""

from pathlib import Path

from harness.preload import compiled

SOURCE = Path(__file__).with_name("slow_disk.c")


def environment(folder: Path, fsync_ms: float) -> dict[str, str]:
    """Environment variables that make a process's fsyncs take `fsync_ms` longer; none for 0.

    Raises `HarnessError` if the library cannot be compiled.
    """
    if not fsync_ms:
        return {}
    return {"LD_PRELOAD": str(compiled(SOURCE, folder, f"-DMS={fsync_ms}"))}
