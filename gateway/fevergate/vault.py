"""A key that lies beside the settings: names and telephones are sealed with it, so that a copy of
the database alone names nobody; signatures are made with it, so that whoever can write the database
cannot make one."""

from __future__ import annotations

import hmac
from pathlib import Path

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from fevergate.certificates import write_private
from fevergate.errors import StoreError

KEY = "persons.key"
"""Its file, which `fevergate backup` takes along."""

Fields = dict[str, str]


class Vault:
    """Seals by Fernet (AES-128-CBC with HMAC-SHA256). The key is made where there is none.

    Raises `StoreError` where it cannot be read, or is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            if not path.exists():
                write_private(path, Fernet.generate_key() + b"\n")
            key = path.read_bytes().strip()
            self._fernet = Fernet(key)
        except (OSError, ValueError) as error:
            raise StoreError(f"{path}: expected the key of the personal fields: {error}") from error

        # Of one key two, so that neither use says anything of the other (NIST SP 800-108).
        self._signing = hmac.digest(key, b"fevergate signature", "sha256")

    def mac(self, text: str) -> str:
        """HMAC-SHA256 in hex: whoever has not the key cannot make it."""
        return hmac.digest(self._signing, text.encode(), "sha256").hex()

    def seal(self, fields: Fields) -> str:
        """Nothing where all of it is empty."""
        if not any(fields.values()):
            return ""
        return self._fernet.encrypt(msgspec.json.encode(fields)).decode()

    def open(self, sealed: str) -> Fields:
        """Raises `StoreError` where it was sealed with another key."""
        if not sealed:
            return {}
        try:
            return msgspec.json.decode(self._fernet.decrypt(sealed.encode()), type=Fields)
        except (InvalidToken, msgspec.MsgspecError) as error:
            raise StoreError(
                f"{self._path}: is not the key that the follow-ups were sealed with;"
                " the backup has it"
            ) from error
