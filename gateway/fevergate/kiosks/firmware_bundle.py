"""Builds a firmware bundle: compiled for MicroPython, packed into one file, and signed.

The kiosk checks and unpacks the bundle in `kiosk.update_offer`, `kiosk.update_bundle` and
`kiosk.signature`.
"""

import base64
import hashlib
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
from fevergate.kiosks.firmware_source import GLYPHS, firmware_source
from fevergate.protocol.messages import UpdateOffer
from kiosk.update_offer import PIECE_MAX, SIZE_MAX, header, signed_text

_HEADER = re.compile(
    rb"FeverGate bundle 2 (\d{1,3}\.\d{1,3}\.\d{1,3}) (\d{1,3}) ([a-z0-9,-]{1,100})\n"
)


@dataclass(frozen=True)
class Bundle:
    """Compiled firmware of one version, for the boards in `boards`."""

    version: str
    abi: int
    boards: tuple[str, ...]
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def piece(self, offset: int) -> bytes:
        """The answer to a kiosk's request for the bundle from `offset` on."""
        return offset.to_bytes(4, "big") + self.data[offset : offset + PIECE_MAX]


def build(firmware: Path | None = None, boards: Sequence[str] = ()) -> Bundle:
    """Compile and pack the package `kiosk` of the folder `firmware`, by default of the installed
    one.

    `boards` are the names of the boards for which the bundle is made, by default every board that a
    kiosk can run on. A bundle contains the shapes of the display's characters, but not the boards'
    pins. Raises `UpdateError` naming a missing file, and `CompilerError`.
    """
    source = firmware_source(firmware)
    files = {GLYPHS: source.file(GLYPHS)}
    for name, data in source.modules.items():
        files[name.removesuffix(".py") + ".mpy"] = compiled(data, name)
    names = tuple(boards or BOARDS)
    data = _packed(source.version, names, files)
    return _checked(Bundle(source.version, ABI, names, data), str(firmware or "firmware"))


def read(path: Path) -> Bundle:
    """Read a bundle from a file. Raises `UpdateError` if the file is not a bundle."""
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
    """The signed offer of a bundle to one kiosk. A kiosk refuses an offer that is older than the
    last one it took."""
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


def _checked(bundle: Bundle, source: str) -> Bundle:
    if len(bundle.data) > SIZE_MAX:
        raise UpdateError(f"{source}: {len(bundle.data)} bytes, a kiosk takes {SIZE_MAX}")
    return bundle
