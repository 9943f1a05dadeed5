"""MicroPython's image for a board: checked before it is written, cached for the next board.

Format: ESP-IDF, "Application Image Format" and "Partition Tables"; esptool parses the images.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esptool.bin_image import LoadFirmwareImage
from esptool.targets import ROM_LIST
from esptool.util import FatalError

from fevergate.errors import FlashError
from fevergate.flash.models import of_chip
from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD, BoardModel
from fevergate.kiosks.cable import MINIMUM

SIZE_MAX = 16 << 20

_CHIPS = {rom.IMAGE_CHIP_ID: rom.CHIP_NAME for rom in ROM_LIST if rom.IMAGE_CHIP_ID is not None}
_MAGIC = 0xE9
_TABLE_AT = 0x8000
_PARTITION = struct.Struct("<HBBII16sI")
_PARTITION_MAGIC = 0x50AA
_PARTITIONS_MAX = 95
_DESCRIPTION = struct.Struct("<I12x32s32s")  # magic, secure version, reserved; version, project
_DESCRIPTION_MAGIC = 0xABCD5432
# MICROPY_HW_BOARD_NAME, which in an image " with " and MICROPY_HW_MCU_NAME follow.
_BOARD_NAMES = {
    "ESP32_GENERIC_S3": b"Generic ESP32S3 module",
    "ESP32_GENERIC-SPIRAM": b"Generic ESP32 module with SPIRAM",
}
_BOARD_NAME = re.compile(rb"Generic ESP32\w{0,4} module(?: with [\w-]{1,20})?(?= with ESP32)")
_HEX = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Image:
    """An image for flash offset `model.offset`; `version` is MicroPython's (major, minor), None
    where the image does not state it."""

    name: str
    data: bytes
    model: BoardModel
    version: tuple[int, int] | None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def flash_bytes(self) -> int:
        """Flash size in the image's header; its bootloader does not start on a smaller flash."""
        return 1 << 20 << (self.data[3] >> 4)


def read(path: Path, expected: str | None = None, model: BoardModel | None = None) -> Image:
    """Read and check the user's file. Its SHA-256 must be `expected`, else the one in FILE.sha256
    beside it, if that exists. Raises `FlashError`."""
    data = _bytes(path)
    beside = path.with_name(path.name + ".sha256")
    if expected is None and beside.is_file():
        _compare(path, data, _digest_in(beside), str(beside))
    elif expected is not None:
        if not _HEX.fullmatch(expected):
            raise FlashError("--sha256: expected 64 hex digits")
        _compare(path, data, expected, "--sha256")
    return judge(path.name, data, model)


def judge(name: str, data: bytes, model: BoardModel | None = None) -> Image:
    """Check that `data` is a complete image of MicroPython for this model, or without a model for
    any supported board. Raises `FlashError` with what is wrong."""
    model = _made_for(name, data, model)
    loader = _part(name, data, 0, "the second-stage loader", model)
    if len(data) < _TABLE_AT - model.offset + _PARTITION.size:
        raise FlashError(
            f"{name}: ends after {loader} bytes, expected a partition table: {_take(model)}"
        )
    application = _application_at(name, data, model)
    _part(name, data, application, "the application", model)
    version = _version(name, data, application, model)
    built = _BOARD_NAME.search(data)
    wanted = _BOARD_NAMES.get(model.image)
    if built and wanted and built[0] != wanted:
        raise FlashError(
            f"{name}: built for {built[0].decode()!r}, which does not reach the memory of "
            f"{model.title}: {_take(model)}"
        )
    return Image(name, data, model, version)


def keep(image: Image) -> Path:
    """Cache the image; the digest is written last, so that an incomplete file does not count."""
    path = cached_at(image.model)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, image.data)
        _replace(path.with_name(path.name + ".sha256"), f"{image.sha256}  {image.name}\n".encode())
    except OSError as error:
        raise FlashError(f"{path}: {error.strerror}") from error
    return path


def cached(model: BoardModel) -> Image:
    """The image that an earlier run cached for such a board, checked again. Raises `FlashError` if
    there is none."""
    path = cached_at(model)
    beside = path.with_name(path.name + ".sha256")
    if not is_kept(model):
        raise FlashError(
            f"no MicroPython was kept yet for {model.title}: {_take(model)}, {_AT_LEAST}, and name "
            "it with --micropython FILE, or give --keep-micropython for a board that has it"
        )
    data = _bytes(path)
    _compare(path, data, _digest_in(beside), str(beside))
    name = beside.read_text(encoding="utf-8", errors="replace").partition("  ")[2].strip()
    return judge(name or path.name, data, model)


def is_kept(model: BoardModel) -> bool:
    """Whether an earlier run cached an image for such a board."""
    path = cached_at(model)
    return path.is_file() and path.with_name(path.name + ".sha256").is_file()


