"""Cards at the kiosks: opens their sealed numbers, finds the person, and answers what the person
may do.

The broker's thread answers from memory. Another thread reads the kiosks' keys and the list of
people when they have changed. The list is loaded only if it has cards.
"""

from __future__ import annotations

import hmac
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fevergate.errors import FeverGateError, SettingsError
from fevergate.protocol.messages import CardPermit, CardTapped, Reading
from fevergate.settings.gateway import GatewaySettings
from fevergate.system.periodic_thread import PeriodicThread

if TYPE_CHECKING:
    from fevergate.people.card_list import CardHolder, CardList

log = logging.getLogger(__name__)

EVERY_S = 0.5
"""Time between two looks at the list; so a change on a page is in force at the next tap."""

UNKNOWN = "unknown"

READING, TAP = b"who", b"tap"
"""The purpose for which a number is sealed (firmware, `card_seal.py`)."""

KEY_BYTES = 32

Publish = Callable[[str, CardPermit], None]


class Cards(PeriodicThread):
    """Knows the kiosks' card keys and the holder of each card; `publish` sends a permit to a kiosk.

    `tried` is set after the first look at the list; before it, no reading's person can be found.
    """

    def __init__(
        self, settings: GatewaySettings, publish: Publish, now: Callable[[], float]
    ) -> None:
        super().__init__("cards", EVERY_S)
        self.tried = threading.Event()
        self._settings = settings
        self._publish = publish
        self._now = now
        self._keys: dict[str, bytes] = {}
        self._seen: dict[Path, tuple[int, int]] = {}
        self._list: CardList | None = None
        self._trouble = ""

    def tick(self) -> None:
        """Read keys and list if they have changed. An error is logged once; after it, the keys and
        the list that were read before are used."""
        try:
            self.refresh()
        except (FeverGateError, OSError) as error:
            if str(error) != self._trouble:
                log.error("cards: %s", error)
            self._trouble = str(error)
        else:
            self._trouble = ""
        finally:
            self.tried.set()

    def refresh(self) -> None:
        """Read keys and list if they have changed. Raises `SettingsError`, `StoreError`,
        `OSError`."""
        if self._list is None:
            self._list = _card_list(self._settings, self._now)
        if self._list is not None:
            self._read_keys()
            self._list.refresh()

    def tapped(self, kiosk: str, tap: CardTapped) -> None:
        """Answer a tap: send the holder's permit, or `UNKNOWN`, to the kiosk."""
        holder = self.of_tap(kiosk, tap)
        permit = holder.permit if holder else UNKNOWN
        self._publish(kiosk, CardPermit(boot=tap.boot, tap=tap.tap, permit=permit))

    def person(self, reading: Reading) -> int | None:
        """The number in the list of the person whose card a reading has; None if the reading has no
        card or the card is on no list."""
        holder = self.of_reading(reading)
        return holder.person if holder else None

    def of_tap(self, kiosk: str, tap: CardTapped) -> CardHolder | None:
        """The holder of the tapped card; None if the card is on no list."""
        return self._holder(kiosk, TAP, tap.boot, tap.tap, tap.who)

    def of_reading(self, reading: Reading) -> CardHolder | None:
        """The holder of a reading's card; None if the reading has no card or it is on no list."""
        if reading.who is None:
            return None
        return self._holder(reading.kiosk, READING, reading.boot, reading.seq, reading.who)

    def _holder(
        self, kiosk: str, label: bytes, boot: int, count: int, sealed: str
    ) -> CardHolder | None:
        key, cards = self._keys.get(kiosk), self._list
        return cards.find(unsealed(key, label, boot, count, sealed)) if key and cards else None

    def _read_keys(self) -> None:
        paths = sorted(self._settings.path("kiosks").glob("*/settings.json"))
        stamps = {path: ((about := path.stat()).st_mtime_ns, about.st_ino) for path in paths}
        if stamps != self._seen:
            keys = {path.parent.name: key_of(path) for path in paths}
            self._keys = {kiosk: key for kiosk, key in keys.items() if key}
            self._seen = stamps


def unsealed(key: bytes, label: bytes, boot: int, count: int, sealed: str) -> int:
    """The number of a card that a kiosk has sealed; with a wrong key, some other number."""
    text = label + boot.to_bytes(4, "big") + count.to_bytes(4, "big")
    return int(sealed, 16) ^ int.from_bytes(hmac.digest(key, text, "sha256")[:8], "big")


def key_of(path: Path) -> bytes:
    """The card key in a kiosk's settings; empty if there is none. Raises `SettingsError`."""
    try:
        key = bytes.fromhex(json.loads(path.read_bytes()).get("card_key", ""))
    except (ValueError, TypeError, AttributeError) as error:
        raise SettingsError(f"{path}: expected the settings that were made for it") from error
    return key if len(key) == KEY_BYTES else b""


def _card_list(settings: GatewaySettings, now: Callable[[], float]) -> CardList | None:
    path = settings.path("people.db")
    if not path.exists():
        return None
    # Imported only on a gateway with a list of people.
    from fevergate.crypto.field_encryption import KEY, Vault
    from fevergate.people.card_list import CardList, has_cards

    if not has_cards(path):
        return None
    return CardList(path, Vault(settings.path(KEY)), settings.people.card_base, now)
