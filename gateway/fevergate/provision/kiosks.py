"""One kiosk at a time in a gateway's folder: added, given a new password, revoked."""

from __future__ import annotations

import base64
import json
import re
import secrets
import shutil
import time
from pathlib import Path
from typing import Any

from fevergate import certificates
from fevergate.errors import NothingFoundError, ProvisionError
from fevergate.provision.files import Provisioned, kiosk_password

REVOKED = "revoked.jsonl"
"""Who was cut off, when and why: one JSON object a line."""

SSID_BYTES = 32


def check_wifi(ssid: str, password: str) -> None:
    """Raise `ProvisionError` where no access point has such a name (IEEE 802.11-2020, 9.4.2.2) or
    such a password (J.4.1)."""
    if len(ssid.encode()) > SSID_BYTES:
        raise ProvisionError(f"Wi-Fi {ssid!r}: expected at most {SSID_BYTES} bytes")
    if ssid and password and not re.fullmatch(r"[ -~]{8,63}|[0-9A-Fa-f]{64}", password):
        raise ProvisionError(
            f"password of the Wi-Fi {ssid!r}: expected 8 to 63 letters, digits and signs of ASCII,"
            " or 64 hexadecimal digits"
        )


def write_kiosk(
    done: Provisioned, kiosk: str, values: dict[str, Any], *, renew: bool = False
) -> None:
    """One board's folder; its password outlives new settings, unless it is to be renewed.

    Raises `ProvisionError`.
    """
    folder = done.folder / "kiosks" / kiosk
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "settings.json"
    made = renew or not path.exists()
    password = secrets.token_urlsafe(24) if made else kiosk_password(path)
    done.note(f"kiosks/{kiosk}", made)
    settings = values | {"password": password}
    authority = certificates.authority_der(done.folder)
    certificates.write_private(path, json.dumps(settings, indent=1).encode() + b"\n")
    certificates.write_public(folder / "ca.der", authority)
    # Both in one file, for the page of a new board.
    whole = {"settings": settings, "ca": base64.b64encode(authority).decode()}
    certificates.write_private(folder / "kiosk.json", json.dumps(whole).encode() + b"\n")


def settings_of(folder: Path, kiosk: str) -> dict[str, Any]:
    """What a kiosk's board is told. Raises `NothingFoundError`, `ProvisionError`."""
    path = folder / "kiosks" / kiosk / "settings.json"
    if not path.is_file():
        known = ", ".join(kiosks_of(folder)) or "none"
        raise NothingFoundError(f"kiosk {kiosk!r}: expected one of {known}")
    kiosk_password(path)
    return json.loads(path.read_text())


def kiosks_of(folder: Path) -> list[str]:
    """Whose credential lies in the folder."""
    return sorted(path.parent.name for path in (folder / "kiosks").glob("*/settings.json"))


def neighbour(folder: Path, gate: str) -> dict[str, Any]:
    """The settings that a new kiosk begins with: of one at its gate, else of any.

    Raises `ProvisionError` where there is none yet.
    """
    found = [settings_of(folder, kiosk) for kiosk in kiosks_of(folder)]
    found.sort(key=lambda one: one.get("gate") != gate)
    if not found:
        raise ProvisionError(f"{folder}: expected a folder of `fevergate provision gateway`")
    return found[0]


def renew_password(folder: Path, kiosk: str) -> str:
    """Give a kiosk another password in its files; returns the old one. Raises as `settings_of`."""
    values = settings_of(folder, kiosk)
    write_kiosk(Provisioned(folder), kiosk, values, renew=True)
    return str(values["password"])


def forget(folder: Path, kiosk: str, reason: str) -> dict[str, Any]:
    """Take a kiosk's files away and note it; returns what its board was told.

    Raises as `settings_of`.
    """
    values = settings_of(folder, kiosk)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    path = folder / REVOKED
    before = path.read_bytes() if path.exists() else b""
    line = {"kiosk": kiosk, "at": at, "reason": reason}
    after = before + json.dumps(line, ensure_ascii=False).encode() + b"\n"
    certificates.write_public(path, after)
    shutil.rmtree(folder / "kiosks" / kiosk)
    return values


def revoked(folder: Path) -> set[str]:
    """Who was revoked and has no credential since. Raises `ProvisionError`."""
    path = folder / REVOKED
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        names = {str(json.loads(line)["kiosk"]) for line in lines if line}
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProvisionError(f"{path}: expected what `provision revoke` wrote: {error}") from error
    return names - set(kiosks_of(folder))
