"""The files of one kiosk in a gateway's folder: added, changed, given a new password, revoked."""

import base64
import binascii
import json
import re
import secrets
import shutil
import time
from pathlib import Path
from typing import Any, TypedDict

from fevergate.crypto import pki
from fevergate.errors import NothingFoundError, ProvisionError
from fevergate.provision.files import (
    POST_ROLE,
    Provisioned,
    kiosk_names,
    kiosk_password,
    read_unlinked,
)
from fevergate.settings.gateway import BrokerSettings
from kiosk.errors import SettingsError
from kiosk.settings import Settings

REVOKED = "revoked.jsonl"
"""Log of revoked kiosks: one JSON object with kiosk, time and reason per line."""

SSID_BYTES = 32

CARD_KEY_BYTES = 32
"""Length of the key with which a kiosk encrypts the numbers of cards for its gateway."""


class BoardWishes(TypedDict, total=False):
    """Settings that somebody wants for a board; a setting that is None or absent stays as it is."""

    language: str | None
    site: str | None
    threshold_c: float | None
    wifi_ssid: str | None
    wifi_ssid_hex: str | None
    wifi_password: str | None
    card: str | None
    card_reader: str | None
    card_order: str | None
    card_base: int | None


_OF_KIOSKS_ALONE = ("card", "card_reader", "card_order", "card_base", "card_key", "supply_v")
"""Settings of the sensor and the card reader. A lamp post has neither, so it does not take them
from a kiosk."""

DEFAULTS = {
    "site": "face_max",  # what hardware/optics.md recommends
    "language": "zh",
    "threshold_c": 37.3,
    "wifi_ssid": "",
    "wifi_password": "",
}


def check_wifi(values: dict[str, Any]) -> None:
    """Raise `ProvisionError` for an impossible Wi-Fi name (IEEE 802.11-2020, 9.4.2.2) or password
    (J.4.1)."""
    ssid, password = wifi_name(values), values["wifi_password"]
    try:
        name = binascii.unhexlify(values.get("wifi_ssid_hex", "")) or ssid.encode()
    except ValueError as error:
        raise ProvisionError(
            f"Wi-Fi {ssid!r}: expected its bytes as hexadecimal digits, such as d0a3d4b0"
        ) from error
    if len(name) > SSID_BYTES or not (ssid.isprintable() or not ssid):
        raise ProvisionError(f"Wi-Fi {ssid!r}: expected at most {SSID_BYTES} printable bytes")
    if ssid and password and not re.fullmatch(r"[ -~]{8,63}|[0-9A-Fa-f]{64}", password):
        raise ProvisionError(
            f"password of the Wi-Fi {ssid!r}: expected 8 to 63 letters, digits and signs of ASCII,"
            " or 64 hexadecimal digits"
        )


def wifi_name(values: dict[str, Any]) -> str:
    """Wi-Fi name in a board's settings, for display: hexadecimal if it is not UTF-8, "" if there is
    none."""
    return values.get("wifi_ssid_hex") or values.get("wifi_ssid") or ""


def static_address(text: str) -> dict[str, str]:
    """A board's settings for ADDRESS,NETMASK,ROUTER[,NAME SERVER], or "dhcp". Raises
    `ProvisionError` for a wrong number of parts; the addresses are checked by `write_kiosk`."""
    parts = ["", "", "", ""] if text == "dhcp" else [part.strip() for part in text.split(",")]
    if text != "dhcp" and not (3 <= len(parts) <= 4 and all(parts)):
        raise ProvisionError(
            f"static address {text!r}: expected ADDRESS,NETMASK,ROUTER[,NAME SERVER], or dhcp"
        )
    return dict(zip(("address", "netmask", "router", "name_server"), [*parts, ""], strict=False))


def write_kiosk(
    provisioned: Provisioned, kiosk: str, values: dict[str, Any], *, renew: bool = False
) -> None:
    """Write one board's folder. Its password and card key are kept, except with `renew`; a lamp
    post, which reads no cards, has no card key.

    Raises `ProvisionError`.
    """
    folder = provisioned.folder / "kiosks" / kiosk
    path = folder / "settings.json"
    before = path.read_bytes() if path.exists() else b""
    fresh = renew or not before
    password = secrets.token_urlsafe(24) if fresh else kiosk_password(path)
    settings = values | {"password": password, "update_key": provisioned.update_key}
    settings.pop("card_key", None)  # it may be the key of the kiosk that was copied
    if settings.get("role") != POST_ROLE:
        settings["card_key"] = (not fresh and _card_key(path)) or secrets.token_hex(CARD_KEY_BYTES)
    _check(path, settings)
    # Without escapes: MicroPython reads an escaped emoji in a Wi-Fi's name as two characters.
    text = json.dumps(settings, indent=1, ensure_ascii=False).encode() + b"\n"
    provisioned.note(f"kiosks/{kiosk}", text != before)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = pki.authority_der(provisioned.folder)
    pki.write_private(path, text)
    pki.write_public(folder / "ca.der", authority)
    # Settings and authority in one file, to be uploaded on the setup page of a new board.
    upload = {"settings": settings, "ca": base64.b64encode(authority).decode()}
    text = json.dumps(upload, ensure_ascii=False).encode() + b"\n"
    pki.write_private(folder / "kiosk.json", text)


