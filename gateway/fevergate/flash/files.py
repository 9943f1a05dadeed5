"""What lies on a kiosk's board: the firmware byte for byte, and its libraries under /lib."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from fevergate.boards import BOARDS, DEFAULT_BOARD, BoardModel, pins_source
from fevergate.errors import FlashError

BOARD = "/kiosk_board.py"
"""Which board it is and its pins; outside the package, so that no update replaces it."""

MAIN = "/main.py"
"""Written last and taken away first: what starts a kiosk is there only where all the rest is."""

_SHIPPED = Path(__file__).parent / "board"
_LIBRARIES = "libraries.toml"
_VERSION = re.compile(r'^VERSION = "([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True)
class BoardFile:
    """A file and where it lies on the board."""

    path: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Firmware:
    """All files in the order in which they are written; `folders` belong to it alone."""

    version: str
    files: tuple[BoardFile, ...]
    folders: tuple[str, ...]


def collect(folder: Path | None = None, model: BoardModel = BOARDS[DEFAULT_BOARD]) -> Firmware:
    """The firmware in `folder` (as this project's `firmware/`), else the one that came with
    fevergate, with the pins of `model`. Raises `FlashError` naming what is missing."""
    root = folder or _SHIPPED
    package = folder / "kiosk" if folder else _package("kiosk")
    libraries, left_out = _libraries(root / _LIBRARIES)
    files = [
        BoardFile("/boot.py", _bytes(root / "boot.py")),
        BoardFile(BOARD, pins_source(model).encode()),
    ]
    sources = {"/kiosk": package} | {f"/lib/{name}": _package(name) for name in libraries}
    for target, source in sources.items():
        skip = left_out if target.startswith("/lib/") else ()
        files += [
            BoardFile(f"{target}/{path.relative_to(source).as_posix()}", _bytes(path))
            for path in sorted(source.rglob("*.py"))
            if path.name not in skip and "__pycache__" not in path.parts
        ]
    files.append(BoardFile("/glyphs.bin", _bytes(root / "glyphs.bin")))
    files.append(BoardFile(MAIN, _bytes(root / "main.py")))
    found = _VERSION.search(_bytes(package / "__init__.py").decode(errors="replace"))
    if not found:
        raise FlashError(f'{package / "__init__.py"}: expected VERSION = "major.minor.patch"')
    return Firmware(found[1], tuple(files), tuple(sources))


def _libraries(table: Path) -> tuple[list[str], tuple[str, ...]]:
    try:
        values = tomllib.loads(_bytes(table).decode())
        packages, left_out = values["packages"], values.get("leave_out", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as error:
        raise FlashError(f"{table}: expected packages = [...]: {error}") from error
    if not all(isinstance(name, str) and name.isidentifier() for name in packages):
        raise FlashError(f"{table}: packages: expected names of Python packages")
    return packages, tuple(left_out)


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise FlashError(f"{name} is not installed: pip install 'fevergate[flash]'")
    return Path(found.submodule_search_locations[0])


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FlashError(f"{path}: {error.strerror}; expected the firmware's file") from error
