"""Makes everything that a gateway, its broker and its kiosks need to trust each other.

Runs as often as one likes: keys, passwords and a gateway.toml that are there are kept, new
kiosks are added, certificates that near their end are renewed. Nothing secret is printed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from fevergate import broker_files, certificates
from fevergate.collect_settings import load_collect
from fevergate.errors import ProvisionError
from fevergate.protocol import NAME_PATTERN
from fevergate.settings import load_gateway

BROKER_NAME = "fevergate-gateway"
RESERVED = (
    "alarm",
    broker_files.GATEWAY,
    broker_files.ADMIN,
    broker_files.WEB,
    broker_files.HOME_ASSISTANT,
    broker_files.COLLECT,
)
PIN_SETS = ("gate1", "gate2")


@dataclass
class Provisioned:
    """What was made and what was kept, by file name."""

    folder: Path
    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def note(self, name: str, made: bool) -> None:
        (self.made if made else self.kept).append(name)


def provision(
    folder: Path,
    *,
    campus: str,
    gateway: str,
    gates: dict[str, list[str]],
    broker_host: str = "127.0.0.1",
    broker_port: int = 8883,
    bind: str = "127.0.0.1",
    campus_server_url: str | None = None,
    timezone: str = "Asia/Shanghai",
    language: str = "zh",
    site: str = "canthus",
    threshold_c: float = 37.3,
    wifi_ssid: str = "",
    wifi_password: str = "",
    home_assistant: bool = False,
    collect: bool = False,
) -> Provisioned:
    """Fill `folder`. `gates` names each gate's kiosks.

    Raises `ProvisionError` saying what was expected; what was made before stays.
    """
    kiosks = [kiosk for names in gates.values() for kiosk in names]
    _check_names(campus, gateway, gates, kiosks)
    folder = folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    done = Provisioned(folder)
    done.note("ca.crt", certificates.ensure_authority(folder, campus))
    hosts = [BROKER_NAME, "localhost", "127.0.0.1"]
    hosts += [host for host in (broker_host,) if host not in hosts]
    done.note("broker.crt", certificates.ensure_server(folder, "broker", hosts))
    done.note("web.crt", certificates.ensure_server(folder, "web", hosts))
    done.note(certificates.UPDATE_KEY, certificates.ensure_update_key(folder))
    users = [broker_files.GATEWAY, broker_files.ADMIN, broker_files.WEB]
    # One that was made in an earlier run stays.
    home_assistant |= (folder / f"{broker_files.HOME_ASSISTANT}.password").exists()
    if home_assistant:
        users.append(broker_files.HOME_ASSISTANT)
    collect |= (folder / f"{broker_files.COLLECT}.password").exists()
    if collect:
        users.append(broker_files.COLLECT)
    passwords = {user: _secret(done, f"{user}.password") for user in users}
    for kiosk in kiosks:
        values = {
            "kiosk": kiosk,
            "campus": campus,
            "gate": next(gate for gate, names in gates.items() if kiosk in names),
            "site": site,
            "language": language,
            "threshold_c": threshold_c,
            "wifi_ssid": wifi_ssid,
            "wifi_password": wifi_password,
            "broker_host": broker_host,
            "broker_port": broker_port,
            "broker_name": BROKER_NAME,
            "username": kiosk,
            "ntp_host": broker_host,
            "update_key": certificates.update_modulus(folder),
        }
        passwords[kiosk] = _kiosk(done, kiosk, values)
    # Kiosks of an earlier run stay known.
    for path in sorted((folder / "kiosks").glob("*/settings.json")):
        if path.parent.name not in passwords:
            passwords[path.parent.name] = json.loads(path.read_text())["password"]
    known = [user for user in passwords if user not in RESERVED]
    broker_files.write_passwords(folder / "broker.passwords", passwords)
    (folder / "broker.acl").write_text(
        broker_files.access_list(campus, known, home_assistant=home_assistant, collect=collect)
    )
    (folder / "broker.acl").chmod(0o600)
    (folder / "mosquitto.conf").write_text(broker_files.configuration(folder, bind, broker_port))
    done.made += ["broker.passwords", "broker.acl", "mosquitto.conf"]
    if campus_server_url:
        _campus_server(done, (campus, gateway), campus_server_url, timezone, language)
    if collect:
        _collect_toml(done, broker_host, broker_port, timezone)
    _gateway_toml(
        done,
        f"""\
