"""Setup codes: how a new board gets a kiosk's file without anybody carrying it.

An administrator sees a code of 100 random bits once. Kept are only a digest of it and the kiosk's
file sealed with a key of it, in this process's memory, for a quarter of an hour, and for the first
who asks. So the database, a backup and the line hold nothing that opens anything; whoever saw the
code and was first is seen, for then the board says that its code was used.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.fernet import Fernet
from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel

from fevergate.crypto.pki import authority_der
from fevergate.errors import ActionError, FeverGateError
from fevergate.provision.kiosks import settings_of
from fevergate.provision.labels import pages_url
from fevergate.settings.gateway import GatewaySettings
from kiosk.setup_code import ALPHABET, FOLDER, LENGTH, key_of, path_of

LASTS_S = 900.0
BOARD_URL = "http://192.168.4.1/"
"""The page of a board that is being set up, on its own Wi-Fi."""

_GROUP = 4
_QUIET = 4
"""Modules of quiet zone (ISO/IEC 18004, 9.1)."""


@dataclass(frozen=True)
class SetupCode:
    """What an administrator sees: `text` to paste or type, `link` for the QR code."""

    kiosk: str
    text: str
    reachable: bool = True
    """Whether boards can reach the pages: not where those listen on this machine alone."""

    @property
    def link(self) -> str:
        """Opens the board's page with the code in it; what follows # is not sent anywhere."""
        return f"{BOARD_URL}#{self.text}"

    @property
    def picture(self) -> str:
        """The link as a QR code, an SVG in a data URL."""
        code = QRCode(None, QRErrorCorrectLevel.M)
        code.addData(self.link)
        code.make()
        side = code.getModuleCount() + 2 * _QUIET
        dark = "".join(
            f"M{x + _QUIET} {y + _QUIET}h1v1h-1z"
            for y in range(code.getModuleCount())
            for x in range(code.getModuleCount())
            if code.isDark(y, x)
        )
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"'
            ' shape-rendering="crispEdges"><path fill="#fff" d="M0 0h99v99H0z"/>'
            f'<path d="{dark}"/></svg>'
        )
        return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


@dataclass(frozen=True)
class _Sealed:
    kiosk: str
    content: bytes
    until: float


class SetupCodes:
    """One code a kiosk at most: a new one ends the one before."""

    def __init__(
        self, settings: GatewaySettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[str, _Sealed] = {}

    def issue(self, kiosk: str) -> SetupCode:
        """A new code for a kiosk's board. Raises `ActionError` where its file cannot be read."""
        try:
            values = settings_of(self._settings.folder, kiosk)
            authority = authority_der(self._settings.folder)
        except (FeverGateError, OSError, ValueError) as error:
            raise ActionError("kiosk_file", kiosk) from error
        file = {"settings": values, "ca": base64.b64encode(authority).decode()}
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        fernet = Fernet(base64.urlsafe_b64encode(key_of(code)))
        sealed = base64.urlsafe_b64decode(fernet.encrypt(json.dumps(file).encode()))
        with self._lock:
            self._drop(lambda one: one.kiosk == kiosk)
            self._waiting[path_of(code)] = _Sealed(kiosk, sealed, self._clock() + LASTS_S)
        groups = "-".join(code[at : at + _GROUP] for at in range(0, LENGTH, _GROUP))
        place = pages_url(self._settings).removeprefix("https://")
        alone = self._settings.web.host in ("127.0.0.1", "::1", "localhost")
        return SetupCode(kiosk, f"{place}/{groups}", reachable=not alone)

    def take(self, name: str) -> tuple[str, bytes] | None:
        """(kiosk, its sealed file) of a name below `/setup/`, once; None where there is none."""
        with self._lock:
            self._drop(lambda one: one.until <= self._clock())
            sealed = self._waiting.pop(FOLDER + name, None)
        return (sealed.kiosk, sealed.content) if sealed else None

    def _drop(self, over: Callable[[_Sealed], bool]) -> None:
        for path in [path for path, one in self._waiting.items() if over(one)]:
            del self._waiting[path]
