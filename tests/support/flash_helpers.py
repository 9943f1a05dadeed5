"""Image files that are built like MicroPython's, but of random code, and a board on a desk."""

import hashlib
import random
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import real_micropython
from click.testing import CliRunner, Result

from fevergate.cli import cli
from fevergate.errors import FeverGateError
from fevergate.flash.files import BoardFile
from simulator.bare_board import BareBoard
from simulator.chips import ESP32_S3_N8R2, Chip
from simulator.rom import checksum

BOARD_NAMES = {
    "ESP32-S3": b"Generic ESP32S3 module",
    "ESP32": b"Generic ESP32 module with SPIRAM",
}
"""For each chip, MicroPython's name of the board for which a kiosk's image is built."""


def part(body: bytes, chip: Chip = ESP32_S3_N8R2, *, digest: bool = True) -> bytes:
    """One image with one segment (ESP-IDF, "Application Image Format"). It always has a checksum,
    and with `digest` a SHA-256, too."""
    header = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, 0x40380000)
    header += struct.pack("<BBBBHBHH", 0xEE, 0, 0, 0, chip.image_chip, 0, 0, 0)
    header += bytes(4) + bytes((digest,))
    data = header + struct.pack("<II", 0x3C000020, len(body)) + body
    data += bytes(15 - len(data) % 16) + bytes((checksum(body),))
    return data + hashlib.sha256(data).digest() * digest


def micropython(
    chip: Chip = ESP32_S3_N8R2,
    version: bytes = b"v1.28.0",
    project: bytes = b"micropython",
    size: int = 100_000,
    *,
    digest: bool = True,
    board: bytes | None = None,
) -> bytes:
    """A complete file, to be written at the chip's offset. `board` is MicroPython's name of the
    board that it is built for."""
    code = random.Random(size).randbytes  # too random to be compressed into one block
    about = struct.pack("<II8s32s32s", 0xABCD5432, 0, b"", version, project) + bytes(176)
    table = struct.pack("<HBBII16sI", 0x50AA, 0, 0, 0x10000, 0x1F0000, b"factory", 0)
    chip_name = chip.name.replace("-", "").encode()
    name = (board or BOARD_NAMES[chip.name]) + b" with " + chip_name + b"\0"
    loader = part(code(9000), chip).ljust(0x8000 - chip.offset, b"\xff")
    application = part(about + name + code(size), chip, digest=digest)
    return loader + table.ljust(0x8000, b"\xff") + application


def desk(folder: Path, image: bytes = b"", chip: Chip = ESP32_S3_N8R2, **options: Any) -> BareBoard:
    """A board on a desk, switched on, whose flash is empty or holds `image`."""
    real_micropython.skip_without_raw_repl()
    board = BareBoard("north-1", folder, chip=chip, **options)
    board.flash_chip[chip.offset : chip.offset + len(image)] = image
    board.start()
    return board


def lay(board: BareBoard, files: Iterable[BoardFile]) -> None:
    """Put files onto the flash as a cable would."""
    for file in files:
        path = board.flash_dir / file.path.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)


def flash(board: BareBoard, *arguments: Any) -> Result:
    """Run `fevergate flash` for a board, in English. It may raise only a refusal or an exit
    code."""
    result = CliRunner().invoke(
        cli, ["flash", "--port", board.url, "--language", "en", *map(str, arguments)]
    )
    assert result.exception is None or isinstance(result.exception, (SystemExit, FeverGateError))
    return result


def on_flash(board: BareBoard) -> dict[str, bytes]:
    """The firmware's files on a board: contents by path."""
    return {
        "/" + path.relative_to(board.flash_dir).as_posix(): path.read_bytes()
        for kind in ("*.py", "*.mpy", "*.bin")
        for path in board.flash_dir.rglob(kind)
    }