# The gateway's settings: fevergate gateway --settings gateway.toml
campus = "{campus}"
gateway = "{gateway}"
timezone = "{timezone}"
language = "{language}"          # zh or en
home_assistant = {str(home_assistant).lower()}   # whether kiosks and gates appear in it

[broker]
host = "{broker_host}"
port = {broker_port}
name = "{BROKER_NAME}"  # in its certificate

[alarm]
silent_after_s = 150     # a kiosk that says nothing for so long turns its gate amber
buzzer = true

[retention]
raw_days = 400           # readings without a fever; counts and fevers stay
persons_days = 30        # who acknowledged a fever

[web]                    # the pages: fevergate web
host = "{bind}"
port = 8443

# [desk]                 # the guards' own sensor: fevergate desk --help
# bus = 1                # /dev/i2c-1
# site = "{site}"        # what of a face it sees: canthus, face_max, forehead

# [metrics]              # for Prometheus: http://127.0.0.1:9464/metrics
# port = 9464
""",
        gates,
        campus_server_url,
    )
    broker_files.hand_over(folder)
    return done


def _check_names(campus: str, gateway: str, gates: dict[str, list[str]], kiosks: list[str]) -> None:
    for kind, names in (
        ("campus", [campus]),
        ("gateway", [gateway]),
        ("gate", list(gates)),
        ("kiosk", kiosks),
    ):
        for name in names:
            if not re.match(NAME_PATTERN, name):
                raise ProvisionError(f"{kind} {name!r}: expected [a-z0-9-], at most 32 characters")
    if not kiosks:
        raise ProvisionError("expected at least one gate with a kiosk")
    if len(gates) > len(PIN_SETS):
        raise ProvisionError(f"expected at most {len(PIN_SETS)} gates for one Pi, got {len(gates)}")
    for kiosk in kiosks:
        if kiosk in RESERVED:
            raise ProvisionError(f"kiosk {kiosk!r}: this name is reserved")
        if kiosks.count(kiosk) > 1:
            raise ProvisionError(f"kiosk {kiosk!r}: stands at two gates")


def _secret(done: Provisioned, name: str) -> str:
    """A secret's file, made once."""
    path = done.folder / name
    made = not path.exists()
    if made:
        certificates.write_private(path, secrets.token_urlsafe(24).encode() + b"\n")
    done.note(name, made)
    return path.read_text().strip()


def _kiosk(done: Provisioned, kiosk: str, values: dict[str, object]) -> str:
    """One board's folder; its password outlives new settings."""
    folder = done.folder / "kiosks" / kiosk
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "settings.json"
    try:
        password = json.loads(path.read_text())["password"]
        done.note(f"kiosks/{kiosk}", made=False)
    except FileNotFoundError:
        password = secrets.token_urlsafe(24)
        done.note(f"kiosks/{kiosk}", made=True)
    except (ValueError, KeyError, TypeError) as error:
        raise ProvisionError(f"{path}: expected the settings that were made for it") from error
    settings = values | {"password": password}
    authority = certificates.authority_der(done.folder)
    certificates.write_private(path, json.dumps(settings, indent=1).encode() + b"\n")
    (folder / "ca.der").write_bytes(authority)
    # Both in one file, for the page of a new board.
    whole = {"settings": settings, "ca": base64.b64encode(authority).decode()}
    certificates.write_private(folder / "kiosk.json", json.dumps(whole).encode() + b"\n")
    return password


