"""Functions for all provisioned folders: secrets, the broker's files, TOML, checks of input."""

import ipaddress
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tomlkit
from tomlkit.exceptions import TOMLKitError

from fevergate.crypto import pki
from fevergate.errors import ProvisionError
from fevergate.mosquitto import broker_files
from fevergate.protocol.messages import NAME_PATTERN
from fevergate.settings import last_good

BROKER_NAME = "fevergate-gateway"
USERS = (
    broker_files.GATEWAY,
    broker_files.ADMIN,
    broker_files.WEB,
    broker_files.HOME_ASSISTANT,
    broker_files.COLLECT,
)
"""The broker's users that are not kiosks; the last two exist only if an option asked for them."""

_FOLDERS = ("kiosks", "systemd", "gateways", "broker")

POST_ROLE = "lamp_post"
"""`role` in the settings of a lamp post's board; a kiosk's settings have no `role`."""

RESERVED = ("alarm", *USERS, *broker_files.COLLECTORS)


@dataclass
class Provisioned:
    """A folder, and names of its files that this run made or kept."""

    folder: Path
    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    @cached_property
    def update_key(self) -> str:
        """The key with which kiosks check updates, written into their settings. It is cached, since
        reading it takes long."""
        return pki.update_modulus(self.folder)

    def note(self, name: str, made: bool) -> None:
        (self.made if made else self.kept).append(name)

    def write(self, name: str, text: str, write: Callable[[Path, bytes], None]) -> None:
        """Write a file by `write`, unless it has this text already."""
        path = self.folder / name
        changed = not path.exists() or path.read_bytes() != text.encode()
        if changed:
            write(path, text.encode())
        self.note(name, changed)

    def write_first(self, name: str, **values: object) -> bool:
        """Write a settings file from its template, unless it exists; returns whether it was
        written."""
        new = not (self.folder / name).exists()
        if new:
            pki.write_private(self.folder / name, from_template(name, **values).encode())
        self.note(name, new)
        return new


def from_template(name: str, **values: object) -> str:
    """Text of a new settings file: its template with `values` filled in."""
    template = resources.files("fevergate.provision").joinpath("templates", name)
    return template.read_text("utf-8").format(**values)


def check_names(kind: str, names: Iterable[str]) -> None:
    """Raise `ProvisionError` for the first name that is not valid."""
    for name in names:
        if not re.fullmatch(NAME_PATTERN, name):
            raise ProvisionError(f"{kind} {name!r}: expected [a-z0-9-], at most 32 characters")


def check_host(option: str, host: str) -> None:
    """Raise `ProvisionError` if `host` is neither a host name nor an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError as error:
        name = re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?", host)
        if not name or re.fullmatch(r"[0-9.]+", host):
            raise ProvisionError(f"{option} {host!r}: expected a host's name or address") from error


def check_folder(folder: Path) -> None:
    """Raise `ProvisionError` for a symbolic link in the folder: another user may own the folder,
    and root would follow the link. A path with characters that a systemd unit would interpret is
    refused, too."""
    if re.search(r"[\s%$\"'\\;]", str(folder)):
        raise ProvisionError(
            f"{str(folder)!r}: expected a path without spaces and special characters"
        )
    for parent, folders, _ in os.walk(folder):
        for path in (Path(parent) / name for name in (*folders, *_FOLDERS)):
            if path.is_symlink():
                raise ProvisionError(f"{path}: expected no link")


def check_timezone(name: str) -> None:
    """Raise `ProvisionError` if there is no such time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ProvisionError(f"timezone {name!r}: expected a zone such as Asia/Shanghai") from error


def secret(provisioned: Provisioned, name: str, *, renew: bool = False) -> str:
    """Read a secret from its file; the file is created if it is missing, and anew with `renew`."""
    path = provisioned.folder / name
    new = renew or not path.exists()
    if new:
        pki.write_private(path, secrets.token_urlsafe(24).encode() + b"\n")
    provisioned.note(name, new)
    return path.read_text().strip()


def read_unlinked(path: Path) -> bytes | None:
    """A file's bytes, None if it is missing. Raises `ProvisionError` for a link: root would copy
    the file that it points at into one that others may read."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProvisionError(f"{path}: expected a file: {error.strerror}") from error


def kiosk_names(folder: Path) -> list[str]:
    """Names of the kiosks and lamp posts that have a credential in the folder, sorted."""
    return sorted(path.parent.name for path in (folder / "kiosks").glob("*/settings.json"))


def post_gates(folder: Path) -> dict[str, str]:
    """The gate of each lamp post that has a credential in the folder. Raises `ProvisionError`."""
    boards = {
        name: _board_settings(folder / "kiosks" / name / "settings.json")
        for name in kiosk_names(folder)
    }
    posts = {
        name: str(board.get("gate", ""))
        for name, board in boards.items()
        if board.get("role") == POST_ROLE
    }
    check_names("gate", posts.values())
    return posts


def kiosk_password(path: Path) -> str:
    """The password in a kiosk's settings.json. Raises `ProvisionError`."""
    try:
        return str(_board_settings(path)["password"])
    except KeyError as error:
        raise ProvisionError(f"{path}: expected the settings that were made for it") from error


def _board_settings(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ProvisionError(f"{path}: expected the settings that were made for it") from error
    if not isinstance(values, dict):
        raise ProvisionError(f"{path}: expected the settings that were made for it")
    return values


def write_broker(provisioned: Provisioned, campus: str) -> None:
    """Write broker.passwords and broker.acl for all users and kiosks with a credential."""
    passwords = {
        user: (provisioned.folder / f"{user}.password").read_text().strip()
        for user in users_of(provisioned.folder)
    }
    kiosks = {
        kiosk: kiosk_password(provisioned.folder / "kiosks" / kiosk / "settings.json")
        for kiosk in kiosk_names(provisioned.folder)
    }
    if collect := passwords.get(broker_files.COLLECT):
        passwords |= dict.fromkeys(broker_files.COLLECTORS, collect)
    broker_files.write_passwords(provisioned.folder / "broker.passwords", passwords | kiosks)
    access = access_of(provisioned.folder, campus)
    pki.write_private(provisioned.folder / "broker.acl", access.encode())
    written = (provisioned.folder / "broker.passwords", provisioned.folder / "broker.acl")
    last_good.renew(provisioned.folder / "broker" / broker_files.GOOD, *written)
    provisioned.made += ["broker.passwords", "broker.acl"]


def users_of(folder: Path) -> list[str]:
    """The users in `USERS` that have a credential in the folder."""
    return [user for user in USERS if (folder / f"{user}.password").exists()]


def access_of(folder: Path, campus: str) -> str:
    """Text of broker.acl for all users and kiosks with a credential in the folder."""
    users = users_of(folder)
    posts = post_gates(folder)
    return broker_files.access_list(
        campus,
        [name for name in kiosk_names(folder) if name not in posts],
        posts=posts,
        home_assistant=broker_files.HOME_ASSISTANT in users,
        collect=broker_files.COLLECT in users,
    )


def read_toml(path: Path) -> tomlkit.TOMLDocument:
    """Parse a settings file so that comments survive a change. Raises `ProvisionError`."""
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise ProvisionError(f"{path}: {error}") from error


def write_toml(path: Path, document: tomlkit.TOMLDocument) -> None:
    """Replace a settings file atomically."""
    pki.write_private(path, tomlkit.dumps(document).encode())
