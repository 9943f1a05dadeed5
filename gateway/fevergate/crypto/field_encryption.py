"""Encrypts personal fields, finds them by tags and signs reports, with a key beside the settings.

A copy of the database alone then names nobody, and write access to it is not enough to sign.
"""

import hmac
import logging
from pathlib import Path

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from fevergate.errors import SettingsError, StoreError
from fevergate.settings import last_good
from fevergate.system.atomic_file import write_private

log = logging.getLogger(__name__)

KEY = "persons.key"
"""File of the key; `fevergate backup` includes it."""

Fields = dict[str, str]


class Vault:
    """Encrypts fields with Fernet (AES-128-CBC with HMAC-SHA256); creates the key if there is none.

    With a damaged key and no good copy of it, each method raises `StoreError`; whoever uses it goes
    on without names and signatures.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fernet: Fernet | None = None
        folder = path.parent / last_good.FOLDER
        try:
            if not path.exists() and not (folder / path.name).exists():
                write_private(path, Fernet.generate_key() + b"\n")
            chosen, wrong = last_good.choose(path, _check, folder)
            key = chosen.read_bytes().strip()
        except (OSError, SettingsError) as error:
            log.critical("expected the key of the personal fields: %s; the backup has it", error)
            return
        if wrong:
            log.error("%s; the last sound copy is taken", wrong)
        self._fernet = Fernet(key)
        # A derived key of its own for signatures (key separation, NIST SP 800-108).
        self._signing = hmac.digest(key, b"fevergate signature", "sha256")
        self._indexing = hmac.digest(key, b"fevergate blind index", "sha256")

    def _opened(self) -> Fernet:
        if self._fernet is None:
            raise StoreError(f"{self._path}: expected the key of the personal fields")
        return self._fernet

    def mac(self, text: str) -> str:
        """HMAC-SHA256 of `text` in hex."""
        self._opened()
        return hmac.digest(self._signing, text.encode(), "sha256").hex()

    def tag(self, kind: str, text: str) -> str:
        """What finds a value of a kind among sealed ones: half an HMAC-SHA256, in hex (a blind
        index). Without the key nobody can compute it, or compare it with a list of names."""
        self._opened()
        return hmac.digest(self._indexing, f"{kind}\0{text}".encode(), "sha256").hex()[:32]

    def seal(self, fields: Fields) -> str:
        """Encrypt fields; an empty text where all of them are empty."""
        if not any(fields.values()):
            return ""
        return self._opened().encrypt(msgspec.json.encode(fields)).decode()

    def open(self, sealed: str) -> Fields:
        """Decrypt fields. Raises `StoreError` where they were encrypted with another key."""
        if not sealed:
            return {}
        try:
            return msgspec.json.decode(self._opened().decrypt(sealed.encode()), type=Fields)
        except (InvalidToken, msgspec.MsgspecError) as error:
            raise StoreError(
                f"{self._path}: is not the key that the follow-ups were sealed with;"
                " the backup has it"
            ) from error


def _check(data: bytes) -> None:
    Fernet(data.strip())
