"""MicroPython's image for a board: checked before it is written, cached for the next board.

Format: ESP-IDF, "Application Image Format" and "Partition Tables"; esptool parses the images.
"""

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
from fevergate.system.atomic_file import write_public

SIZE_MAX = 16 << 20

_CHIPS = {rom.IMAGE_CHIP_ID: rom.CHIP_NAME for rom in ROM_LIST if rom.IMAGE_CHIP_ID is not None}
_MAGIC = 0xE9
_HEADER_BYTES = 24
_TABLE_AT = 0x8000
_PARTITION = struct.Struct("<HBBII16sI")
_PARTITION_MAGIC = 0x50AA
_PARTITIONS_MAX = 95
_DESCRIPTION = struct.Struct("<I12x32s32s")  # magic, secure version, reserved; version, project
_DESCRIPTION_MAGIC = 0xABCD5432
# MICROPY_HW_BOARD_NAME; in an image " with " and MICROPY_HW_MCU_NAME come after it.
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
    if expected is not None and not _HEX.fullmatch(expected):
        raise FlashError("--sha256: expected 64 hex digits")
    data = _bytes(path)
    if expected is not None:
        _compare(path, data, expected, "--sha256")
    elif _beside(path).is_file():
        _compare_beside(path, data)
    return judge(path.name, data, model)


def judge(name: str, data: bytes, model: BoardModel | None = None) -> Image:
    """Check that `data` is a complete image of MicroPython for this model; if `model` is None, for
    any supported board. Raises `FlashError` with what is wrong."""
    file = _File(name, data, _made_for(name, data, model))
    file.check_part(0, "the second-stage loader")
    application = file.application_at()
    file.check_part(application, "the application")
    version = file.version(application)
    built = _BOARD_NAME.search(data)
    board_name = _BOARD_NAMES.get(file.model.image)
    if built and board_name and built[0] != board_name:
        raise file.refused(
            f"built for {built[0].decode()!r}, which does not reach the memory of"
            f" {file.model.title}"
        )
    return Image(name, data, file.model, version)


def keep(image: Image) -> Path:
    """Cache the image; the digest is written last, so that an incomplete file does not count."""
    path = cached_at(image.model)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_public(path, image.data)
        write_public(_beside(path), f"{image.sha256}  {image.name}\n".encode())
    except OSError as error:
        raise FlashError(f"{path}: {error.strerror}") from error
    return path


def cached(model: BoardModel) -> Image:
    """The image that an earlier run cached for such a board, checked again. Raises `FlashError` if
    there is none."""
    path = cached_at(model)
    if not is_kept(model):
        raise FlashError(
            f"no MicroPython was kept yet for {model.title}: {_take(model)}, {_AT_LEAST}, and name "
            "it with --micropython FILE, or give --keep-micropython for a board that has it"
        )
    data = _bytes(path)
    name = _compare_beside(path, data)
    return judge(name or path.name, data, model)


def is_kept(model: BoardModel) -> bool:
    """Whether an earlier run cached an image for such a board."""
    path = cached_at(model)
    return path.is_file() and _beside(path).is_file()


def cached_at(model: BoardModel) -> Path:
    """Path in the cache: `$XDG_CACHE_HOME/fevergate/micropython-IMAGE.bin`."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    folder = Path(root) if Path(root).is_absolute() else Path.home() / ".cache"
    return folder / "fevergate" / f"micropython-{model.image}.bin"


def page(model: BoardModel) -> str:
    """Download page of MicroPython for such a board; variants are on the page of their board."""
    return f"https://micropython.org/download/{model.image.partition('-')[0]}/"


_AT_LEAST = f"{MINIMUM[0]}.{MINIMUM[1]} or newer"


def _take(model: BoardModel) -> str:
    return f"take the .bin of {model.image} from {page(model)}"


def _made_for(name: str, data: bytes, model: BoardModel | None) -> BoardModel:
    """Model with the chip that the image's header names. Raises `FlashError`."""
    board = model or BOARDS[DEFAULT_BOARD]
    if len(data) < _HEADER_BYTES or data[0] != _MAGIC:
        raise FlashError(f"{name}: no image of an ESP32 (0xE9 first): {_take(board)}")
    chip = _chip(data)
    made_for = of_chip(chip) if model is None else model if model.chip == chip else None
    if made_for is None:
        raise FlashError(f"{name}: made for {chip}, expected {board.chip}: {_take(board)}")
    return made_for


