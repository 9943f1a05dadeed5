"""The campus server's folder: its certificate, its settings, and a token for each gateway.

Created either within a gateway's folder, with that gateway's authority (`one_gateway`), or as a
folder with an authority of its own and one file to hand to each gateway (`provision_campus`).
"""

import hashlib
import ipaddress
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import tomlkit
from msgspec import Struct

from fevergate.crypto import pki
from fevergate.errors import NothingFoundError, ProvisionError
from fevergate.mosquitto.broker_files import set_owners
from fevergate.provision.files import (
    Provisioned,
    check_folder,
    check_host,
    check_names,
    check_timezone,
    read_toml,
    secret,
    write_toml,
)
from fevergate.provision.titles import NONE_NAMED, UNCHANGED, Named, Titles, set_titles

MAX_FILE = 65_536


class Enrolment(Struct, forbid_unknown_fields=True):
    """How a gateway reaches its campus server: gateways/NAME.json, which the administrator of the
    campus server hands over. `ca` is None if gateway and server have the same authority."""

    gateway: str
    url: str
    token: str
    ca: str | None = None
    campus: str = ""

    @property
    def ca_file(self) -> str:
        return "campus-ca.crt" if self.ca else "ca.crt"

    def check(self, campus: str, gateway: str) -> None:
        """Raise `ProvisionError` if the file was made for another gateway or campus."""
        for kind, actual, expected in (
            ("gateway", self.gateway, gateway),
            ("campus", self.campus or campus, campus),
        ):
            if actual != expected:
                raise ProvisionError(
                    f"campus server's file: made for {kind} {actual!r}, expected {expected!r}"
                )

    def keep(self, provisioned: Provisioned) -> None:
        """Write token and authority certificate into a gateway's folder."""
        pki.write_private(provisioned.folder / "campus.token", self.token.encode() + b"\n")
        if self.ca:
            pki.write_public(provisioned.folder / self.ca_file, self.ca.encode())
        provisioned.note("campus.token", made=True)


