"""The files of a kiosk's board: the compiled firmware, and its sources on request.

MicroPython imports a folder, else NAME.py, else NAME.mpy (py/builtinimport.c, `stat_module` and
`stat_file_py_or_mpy`), so a source would hide the compiled file beside it. The sources therefore
are in a folder that is not on `sys.path` ("", ".frozen", "/lib").
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from fevergate.errors import FlashError
from fevergate.kiosks.board_model import BoardModel, pins_source
from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD
from fevergate.kiosks.firmware_compiler import compiled

BOARD = "/kiosk_board.mpy"
"""The board's model and pins; outside the package, so that no update replaces it."""

SOURCES = "/sources"
"""Folder of the sources that `--sources` adds, for people to read."""

FOLDERS = ("/kiosk", SOURCES, "/lib/chumicro_mqtt", "/lib/chumicro_timing")
"""Folders that hold nothing but firmware; the last two are of earlier versions' MQTT client."""

MAIN = "/main.py"
"""Starts the kiosk. Written last and removed first, so that it never runs incomplete firmware."""

_SHIPPED = Path(__file__).parent / "board"
_VERSION = re.compile(r'^VERSION = "([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True)
class BoardFile:
    """A file, and its absolute path on the board."""

    path: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Firmware:
    """All files in writing order. Other files in `folders` are removed, and so are `stale` files,
    which would be imported instead of ours."""

    version: str
    files: tuple[BoardFile, ...]
    folders: tuple[str, ...]
    stale: tuple[str, ...] = ()


def collect(
    folder: Path | None = None,
    model: BoardModel = BOARDS[DEFAULT_BOARD],
    *,
    sources: bool = False,
) -> Firmware:
    """Compile the firmware in `folder` (such as this project's `firmware/`), else the one installed
    with fevergate, with the pins of `model`; with `sources`, they are added under `SOURCES`.
    Raises `FlashError` naming a missing file, `CompilerError`."""
    root = folder or _SHIPPED
    package = folder / "kiosk" if folder else _package("kiosk")
    written = {_source(BOARD): pins_source(model).encode()}
    written |= {
        f"/kiosk/{path.relative_to(package).as_posix()}": _bytes(path)
        for path in sorted(package.rglob("*.py"))
        if "__pycache__" not in path.parts
    }
    files = [BoardFile("/boot.py", _bytes(root / "boot.py"))]
    files += [
        BoardFile(path.removesuffix(".py") + ".mpy", compiled(data, path.removeprefix("/")))
        for path, data in written.items()
    ]
    if sources:
        files += [BoardFile(SOURCES + path, data) for path, data in written.items()]
    files.append(BoardFile("/glyphs.bin", _bytes(root / "glyphs.bin")))
    files.append(BoardFile(MAIN, _bytes(root / "main.py")))
    found = _VERSION.search(_bytes(package / "__init__.py").decode(errors="replace"))
    if not found:
        raise FlashError(f'{package / "__init__.py"}: expected VERSION = "major.minor.patch"')
    return Firmware(found[1], tuple(files), FOLDERS, (_source(BOARD),))


def _source(path: str) -> str:
    return path.removesuffix(".mpy") + ".py"


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
