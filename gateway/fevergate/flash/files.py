"""The files of a kiosk's board: the compiled firmware, and its sources on request.

MicroPython first looks for a folder, then for NAME.py, then for NAME.mpy (py/builtinimport.c,
`stat_module` and `stat_file_py_or_mpy`). So a source would hide the compiled file beside it, and
the sources are in a folder that is not on `sys.path` ("", ".frozen", "/lib").
"""

from dataclasses import dataclass
from pathlib import Path

from fevergate.kiosks.board_model import BoardModel, pins_source
from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD
from fevergate.kiosks.cable import BoardFile
from fevergate.kiosks.firmware_compiler import compiled
from fevergate.kiosks.firmware_source import GLYPHS, firmware_source

_BOARD = "kiosk_board.py"
"""File with the board's model and pins. It is outside the package, so no update replaces it."""

SOURCES = "/sources"
"""Folder of the sources that `--sources` adds, for people to read."""

FOLDERS = ("/kiosk", SOURCES, "/lib/chumicro_mqtt", "/lib/chumicro_timing")
"""Folders that contain only firmware; the last two are from the MQTT client of earlier versions."""

STALE = f"/{_BOARD}"
"""A source file that, if present, would be imported instead of the compiled file."""

MAIN = "/main.py"
"""File that starts the kiosk. It is written last and removed first, so that incomplete firmware
never runs."""


@dataclass(frozen=True)
class Firmware:
    """All files of one version, in writing order."""

    version: str
    files: tuple[BoardFile, ...]


def collect(
    folder: Path | None = None,
    model: BoardModel = BOARDS[DEFAULT_BOARD],
    *,
    sources: bool = False,
) -> Firmware:
    """Compile the firmware in `folder` (such as this project's `firmware/`) or, without a folder,
    the firmware installed with fevergate. The pins of `model` are added, and with `sources` the
    source files too, under `SOURCES`. Raises `UpdateError` naming a missing file, and
    `CompilerError`."""
    source = firmware_source(folder)
    modules = {_BOARD: pins_source(model).encode()} | source.modules
    files = [BoardFile("/boot.py", source.file("boot.py"))]
    files += [
        BoardFile(f"/{path.removesuffix('.py')}.mpy", compiled(data, path))
        for path, data in modules.items()
    ]
    if sources:
        files += [BoardFile(f"{SOURCES}/{path}", data) for path, data in modules.items()]
    files += [BoardFile(path, source.file(path[1:])) for path in (f"/{GLYPHS}", MAIN)]
    return Firmware(source.version, tuple(files))
