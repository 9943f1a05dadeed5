"""Encrypts personal fields, finds them by tags and signs reports, with a key beside the settings.

A copy of the database alone therefore names nobody, and write access to it is not enough to sign.
`cryptography` takes 7 MB of memory and is loaded only at the first encryption or decryption: the
gateway's process needs tags only.
"""

from __future__ import annotations

import base64
import hmac
import logging
import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fevergate.errors import SettingsError, StoreError
from fevergate.settings import last_good
from fevergate.system.atomic_file import create_private

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

log = logging.getLogger(__name__)

KEY_BYTES = 32
"""Length of the key in bytes; the key file holds it in URL-safe base64, as Fernet expects."""

KEY = "persons.key"
"""File of the key; `fevergate backup` includes it."""

Fields = dict[str, str]


class Vault:
    """Encrypts fields with Fernet (AES-128-CBC with HMAC-SHA256); creates the key if there is none.

    Gateway and pages start at the same moment; both use the key that was written first.

    If the key is damaged and has no good copy, each method raises `StoreError`; the caller then
    continues without names and signatures.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key = b""
        folder = path.parent / last_good.FOLDER
        try:
            if not path.exists() and not (folder / path.name).exists():
                new = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES))
                create_private(path, new + b"\n")
            chosen, wrong = last_good.choose(path, _check, folder)
            key = chosen.read_bytes().strip()
        except (OSError, SettingsError) as error:
            log.critical("expected the key of the personal fields: %s; the backup has it", error)
            return
        if wrong:
            log.error("%s; the last sound copy is taken", wrong)
        self._key = key
        # Signatures and tags each have a derived key (key separation, NIST SP 800-108).
        self._signing = hmac.digest(key, b"fevergate signature", "sha256")
        self._indexing = hmac.digest(key, b"fevergate blind index", "sha256")

    def _require_key(self) -> None:
        if not self._key:
            raise StoreError(f"{self._path}: expected the key of the personal fields")

    @cached_property
    def _fernet(self) -> Fernet:
        from cryptography.fernet import Fernet

        self._require_key()
        return Fernet(self._key)

    def mac(self, text: str) -> str:
        """HMAC-SHA256 of `text` in hex."""
        self._require_key()
        return hmac.digest(self._signing, text.encode(), "sha256").hex()

    def tag(self, kind: str, text: str) -> str:
        """Return a tag by which a value of this kind is found among encrypted ones (a blind index):
        the first half of an HMAC-SHA256, in hex. Without the key, nobody can compute tags and so
        compare them with a list of names."""
        self._require_key()
        return hmac.digest(self._indexing, f"{kind}\0{text}".encode(), "sha256").hex()[:32]

    def seal(self, fields: Fields) -> str:
        """Encrypt fields; returns an empty text if all of them are empty."""
        if not any(fields.values()):
            return ""
        return self._fernet.encrypt(msgspec.json.encode(fields)).decode()

    def open(self, sealed: str) -> Fields:
        """Decrypt fields. Raises `StoreError` if they were encrypted with another key."""
        if not sealed:
            return {}
        from cryptography.fernet import InvalidToken

        try:
            return msgspec.json.decode(self._fernet.decrypt(sealed.encode()), type=Fields)
        except (InvalidToken, msgspec.MsgspecError) as error:
            raise StoreError(
                f"{self._path}: is not the key with which the follow-ups were encrypted;"
                " the backup has that key"
            ) from error


def _check(data: bytes) -> None:
    if len(base64.urlsafe_b64decode(data.strip())) != KEY_BYTES:
        raise ValueError(f"expected {KEY_BYTES} bytes in URL-safe base64")