def _campus_server(
    done: Provisioned, whose: tuple[str, str], url: str, timezone: str, language: str
) -> None:
    """Certificate, token and settings of the campus server, to be taken to its machine; `whose`:
    campus and gateway."""
    campus, gateway = whose
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ProvisionError(f"campus server {url!r}: expected https://HOST[:PORT]")
    done.note("campus.crt", certificates.ensure_server(done.folder, "campus", [parts.hostname]))
    token = _secret(done, "campus.token")
    path = done.folder / "campus.toml"
    if path.exists():
        done.note("campus.toml", made=False)
        return
    digest = hashlib.sha256(token.encode()).hexdigest()
    host = parts.hostname if parts.hostname == "127.0.0.1" else "0.0.0.0"  # noqa: S104 - a server
    certificates.write_private(
        path,
        f"""\
# The campus server's settings: fevergate campus --settings campus.toml
host = "{host}"
port = {parts.port or 443}
timezone = "{timezone}"
language = "{language}"
title = ""               # of the institution, as the report names it; title_en for English
# database = "postgresql://fevergate@127.0.0.1/fevergate"   # else campus.db beside this file

# Who must report. One that does not is missing in the report, never zero.
[campuses.{campus}]
title = ""
gateways = ["{gateway}"]

# For each gateway the SHA-256 of the token in its campus.token.
[tokens]
{gateway} = "{digest}"

[report]                 # of the day before
draft_at = "07:00"
deadline = "09:00"
remind_before_min = 30

[escalation]
fever_after_min = 10     # a fever that nobody acknowledged
silent_after_min = 60    # a gateway that was not heard

# [smtp]
# host = "mail.example.edu.cn"
# sender = "fevergate@example.edu.cn"
# username = "fevergate"   # its password in smtp.password
#
# [[contacts]]
# name = "Chen Jing"
# channel = "email"        # or webhook, ntfy, wecom, dingtalk: the address is then the URL
# address = "chen@example.edu.cn"
""".encode(),
    )
    done.note("campus.toml", made=True)


def _collect_toml(done: Provisioned, broker_host: str, broker_port: int, timezone: str) -> None:
    """collect.toml, unless there is one; the database is for a person to fill in."""
    path = done.folder / "collect.toml"
    made = not path.exists()
    if made:
        certificates.write_private(
            path,
            f"""\
# The collectors' settings: fevergate collect --settings collect.toml --name 1
timezone = "{timezone}"  # where a day, and so a partition, begins

[broker]
host = "{broker_host}"
port = {broker_port}
name = "{BROKER_NAME}"  # in its certificate
group = "raw"            # collectors of one group share the readings
session_days = 14        # what an absent collector's share waits at the broker; then it is lost

[database]               # a password goes into a file beside: password_file = "database.password"
url = "postgresql://fevergate@127.0.0.1/fevergate"

[partitions]
ahead_days = 3
# keep_days = 400        # older days are dropped; without it nothing is

# [metrics]              # for Prometheus; a collector named 2 listens two ports higher
# port = 9470
""".encode(),
        )
    load_collect(path)
    done.note("collect.toml", made)


def _gateway_toml(
    done: Provisioned, head: str, gates: dict[str, list[str]], campus_server_url: str | None
) -> None:
    """gateway.toml, unless there is one: a person may have changed it."""
    path = done.folder / "gateway.toml"
    made = not path.exists()
    if made:
        text = head
        for (gate, kiosks), pins in zip(gates.items(), PIN_SETS, strict=False):
            names = json.dumps(kiosks)
            text += f'\n[[gates]]\nname = "{gate}"\nkiosks = {names}\npins = "{pins}"\n'
        if campus_server_url:
            text += f'\n[campus_server]\nurl = "{campus_server_url}"\nca = "ca.crt"\n'
            text += "persons = false          # whether follow-ups are sent with names\n"
        certificates.write_private(path, text.encode())
    load_gateway(path)
    done.note("gateway.toml", made)
