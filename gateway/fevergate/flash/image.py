"""MicroPython's image for an ESP32: judged before it is written, kept for the next board.

Format: ESP-IDF, "Application Image Format" and "Partition Tables"; the images themselves are read
by esptool's own code.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from esptool.bin_image import ESP32FirmwareImage
from esptool.targets import ROM_LIST
from esptool.util import FatalError

from fevergate.errors import FlashError

OFFSET = 0x1000
"""Where an ESP32 looks for its second-stage loader, the first part of MicroPython's file."""

MINIMUM = (1, 28)
PAGE = "https://micropython.org/download/ESP32_GENERIC/"
SIZE_MAX = 16 << 20

_CHIP = 0  # of ESP32, in an image's extended header
_CHIPS = {rom.IMAGE_CHIP_ID: rom.CHIP_NAME for rom in ROM_LIST if rom.IMAGE_CHIP_ID is not None}
_MAGIC = 0xE9
_TABLE = 0x8000 - OFFSET
_PARTITION = struct.Struct("<HBBII16sI")
_PARTITION_MAGIC = 0x50AA
_PARTITIONS_MAX = 95
_DESCRIPTION = struct.Struct("<I12x32s32s")  # magic, secure version, reserved; version, project
_DESCRIPTION_MAGIC = 0xABCD5432
_HEX = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Image:
    """A file for `OFFSET`; `version` is (major, minor) where it says so."""

    name: str
    data: bytes
    version: tuple[int, int] | None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def read(path: Path, expected: str | None = None) -> Image:
    """A file that the user names; its SHA-256 is compared with `expected`, else with that of a file
    of the same name and `.sha256` beside it, where there is one. Raises `FlashError`."""
    data = _bytes(path)
    beside = path.with_name(path.name + ".sha256")
    if expected is None and beside.is_file():
        _compare(path, data, _digest_in(beside), str(beside))
    elif expected is not None:
        if not _HEX.fullmatch(expected):
            raise FlashError("--sha256: expected 64 hex digits")
        _compare(path, data, expected, "--sha256")
    return judge(path.name, data)


def judge(name: str, data: bytes) -> Image:
    """Whether these bytes are MicroPython for an ESP32, whole. Raises `FlashError` saying where it
    is something else."""
    loader = _part(name, data, 0, "the second-stage loader")
    if len(data) < _TABLE + _PARTITION.size:
        raise FlashError(f"{name}: ends after {loader} bytes, expected a partition table: {_why()}")
    application = _application_at(name, data)
    _part(name, data, application, "the application")
    return Image(name, data, _version(name, data, application))


def keep(image: Image) -> Path:
    """Put it into the cache, for the next board; the digest last, so that half a file is none."""
    path = cached_at()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, image.data)
        _replace(path.with_name(path.name + ".sha256"), f"{image.sha256}  {image.name}\n".encode())
    except OSError as error:
        raise FlashError(f"{path}: {error.strerror}") from error
    return path


def cached() -> Image:
    """What an earlier run kept, checked again. Raises `FlashError` where there is none."""
    path = cached_at()
    beside = path.with_name(path.name + ".sha256")
    if not path.is_file() or not beside.is_file():
        raise FlashError(
            f"no MicroPython was kept yet: download ESP32_GENERIC, {MINIMUM[0]}.{MINIMUM[1]} or "
            f"newer, from {PAGE} and name it with --micropython FILE, or give --keep-micropython "
            "for a board that has it"
        )
    data = _bytes(path)
    _compare(path, data, _digest_in(beside), str(beside))
    name = beside.read_text(encoding="utf-8", errors="replace").partition("  ")[2].strip()
    return judge(name or path.name, data)


