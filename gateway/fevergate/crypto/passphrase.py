"""Streaming encryption of a file with a passphrase; changed and truncated files are detected.

    FGBACKUP  version  log2(N)  r  p  salt (16)  check (32)  blocks...

The key is derived from the passphrase by scrypt (RFC 7914). A block has 64 KiB, the last one at
most 64 KiB, and is encrypted with AES-256-GCM (NIST SP 800-38D). The nonce contains the block's
number and whether it is the last block. This is the STREAM construction (Hoang, Reyhanitabar,
Rogaway, Vizár 2015): a block that was changed, moved, removed or added is detected before its
content is used. `check` is an HMAC-SHA256 of the header before it; it distinguishes a wrong
passphrase from a damaged file.
"""

from __future__ import annotations

import hmac
import io
import os
from typing import IO, TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from fevergate.errors import BackupError

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAGIC = b"FGBACKUP"
VERSION = 1
LOG2_N = 17
"""Each guess costs 128 MiB and about 2 s on a Pi 3 (OWASP's minimum for scrypt, r = 8, p = 1)."""

MAX_LOG2_N = 18
"""Limit for files that are read: 256 MiB of memory."""

R, P = 8, 1
SALT = 16
CHECK = 32
HEADER = len(MAGIC) + 4 + SALT
BLOCK = 65_536
TAG = 16


def is_encrypted(start: bytes) -> bool:
    """Whether a file whose first bytes are `start` is in this format."""
    return start.startswith(MAGIC)


class EncryptedWriter(io.RawIOBase):
    """Encrypts the data written to it into `file`, which is complete only after `finish`."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        self._file = file
        header = MAGIC + bytes([VERSION, LOG2_N, R, P]) + os.urandom(SALT)
        self._aes, check = _keys(passphrase, header)
        self._pending = bytearray()
        self._number = 0
        file.write(header + check)

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        data = memoryview(data)
        self._pending += data
        while len(self._pending) > BLOCK:  # a full block is held back: it may be the last one
            self._put(bytes(self._pending[:BLOCK]), last=False)
            del self._pending[:BLOCK]
        return data.nbytes

    def finish(self) -> None:
        """Write the last block. Nothing may be written after it."""
        self._put(bytes(self._pending), last=True)

    def _put(self, block: bytes, *, last: bool) -> None:
        self._file.write(self._aes.encrypt(_nonce(self._number, last=last), block, None))
        self._number += 1


class EncryptedReader(io.RawIOBase):
    """Decrypts `file` from its start; errors refer to it as `name`.

    Raises `BackupError` when opened with a wrong passphrase or another format, while reading a
    changed block, and at the end of a truncated file.
    """

    def __init__(self, file: IO[bytes], passphrase: str, name: str) -> None:
        self._file, self._name = file, name
        header = file.read(HEADER)
        check = file.read(CHECK)
        if len(header) + len(check) < HEADER + CHECK or not is_encrypted(header):
            raise BackupError(f"{name}: damaged: its header is cut short")
        version, log2_n, r, p = header[len(MAGIC) : len(MAGIC) + 4]
        if version != VERSION:
            raise BackupError(f"{name}: format {version}; this FeverGate reads format {VERSION}")
        if not 10 <= log2_n <= MAX_LOG2_N or (r, p) != (R, P):
            raise BackupError(f"{name}: damaged: its header has values that no backup has")
        self._aes, expected = _keys(passphrase, header)
        if not hmac.compare_digest(check, expected):
            raise BackupError(f"{name}: this is not the passphrase it was encrypted with")
        self._next = file.read(BLOCK + TAG)
        self._number = 0
        self._plain = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        target = memoryview(buffer).cast("B")
        while not self._plain and not self._ended:
            self._plain = memoryview(self._block())
        count = min(len(target), len(self._plain))
        target[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def _block(self) -> bytes:
        block, self._next = self._next, self._file.read(BLOCK + TAG)
        self._ended = not self._next
        try:
            plain = self._aes.decrypt(_nonce(self._number, last=self._ended), block, None)
        except InvalidTag as error:
            raise BackupError(
                f"{self._name}: damaged: block {self._number} was changed or is cut short"
            ) from error
        self._number += 1
        return plain


def _nonce(number: int, *, last: bool) -> bytes:
    # The random salt makes the key unique to this file, so no nonce is used twice with one key.
    return number.to_bytes(11, "big") + bytes([last])


def _keys(passphrase: str, header: bytes) -> tuple[AESGCM, bytes]:
    """Derive the cipher and the expected `check`."""
    log2_n, r, p = header[len(MAGIC) + 1 : len(MAGIC) + 4]
    salt = header[-SALT:]
    keys = Scrypt(salt=salt, length=64, n=2**log2_n, r=r, p=p).derive(passphrase.encode())
    return AESGCM(keys[:32]), hmac.digest(keys[32:], header, "sha256")