def write_authority(provisioned: Provisioned) -> None:
    """Write the current authority certificate into the folder of each board that lacks it. Raises
    `ProvisionError`."""
    authority = pki.authority_der(provisioned.folder)
    for kiosk in kiosk_names(provisioned.folder):
        path = provisioned.folder / "kiosks" / kiosk / "ca.der"
        if not path.exists() or path.read_bytes() != authority:
            write_kiosk(provisioned, kiosk, settings_of(provisioned.folder, kiosk))


def settings_of(folder: Path, kiosk: str) -> dict[str, Any]:
    """A kiosk's settings.json, checked. Raises `NothingFoundError`, `ProvisionError`."""
    if kiosk not in kiosk_names(folder):
        names = ", ".join(kiosk_names(folder)) or "none"
        raise NothingFoundError(f"kiosk {kiosk!r}: expected one of {names}")
    path = folder / "kiosks" / kiosk / "settings.json"
    kiosk_password(path)
    values = json.loads(path.read_bytes())
    _check(path, values)
    return values


def first_values(campus: str, language: str, broker: BrokerSettings) -> dict[str, Any]:
    """Settings of a gateway's first board, beside `DEFAULTS`."""
    return {
        "campus": campus,
        "language": language,
        "broker_host": broker.host,
        "broker_port": broker.port,
        "broker_name": broker.name,
        "ntp_host": broker.host,
    }


def values_for(
    folder: Path,
    kiosk: str,
    gate: str,
    first: dict[str, Any],
    wishes: dict[str, Any],
    *,
    post: bool = False,
) -> dict[str, Any]:
    """Settings for the board of a kiosk or, with `post`, of a lamp post: the board's present
    settings, else a copy of another board's, preferably at the same gate, else `first`. `wishes`
    that are not None replace them. Raises `ProvisionError`, also for the name of a board that has
    the other role."""
    wishes = {name: value for name, value in wishes.items() if value is not None}
    present = {name: settings_of(folder, name) for name in kiosk_names(folder)}
    if kiosk in present and (present[kiosk].get("role") == POST_ROLE) != post:
        is_a, other_kind = ("kiosk", "lamp post") if post else ("lamp post", "kiosk")
        raise ProvisionError(
            f"{kiosk!r}: is a {is_a}; expected another name, or `fevergate provision revoke` first"
            f" for this one to be a {other_kind}"
        )
    others = sorted(present.values(), key=lambda settings: settings.get("gate") != gate)
    like = present.get(kiosk) or ((others[0] | {"address": ""}) if others else {})
    if kiosk not in present:
        like.pop("supply_v", None)  # it belongs to the other board's sensor
    like.pop("role", None)  # the board that was copied may have one
    values = DEFAULTS | first | like | wishes | {"kiosk": kiosk, "username": kiosk, "gate": gate}
    if post:
        values = {name: value for name, value in values.items() if name not in _OF_KIOSKS_ALONE}
        values["role"] = POST_ROLE
    if "wifi_ssid" in wishes and "wifi_ssid_hex" not in wishes:
        values.pop("wifi_ssid_hex", None)
    check_wifi(values)
    return values


def renew_password(folder: Path, kiosk: str) -> str:
    """Replace a kiosk's password in its files; returns the old one. Raises as `settings_of`."""
    values = settings_of(folder, kiosk)
    write_kiosk(Provisioned(folder), kiosk, values, renew=True)
    return str(values["password"])


def forget(folder: Path, kiosk: str, reason: str) -> dict[str, Any]:
    """Delete a kiosk's files and log it in `REVOKED`; returns its settings.

    Raises as `settings_of`.
    """
    values = settings_of(folder, kiosk)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    path = folder / REVOKED
    before = read_unlinked(path) or b""
    line = {"kiosk": kiosk, "at": at, "reason": reason}
    after = before + json.dumps(line, ensure_ascii=False).encode() + b"\n"
    pki.write_public(path, after)
    shutil.rmtree(folder / "kiosks" / kiosk)
    return values


def _card_key(path: Path) -> str:
    """The card key in a kiosk's settings.json; empty if an earlier version wrote the file."""
    key = str(json.loads(path.read_bytes()).get("card_key", ""))
    return key if re.fullmatch(f"[0-9a-f]{{{2 * CARD_KEY_BYTES}}}", key) else ""


def _check(path: Path, values: dict[str, Any]) -> None:
    """Check settings with the firmware's own code. Raises `ProvisionError`."""
    try:
        Settings(values)
    except SettingsError as error:
        raise ProvisionError(f"{path}: {error}") from error


def revoked(folder: Path) -> set[str]:
    """Kiosks that were revoked and not added again. Raises `ProvisionError`."""
    path = folder / REVOKED
    try:
        lines = (read_unlinked(path) or b"").decode().splitlines()
        names = {str(json.loads(line)["kiosk"]) for line in lines if line}
    except (ValueError, KeyError, TypeError) as error:
        raise ProvisionError(
            f"{path}: expected lines of `fevergate provision revoke`: {error}"
        ) from error
    return names - set(kiosk_names(folder))