def cached_at() -> Path:
    """`$XDG_CACHE_HOME/fevergate/micropython-esp32.bin`."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    folder = Path(root) if Path(root).is_absolute() else Path.home() / ".cache"
    return folder / "fevergate" / "micropython-esp32.bin"


def _why() -> str:
    return f"take the .bin of ESP32_GENERIC from {PAGE}"


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > SIZE_MAX:
            raise FlashError(f"{path}: larger than any ESP32's flash ({SIZE_MAX >> 20} MiB)")
        return path.read_bytes()
    except OSError as error:
        raise FlashError(f"{path}: {error.strerror}") from error


def _digest_in(path: Path) -> str:
    """As `sha256sum` writes it. Raises `FlashError`."""
    try:
        words = path.read_text(encoding="utf-8", errors="replace").split()
    except OSError as error:
        raise FlashError(f"{path}: {error.strerror}") from error
    if not words or not _HEX.fullmatch(words[0]):
        raise FlashError(f"{path}: expected a SHA-256 of 64 hex digits, as sha256sum writes it")
    return words[0]


def _compare(path: Path, data: bytes, expected: str, source: str) -> None:
    actual = hashlib.sha256(data).hexdigest()
    if actual != expected.lower():
        raise FlashError(
            f"{path}: SHA-256 {actual}, expected {expected.lower()} ({source}): damaged, or "
            "another file; download it again"
        )


def _part(name: str, data: bytes, at: int, what: str) -> int:
    """Check one image inside the file; its length. Raises `FlashError`."""
    header = data[at : at + 24]
    if len(header) < 24 or header[0] != _MAGIC:
        raise FlashError(f"{name}: {what} at {at:#x} is no ESP32 image (0xE9): {_why()}")
    chip = int.from_bytes(header[12:14], "little")
    if chip != _CHIP:
        other = _CHIPS.get(chip, f"chip {chip}")
        raise FlashError(f"{name}: made for {other}, expected ESP32: {_why()}")
    try:
        image = ESP32FirmwareImage(io.BytesIO(data[at:]))
    except (FatalError, RuntimeError, struct.error, IndexError) as error:
        raise FlashError(f"{name}: {what} is cut off or damaged: {error}") from error
    if image.checksum != image.calculate_checksum():
        raise FlashError(f"{name}: {what} is damaged: its checksum is wrong; download it again")
    if image.append_digest and image.stored_digest != image.calc_digest:
        raise FlashError(f"{name}: {what} is damaged: its digest is wrong; download it again")
    return image.data_length or 0


def _application_at(name: str, data: bytes) -> int:
    """Where in the file the first application begins."""
    for index in range(_PARTITIONS_MAX):
        entry = data[_TABLE + index * _PARTITION.size :][: _PARTITION.size]
        if len(entry) < _PARTITION.size:
            break
        magic, kind, _, at, _, _, _ = _PARTITION.unpack(entry)
        if magic != _PARTITION_MAGIC:
            break
        if kind == 0:
            return at - OFFSET
    raise FlashError(f"{name}: expected a partition table with an application: {_why()}")


def _version(name: str, data: bytes, application: int) -> tuple[int, int] | None:
    """Which MicroPython it is; None where only the board can tell."""
    segments = data[application + 24 + 8 :][: _DESCRIPTION.size]
    if len(segments) < _DESCRIPTION.size:
        return None
    magic, version, project = _DESCRIPTION.unpack(segments)
    if magic != _DESCRIPTION_MAGIC:
        return None
    if project.rstrip(b"\0") != b"micropython":
        shown = project.rstrip(b"\0").decode("ascii", "replace")
        raise FlashError(f"{name}: holds {shown!r}, expected micropython: {_why()}")
    found = re.match(rb"v?(\d{1,3})\.(\d{1,3})", version)
    if not found:
        return None
    number = int(found[1]), int(found[2])
    if number < MINIMUM:
        raise FlashError(
            f"{name}: MicroPython {number[0]}.{number[1]}, expected {MINIMUM[0]}.{MINIMUM[1]} or "
            f"newer: {PAGE}"
        )
    return number


def _replace(path: Path, data: bytes) -> None:
    half = path.with_name(path.name + ".part")
    half.write_bytes(data)
    half.replace(path)
