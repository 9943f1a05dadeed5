"""A key that lies beside the settings: names and telephones are sealed with it, so that a copy of
the database alone names nobody; signatures are made with it, so that whoever can write the database
cannot make one."""

from __future__ import annotations

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
"""Its file, which `fevergate backup` takes along."""

Fields = dict[str, str]


class Vault:
    """Seals by Fernet (AES-128-CBC with HMAC-SHA256). The key is made where there is none.

    One that is damaged, and of which there is no sound copy, costs names and signatures alone: each
    method then raises `StoreError`.
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
        # Of one key two, so that neither use says anything of the other (NIST SP 800-108).
        self._signing = hmac.digest(key, b"fevergate signature", "sha256")

    def _opened(self) -> Fernet:
        if self._fernet is None:
            raise StoreError(f"{self._path}: expected the key of the personal fields")
        return self._fernet

    def mac(self, text: str) -> str:
        """HMAC-SHA256 in hex: whoever has not the key cannot make it."""
        self._opened()
        return hmac.digest(self._signing, text.encode(), "sha256").hex()

    def seal(self, fields: Fields) -> str:
        """Nothing where all of it is empty."""
        if not any(fields.values()):
            return ""
        return self._opened().encrypt(msgspec.json.encode(fields)).decode()

    def open(self, sealed: str) -> Fields:
        """Raises `StoreError` where it was sealed with another key."""
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