def read_enrolment(path: Path) -> Enrolment:
    """Read the file that `provision campus` made for a gateway. Raises `ProvisionError`."""
    try:
        with path.open("rb") as file:
            enrolment = msgspec.json.decode(file.read(MAX_FILE), type=Enrolment)
            if enrolment.ca is None:
                raise msgspec.ValidationError("expected the authority's certificate")
    except OSError as error:
        raise ProvisionError(f"{path}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise ProvisionError(f"{path}: expected gateways/NAME.json of a campus server") from error
    host_and_port(enrolment.url)
    return enrolment


def one_gateway(
    provisioned: Provisioned,
    url: str,
    titles: Titles,
    *,
    campus: str,
    gateway: str,
    timezone: str,
    language: str,
) -> Enrolment:
    """Create a campus server's files in the folder of its only gateway; `titles` are the campus's
    names."""
    host, port = host_and_port(url)
    provisioned.note("campus.crt", pki.ensure_server(provisioned.folder, "campus", [host]))
    token = secret(provisioned, "campus.token")
    _campus_toml(provisioned, host, port, timezone, language)
    _enrol(provisioned.folder / "campus.toml", campus, gateway, token, titles)
    return Enrolment(gateway, url, token)


def provision_campus(
    folder: Path,
    *,
    url: str,
    gateways: dict[str, list[str]],
    timezone: str = "Asia/Shanghai",
    language: str = "zh",
    titles: Titles = UNCHANGED,
    campus_titles: Named = NONE_NAMED,
) -> Provisioned:
    """Create or extend a campus server's folder. `gateways` maps each campus to its gateways; each
    gateway gets a file gateways/NAME.json for `provision gateway --campus-server`. `titles` are the
    institution's names, `campus_titles` the names of the campuses.

    A later run adds gateways and keeps edits of campus.toml. Raises `ProvisionError`.
    """
    names = [name for of_campus in gateways.values() for name in of_campus]
    check_names("campus", gateways)
    check_names("gateway", names)
    for name in names:
        if names.count(name) > 1:
            raise ProvisionError(f"gateway {name!r}: is listed twice, expected once")
    host, port = host_and_port(url)
    check_timezone(timezone)
    folder = folder.absolute()
    check_folder(folder)
    (folder / "gateways").mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    provisioned = Provisioned(folder)
    new = pki.ensure_authority(folder, "campus server")
    provisioned.note("ca.crt", new or pki.renew_authority(folder))
    provisioned.note("campus.crt", pki.ensure_server(folder, "campus", [host]))
    _campus_toml(provisioned, host, port, timezone, language)
    authority = (folder / "ca.crt").read_text()
    for campus, of_campus in gateways.items():
        for gateway in of_campus:
            path = folder / "gateways" / f"{gateway}.json"
            new = not path.exists()
            token = secrets.token_urlsafe(24) if new else read_enrolment(path).token
            file = Enrolment(gateway, url, token, authority, campus)
            pki.write_private(path, msgspec.json.encode(file) + b"\n")
            own_titles = campus_titles.get(campus, UNCHANGED)
            _enrol(folder / "campus.toml", campus, gateway, token, own_titles)
            provisioned.note(f"gateways/{gateway}.json", new)
    _institution(folder / "campus.toml", titles)
    set_owners(folder)
    return provisioned


def revoke_gateway(folder: Path, gateway: str) -> None:
    """Invalidate a gateway's token. The gateway stays in the report, so that its absence shows.

    Raises `NothingFoundError` if campus.toml has no token of the gateway.
    """
    check_folder(folder)
    path = folder / "campus.toml"
    document = read_toml(path)
    tokens: Any = document.get("tokens", {})
    if gateway not in tokens:
        raise NothingFoundError(
            f"gateway {gateway!r}: expected one of {', '.join(sorted(tokens)) or 'none'}"
        )
    # Digest of a token that nobody has: campus.toml needs one for each gateway that must report.
    tokens[gateway] = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
    write_toml(path, document)
    set_owners(folder)
    (folder / "gateways" / f"{gateway}.json").unlink(missing_ok=True)


def host_and_port(url: str) -> tuple[str, int]:
    """Host and port in a campus server's URL. Raises `ProvisionError`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 443
    except ValueError:
        host, port = None, 0
    bare = url.rstrip("/").removeprefix("https://")
    if not host or bare == url.rstrip("/") or not re.fullmatch(r"[^/?#@\s]+", bare):
        raise ProvisionError(f"campus server {url!r}: expected https://HOST[:PORT]")
    check_host(f"campus server {url!r}", host)
    return host, port


def _institution(path: Path, titles: Titles) -> None:
    """Write the institution's names into campus.toml."""
    document = read_toml(path)
    before = tomlkit.dumps(document)
    set_titles(document, titles)
    if tomlkit.dumps(document) != before:
        write_toml(path, document)


def _enrol(path: Path, campus: str, gateway: str, token: str, titles: Titles) -> None:
    """Add a gateway to campus.toml, with its campus's names. Only the digest of its token is
    written, so that a copy of the file grants nothing."""
    document = read_toml(path)
    before = tomlkit.dumps(document)
    campuses: Any = document.setdefault("campuses", tomlkit.table(is_super_table=True))
    if campus not in campuses:
        table = tomlkit.table()
        table.update({"title": "", "gateways": []})
        campuses[campus] = table
    set_titles(campuses[campus], titles)
    if gateway not in campuses[campus]["gateways"]:
        campuses[campus]["gateways"].append(gateway)
    tokens: Any = document["tokens"]
    digest = hashlib.sha256(token.encode()).hexdigest()
    if tokens.get(gateway) != digest:
        tokens[gateway] = digest
    if tomlkit.dumps(document) != before:
        write_toml(path, document)


def _campus_toml(
    provisioned: Provisioned, host: str, port: int, timezone: str, language: str
) -> None:
    """Write campus.toml, unless it exists."""
    bind = host if _is_loopback(host) else "0.0.0.0"  # noqa: S104 - a server
    provisioned.write_first(
        "campus.toml", bind=bind, port=port, timezone=timezone, language=language
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