def _chip(header: bytes) -> str:
    number = int.from_bytes(header[12:14], "little")
    return _CHIPS.get(number, f"chip {number}")


@dataclass(frozen=True)
class _File:
    """A file that may be an image for a model."""

    name: str
    data: bytes
    model: BoardModel

    def refused(self, why: str) -> FlashError:
        return FlashError(f"{self.name}: {why}: {_take(self.model)}")

    def check_part(self, at: int, part_name: str) -> None:
        """Check one of the images inside the file. Raises `FlashError`."""
        part = self.data[at:]
        if len(part) < _HEADER_BYTES or part[0] != _MAGIC:
            raise self.refused(f"{part_name} at {at:#x} is no image (0xE9 first)")
        if (chip := _chip(part)) != self.model.chip:
            raise self.refused(f"{part_name} is made for {chip}, not {self.model.chip}")
        try:
            image: Any = LoadFirmwareImage(self.model.chip, part)
        except (FatalError, RuntimeError, struct.error, IndexError) as error:
            raise FlashError(f"{self.name}: {part_name} is cut off or damaged: {error}") from error
        wrong = "checksum" if image.checksum != image.calculate_checksum() else ""
        if image.append_digest and image.stored_digest != image.calc_digest:
            wrong = wrong or "digest"
        if wrong:
            raise FlashError(
                f"{self.name}: {part_name} is damaged: its {wrong} is wrong; download it again"
            )

    def application_at(self) -> int:
        """Offset in the file of the first application partition. Raises `FlashError`."""
        table = self.data[_TABLE_AT - self.model.offset :][: _PARTITIONS_MAX * _PARTITION.size]
        size = len(table) // _PARTITION.size * _PARTITION.size
        for magic, kind, _, at, *_ in _PARTITION.iter_unpack(table[:size]):
            if magic != _PARTITION_MAGIC:
                break
            if kind == 0:
                return at - self.model.offset
        raise self.refused("expected a partition table with an application")

    def version(self, application: int) -> tuple[int, int] | None:
        """MicroPython's version in the application description, or None. Raises `FlashError`."""
        description = self.data[application + _HEADER_BYTES + 8 :][: _DESCRIPTION.size]
        if len(description) < _DESCRIPTION.size:
            return None
        magic, version, project = _DESCRIPTION.unpack(description)
        if magic != _DESCRIPTION_MAGIC:
            return None
        if (project := project.rstrip(b"\0")) != b"micropython":
            name = project.decode("ascii", "replace")
            raise self.refused(f"holds {name!r}, expected micropython")
        match = re.match(rb"v?(\d{1,3})\.(\d{1,3})", version)
        number = (int(match[1]), int(match[2])) if match else None
        if number and number < MINIMUM:
            raise self.refused(f"MicroPython {number[0]}.{number[1]}, expected {_AT_LEAST}")
        return number


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > SIZE_MAX:
            raise FlashError(f"{path}: larger than any ESP32's flash ({SIZE_MAX >> 20} MiB)")
        return path.read_bytes()
    except OSError as error:
        raise FlashError(f"{path}: {error.strerror}") from error


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _compare_beside(path: Path, data: bytes) -> str:
    """Compare a file with the digest in FILE.sha256; returns the name in it. Raises
    `FlashError`."""
    beside = _beside(path)
    digest, _, name = _bytes(beside).decode("utf-8", "replace").partition(" ")
    if not _HEX.fullmatch(digest.strip()):
        raise FlashError(f"{beside}: expected a SHA-256 of 64 hex digits, as sha256sum writes it")
    _compare(path, data, digest.strip(), str(beside))
    return name.strip()


def _compare(path: Path, data: bytes, expected: str, source: str) -> None:
    actual = hashlib.sha256(data).hexdigest()
    if actual != expected.lower():
        raise FlashError(
            f"{path}: SHA-256 {actual}, expected {expected.lower()} ({source}): damaged, or "
            "another file; download it again"
        )
