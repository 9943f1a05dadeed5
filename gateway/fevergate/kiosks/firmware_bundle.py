"""Builds a firmware bundle: compiled for MicroPython, packed into one file, and signed.

The kiosk's side of it is in `kiosk.update_offer`, `kiosk.update_bundle` and `kiosk.signature`.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from msgspec.structs import asdict, replace

from fevergate.errors import UpdateError
from fevergate.kiosks.boards import BOARDS
from fevergate.kiosks.firmware_compiler import ABI, compiled
from fevergate.protocol.messages import UpdateOffer
from kiosk.update_offer import PIECE_MAX, SIZE_MAX, header, signed_text

GLYPHS = "glyphs.bin"
"""Shapes of the display's characters; an update brings those of its own words."""

_HEADER = re.compile(
    rb"FeverGate bundle 2 (\d{1,3}\.\d{1,3}\.\d{1,3}) (\d{1,3}) ([a-z0-9,-]{1,100})\n"
)
_VERSION = re.compile(r'^VERSION = "([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True)
class Bundle:
    """Compiled firmware of one version, for the boards that it names."""

    version: str
    abi: int
    boards: tuple[str, ...]
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def piece(self, offset: int) -> bytes:
        """The message that answers a kiosk which asks for the bundle from `offset` on."""
        return offset.to_bytes(4, "big") + self.data[offset : offset + PIECE_MAX]


def build(firmware: Path | None = None, boards: Sequence[str] = ()) -> Bundle:
    """Compile and pack the package `kiosk` of the folder `firmware`, by default the installed one.

    `boards` are the names of the boards that it is for, by default every one that a kiosk runs
    on; the pins are on the board and no part of a bundle. Raises `UpdateError` naming what is
    missing, and `CompilerError`.
    """
    package = firmware / "kiosk" if firmware else _package("kiosk")
    if not (package / "app.py").is_file():
        raise UpdateError(f"{package}: expected the firmware's package kiosk")
    version = _version(package / "__init__.py")
    sources = {f"kiosk/{name}": path for name, path in _sources(package)}
    glyphs = (firmware or Path(__file__).parents[1] / "flash" / "board") / GLYPHS
    if not glyphs.is_file():
        raise UpdateError(f"{glyphs}: expected the display's characters, by tools/make-glyphs")
    files = {GLYPHS: glyphs.read_bytes()}
    for name, path in sorted(sources.items()):
        files[str(Path(name).with_suffix(".mpy"))] = compiled(path.read_bytes(), name)
    names = tuple(boards or BOARDS)
    return _checked(Bundle(version, ABI, names, _packed(version, names, files)), str(package))


def read(path: Path) -> Bundle:
    """Read a bundle from a file. Raises `UpdateError` if the file is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UpdateError(f"{path}: {error.strerror}") from error
    match = _HEADER.match(data)
    if not match:
        raise UpdateError(f"{path}: expected a bundle made by fevergate update --save")
    boards = tuple(match[3].decode().split(","))
    return _checked(Bundle(match[1].decode(), int(match[2]), boards, data), str(path))


def sign(bundle: Bundle, kiosk: str, key: rsa.RSAPrivateKey, *, downgrade: bool) -> UpdateOffer:
    """The signed offer of a bundle to one kiosk; a kiosk refuses an offer older than its last."""
    offer = UpdateOffer(
        version=bundle.version,
        issued=int(time.time()),
        size=len(bundle.data),
        sha256=bundle.sha256,
        abi=bundle.abi,
        boards=bundle.boards,
        downgrade=downgrade,
    )
    text = signed_text(kiosk, asdict(offer))
    signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return replace(offer, signature=base64.b64encode(signature).decode())


def _packed(version: str, boards: tuple[str, ...], files: dict[str, bytes]) -> bytes:
    """The bundle's bytes, in the form that `kiosk.update_bundle` unpacks."""
    packed = [header(version, ABI, boards)]
    for name, data in files.items():
        packed += [f"{name} {len(data)} {hashlib.sha256(data).hexdigest()}\n".encode(), data]
    return b"".join(packed)


def _checked(bundle: Bundle, where: str) -> Bundle:
    if len(bundle.data) > SIZE_MAX:
        raise UpdateError(f"{where}: {len(bundle.data)} bytes, a kiosk takes {SIZE_MAX}")
    return bundle


def _package(name: str) -> Path:
    package = importlib.util.find_spec(name)
    if package is None or not package.submodule_search_locations:
        raise UpdateError(
            f"{name} is not installed: pip install 'fevergate[update]', or build on "
            "a machine that has it (--save) and roll that out (--bundle)"
        )
    return Path(package.submodule_search_locations[0])


def _sources(package: Path) -> list[tuple[str, Path]]:
    return [
        (path.relative_to(package).as_posix(), path)
        for path in sorted(package.rglob("*.py"))
        if "__pycache__" not in path.parts
    ]


def _version(path: Path) -> str:
    match = _VERSION.search(path.read_text(encoding="utf-8"))
    if not match or not re.fullmatch(r"\d{1,3}\.\d{1,3}\.\d{1,3}", match[1]):
        raise UpdateError(f'{path}: expected VERSION = "major.minor.patch"')
    return match[1]
