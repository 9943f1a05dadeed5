"""Setup codes: with a one-time code of 100 random bits a new board fetches its kiosk's settings.

An administrator sees the code once. For 15 minutes this process keeps in memory a digest of the
code, and the kiosk's file encrypted with a key derived from the code; the first request takes the
file. Therefore the settings cannot be read from the database, a backup or recorded network traffic.
If another person used the code first, the new board shows that its code was used.
"""

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.fernet import Fernet

from fevergate.crypto.pki import authority_der
from fevergate.errors import ActionError, FeverGateError
from fevergate.provision.kiosks import settings_of
from fevergate.provision.labels import pages_url
from fevergate.settings.gateway import GatewaySettings
from fevergate.web.qr_code import qr_picture
from kiosk.setup_code import ALPHABET, FOLDER, LENGTH, key_of, path_of

LIFETIME_S = 900.0
BOARD_URL = "http://192.168.4.1/"
"""The setup page of a new board, on the board's own Wi-Fi."""

_GROUP = 4


@dataclass(frozen=True)
class SetupCode:
    """A setup code as shown: `text` to paste or type, `link` for the QR code."""

    kiosk: str
    text: str
    reachable: bool = True
    """Whether a board can reach the pages: false if they listen on loopback only."""

    @property
    def link(self) -> str:
        """URL of the board's setup page with the code after #, a part that a browser does not
        send."""
        return f"{BOARD_URL}#{self.text}"

    @property
    def picture(self) -> str:
        """The link as a QR code: an SVG in a data URL."""
        return qr_picture(self.link)


@dataclass(frozen=True)
class _Sealed:
    kiosk: str
    content: bytes
    until: float


class SetupCodes:
    """The valid codes, at most one per kiosk: a new code replaces the previous one."""

    def __init__(
        self, settings: GatewaySettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[str, _Sealed] = {}

    def issue(self, kiosk: str) -> SetupCode:
        """A new code for a kiosk's board. Raises `ActionError` if its file cannot be read."""
        try:
            values = settings_of(self._settings.folder, kiosk)
            authority = authority_der(self._settings.folder)
        except (FeverGateError, OSError, ValueError) as error:
            raise ActionError("kiosk_file", kiosk) from error
        file = {"settings": values, "ca": base64.b64encode(authority).decode()}
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        fernet = Fernet(base64.urlsafe_b64encode(key_of(code)))
        # Without \u escapes: MicroPython decodes them wrongly beyond U+FFFF.
        text = json.dumps(file, ensure_ascii=False).encode()
        sealed = base64.urlsafe_b64decode(fernet.encrypt(text))
        with self._lock:
            self._drop(lambda sealed: sealed.kiosk == kiosk)
            self._waiting[path_of(code)] = _Sealed(kiosk, sealed, self._clock() + LIFETIME_S)
        groups = "-".join(code[at : at + _GROUP] for at in range(0, LENGTH, _GROUP))
        address = pages_url(self._settings).removeprefix("https://")
        loopback = self._settings.web.host in ("127.0.0.1", "::1", "localhost")
        return SetupCode(kiosk, f"{address}/{groups}", reachable=not loopback)

    def take(self, name: str) -> tuple[str, bytes] | None:
        """The kiosk and its encrypted file for a name below `/setup/`; None if unknown, expired or
        taken."""
        with self._lock:
            self._drop(lambda sealed: sealed.until <= self._clock())
            sealed = self._waiting.pop(FOLDER + name, None)
        return (sealed.kiosk, sealed.content) if sealed else None

    def _drop(self, matches: Callable[[_Sealed], bool]) -> None:
        for path in [path for path, sealed in self._waiting.items() if matches(sealed)]:
            del self._waiting[path]