def cached_at(model: BoardModel) -> Path:
    """Path in the cache: `$XDG_CACHE_HOME/fevergate/micropython-IMAGE.bin`."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    folder = Path(root) if Path(root).is_absolute() else Path.home() / ".cache"
    return folder / "fevergate" / f"micropython-{model.image}.bin"


def page(model: BoardModel) -> str:
    """Download page of MicroPython for such a board; a variant is on its board's page."""
    return f"https://micropython.org/download/{model.image.partition('-')[0]}/"


_AT_LEAST = f"{MINIMUM[0]}.{MINIMUM[1]} or newer"


def _take(model: BoardModel) -> str:
    return f"take the .bin of {model.image} from {page(model)}"


def _made_for(name: str, data: bytes, model: BoardModel | None) -> BoardModel:
    """Model with the chip that the image's header names. Raises `FlashError`."""
    known = model or BOARDS[DEFAULT_BOARD]
    if len(data) < 24 or data[0] != _MAGIC:
        raise FlashError(f"{name}: no image of an ESP32 (0xE9 first): {_take(known)}")
    number = int.from_bytes(data[12:14], "little")
    chip = _CHIPS.get(number, f"chip {number}")
    made_for = model if model and model.chip == chip else None if model else of_chip(chip)
    if made_for is None:
        raise FlashError(f"{name}: made for {chip}, expected {known.chip}: {_take(known)}")
    return made_for


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > SIZE_MAX:
            raise FlashError(f"{path}: larger than any ESP32's flash ({SIZE_MAX >> 20} MiB)")
        return path.read_bytes()
    except OSError as error:
        raise FlashError(f"{path}: {error.strerror}") from error


def _digest_in(path: Path) -> str:
    """Digest in a file written by `sha256sum`. Raises `FlashError`."""
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


def _part(name: str, data: bytes, at: int, what: str, model: BoardModel) -> int:
    """Check one image inside the file; returns its length. Raises `FlashError`."""
    header = data[at : at + 24]
    if len(header) < 24 or header[0] != _MAGIC:
        raise FlashError(f"{name}: {what} at {at:#x} is no image (0xE9 first): {_take(model)}")
    number = int.from_bytes(header[12:14], "little")
    if _CHIPS.get(number) != model.chip:
        chip = _CHIPS.get(number, f"chip {number}")
        raise FlashError(f"{name}: {what} is made for {chip}, not {model.chip}: {_take(model)}")
    try:
        image: Any = LoadFirmwareImage(model.chip, data[at:])
    except (FatalError, RuntimeError, struct.error, IndexError) as error:
        raise FlashError(f"{name}: {what} is cut off or damaged: {error}") from error
    if image.checksum != image.calculate_checksum():
        raise FlashError(f"{name}: {what} is damaged: its checksum is wrong; download it again")
    if image.append_digest and image.stored_digest != image.calc_digest:
        raise FlashError(f"{name}: {what} is damaged: its digest is wrong; download it again")
    return image.data_length or 0


def _application_at(name: str, data: bytes, model: BoardModel) -> int:
    """Offset in the file of the first application partition."""
    for index in range(_PARTITIONS_MAX):
        entry = data[_TABLE_AT - model.offset + index * _PARTITION.size :][: _PARTITION.size]
        if len(entry) < _PARTITION.size:
            break
        magic, kind, _, at, _, _, _ = _PARTITION.unpack(entry)
        if magic != _PARTITION_MAGIC:
            break
        if kind == 0:
            return at - model.offset
    raise FlashError(f"{name}: expected a partition table with an application: {_take(model)}")


def _version(name: str, data: bytes, application: int, model: BoardModel) -> tuple[int, int] | None:
    """MicroPython's version in the application description, or None. Raises `FlashError`."""
    segments = data[application + 24 + 8 :][: _DESCRIPTION.size]
    if len(segments) < _DESCRIPTION.size:
        return None
    magic, version, project = _DESCRIPTION.unpack(segments)
    if magic != _DESCRIPTION_MAGIC:
        return None
    if project.rstrip(b"\0") != b"micropython":
        shown = project.rstrip(b"\0").decode("ascii", "replace")
        raise FlashError(f"{name}: holds {shown!r}, expected micropython: {_take(model)}")
    found = re.match(rb"v?(\d{1,3})\.(\d{1,3})", version)
    if not found:
        return None
    number = int(found[1]), int(found[2])
    if number < MINIMUM:
        raise FlashError(
            f"{name}: MicroPython {number[0]}.{number[1]}, expected {_AT_LEAST}: {page(model)}"
        )
    return number


def _replace(path: Path, data: bytes) -> None:
    half = path.with_name(path.name + ".part")
    half.write_bytes(data)
    half.replace(path)
