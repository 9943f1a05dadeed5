"""Fills a board's flash as the flashing tool does: the firmware byte for byte, its libraries."""

import importlib.util
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from simulator.errors import SimulatorError

LIBRARIES = "libraries.toml"  # in the firmware's folder: what goes to /lib
_NOT_FLASHED = (".toml", ".pyc")


def write_flash(flash_dir: Path, firmware_dir: Path, files: Mapping[str, bytes]) -> None:
    """Copy firmware, libraries and `files` (path on the flash: bytes); erase nothing.

    Raises `SimulatorError` where there is no firmware, a library is not installed, or a path
    would leave the flash.
    """
    if not firmware_dir.is_dir():
        raise SimulatorError(f"{firmware_dir}: expected a folder with the firmware")
    flash_dir.mkdir(parents=True, exist_ok=True)
    (flash_dir / "lib").mkdir(exist_ok=True)
    for source in sorted(firmware_dir.rglob("*")):
        inside = source.relative_to(firmware_dir)
        if source.is_file() and _is_flashed(inside):
            _copy(source, flash_dir / inside)
    _write_libraries(firmware_dir / LIBRARIES, flash_dir / "lib")
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


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write_libraries(table: Path, lib_dir: Path) -> None:
    if not table.exists():
        return
    with table.open("rb") as file:
        wanted = tomllib.load(file)
    left_out = set(wanted.get("leave_out", ()))
    for package in wanted["packages"]:
        found = importlib.util.find_spec(package)
        if found is None or not found.submodule_search_locations:
            raise SimulatorError(f"{table}: the package {package} is not installed")
        folder = Path(found.submodule_search_locations[0])
        for source in sorted(folder.rglob("*.py")):
            inside = source.relative_to(folder)
            if inside.name not in left_out and "__pycache__" not in inside.parts:
                _copy(source, lib_dir / package / inside)
