"""A file built as MicroPython's for an ESP32 is, of random code; and a board on a desk."""

import hashlib
import random
import struct
from pathlib import Path
from typing import Any

from simulator.desk import DeskBoard
from simulator.rom import checksum

APPLICATION = 0x10000 - 0x1000
ESP32, ESP32_S3 = 0, 9


def part(body: bytes, chip: int = ESP32, *, digest: bool = True) -> bytes:
    """One image of one segment (ESP-IDF, "Application Image Format"); a checksum it always has."""
    header = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, 0x40080000)
    header += struct.pack("<BBBBHBHH", 0xEE, 0, 0, 0, chip, 0, 0, 0) + bytes(4) + bytes((digest,))
    data = header + struct.pack("<II", 0x3F400020, len(body)) + body
    data += bytes(15 - len(data) % 16) + bytes((checksum(body),))
    return data + hashlib.sha256(data).digest() * digest


def micropython(
    chip: int = ESP32,
    version: bytes = b"v1.28.0",
    project: bytes = b"micropython",
    size: int = 100_000,
    *,
    digest: bool = True,
) -> bytes:
    """A whole file for 0x1000."""
    code = random.Random(size).randbytes  # no compressor makes a single block of it
    about = struct.pack("<II8s32s32s", 0xABCD5432, 0, b"", version, project) + bytes(176)
    table = struct.pack("<HBBII16sI", 0x50AA, 0, 0, 0x10000, 0x1F0000, b"factory", 0)
    loader = part(code(9000), chip).ljust(0x7000, b"\xff")
    return loader + table.ljust(0x8000, b"\xff") + part(about + code(size), chip, digest=digest)


def desk(folder: Path, image: bytes = b"", **options: Any) -> DeskBoard:
    """A board on a desk, with power; empty, or with an image."""
    board = DeskBoard("north-1", folder, **options)
    board.flash_chip[0x1000 : 0x1000 + len(image)] = image
    board.start()
    return board
