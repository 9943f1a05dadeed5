"""What lies on a kiosk's board: the firmware, compiled; its sources if asked.

MicroPython looks for a folder, then for NAME.py, then for NAME.mpy (py/builtinimport.c,
`stat_module` and `stat_file_py_or_mpy`): a source beside a compiled file would be taken in its
place. So sources lie in a folder that is not on `sys.path` ("", ".frozen", "/lib").
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from fevergate.errors import FlashError
from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD, BoardModel, pins_source
from fevergate.kiosks.firmware_compiler import compiled

BOARD = "/kiosk_board.mpy"
"""Which board it is and its pins; outside the package, so that no update replaces it."""

SOURCES = "/sources"
"""Where `--sources` puts what was compiled, to be read by people."""

FOLDERS = ("/kiosk", SOURCES, "/lib/chumicro_mqtt", "/lib/chumicro_timing")
"""Ours alone; earlier firmware had its MQTT client in the last two."""

MAIN = "/main.py"
"""Written last and taken away first: what starts a kiosk is there only where all the rest is."""

_SHIPPED = Path(__file__).parent / "board"
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
    """All files in the order in which they are written; `folders` belong to it alone, and `stale`
    are files that would be taken in place of ours."""

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
    """The firmware in `folder` (as this project's `firmware/`), else the one that came with
    fevergate, compiled, with the pins of `model`, and with its sources under `SOURCES` if they are
    asked for. Raises `FlashError` naming what is missing, `CompilerError`."""
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
