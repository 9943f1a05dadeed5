"""Writes the compiled firmware to a board's flash, as `fevergate flash` does."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from fevergate.kiosks.firmware_compiler import compiled
from simulator.errors import SimulatorError

_NOT_FLASHED = (".md", ".toml", ".pyc")
_STARTED = (PurePosixPath("boot.py"), PurePosixPath("main.py"))
"""Files that MicroPython starts by these names; they stay sources."""


def write_flash(
    flash_dir: Path, firmware_dir: Path, files: Mapping[str, bytes], *, sources: bool = False
) -> None:
    """Write firmware and `files` (path on the flash: bytes); other files stay.

    Modules are compiled to .mpy, as on a board, unless `sources`; their tracebacks name the source.
    `files` are written unchanged. Raises `CompilerError` for a module that is not valid Python,
    `SimulatorError` if the firmware is missing or a path leads out of the flash.
    """
    if not firmware_dir.is_dir():
        raise SimulatorError(f"{firmware_dir}: expected a folder with the firmware")
    flash_dir.mkdir(parents=True, exist_ok=True)
    for source in sorted(firmware_dir.rglob("*")):
        inside = source.relative_to(firmware_dir)
        if source.is_file() and _is_flashed(inside):
            _write(source, flash_dir, PurePosixPath(inside), sources)
    for name, content in files.items():
        path = PurePosixPath(name.lstrip("/"))
        if ".." in path.parts or not path.parts:
            raise SimulatorError(f"{name!r}: expected a path on the flash")
        target = flash_dir / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _is_flashed(inside: Path) -> bool:
    return (
        inside.suffix not in _NOT_FLASHED
        and "__pycache__" not in inside.parts
        and not inside.name.startswith("requirements")
    )


def _write(source: Path, flash_dir: Path, inside: PurePosixPath, sources: bool) -> None:
    """Write one file and remove its other form, because a board prefers the .py to the .mpy."""
    target, data = flash_dir / inside, source.read_bytes()
    if inside.suffix == ".py" and inside not in _STARTED:
        if not sources:
            other, target = target, target.with_suffix(".mpy")
            data = compiled(data, str(inside))
        else:
            other = target.with_suffix(".mpy")
        other.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
