"""Creates all files that a gateway, its broker and its kiosks need to trust each other.

A later run keeps keys, passwords and edits of gateway.toml, adds new gates and kiosks, and renews
certificates that expire soon. No secret is printed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomlkit

from fevergate.crypto import pki
from fevergate.errors import ProvisionError
from fevergate.mosquitto import broker_files
from fevergate.provision.campus import Enrolment, host_and_port, one_gateway
from fevergate.provision.collect import collect_toml
from fevergate.provision.files import (
    BROKER_NAME,
    RESERVED,
    Provisioned,
    check_folder,
    check_host,
    check_names,
    check_timezone,
    read_toml,
    secret,
    write_broker,
)
from fevergate.provision.gates import PIN_SETS, add_to_gate
from fevergate.provision.kiosks import DEFAULTS, values_for, write_authority, write_kiosk
from fevergate.provision.services import write_drop_ins
from fevergate.settings.gateway import load_gateway

SETTINGS = "gateway.toml"
NEW_SETTINGS = """\
# The gateway's settings: fevergate gateway --settings gateway.toml
campus = "{campus}"
gateway = "{gateway}"
timezone = "{timezone}"
language = "{language}"          # zh or en
home_assistant = {home_assistant}   # whether kiosks and gates appear in it

[broker]
host = "{broker_host}"
port = {broker_port}
local_port = {local_port}  # the broker's own for this machine
name = "{broker_name}"  # in its certificate

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
"""


def provision(
    folder: Path,
    *,
    campus: str,
    gateway: str,
    gates: dict[str, list[str]],
    broker_host: str | None = None,
    broker_port: int | None = None,
    bind: str | None = None,
    campus_server_url: str | None = None,
    enrolment: Enrolment | None = None,
    timezone: str = "Asia/Shanghai",
    language: str | None = None,
    site: str | None = None,
    threshold_c: float | None = None,
    wifi_ssid: str | None = None,
    wifi_ssid_hex: str | None = None,
    wifi_password: str | None = None,
    home_assistant: bool = False,
    collect: bool = False,
) -> Provisioned:
    """Create or extend `folder`. `gates` maps each gate to its kiosks; `enrolment` is the file of a
    campus server with a folder of its own, `campus_server_url` has one created here. None keeps a
    value; the first run takes 127.0.0.1, port 8883, and `kiosks.DEFAULTS`.

    Raises `ProvisionError`; names, hosts and Wi-Fi are checked before anything is written.
    """
    kiosks = [kiosk for names in gates.values() for kiosk in names]
    _check(campus, gateway, gates, kiosks)
    folder = folder.absolute()
    check_folder(folder)
    check_timezone(timezone)
    if campus_server_url:
        host_and_port(campus_server_url)
    if enrolment:
        enrolment.check(campus, gateway)
    settings = folder / SETTINGS
    before = load_gateway(settings) if settings.exists() else None
    wishes = {
        "broker_host": broker_host,
        "broker_port": broker_port,
        "ntp_host": broker_host,
        "language": language,
        "site": site,
        "threshold_c": threshold_c,
        "wifi_ssid": wifi_ssid,
        "wifi_ssid_hex": wifi_ssid_hex,
        "wifi_password": wifi_password,
    }
    wishes = {name: value for name, value in wishes.items() if value is not None}
    broker_host = broker_host or (before.broker.host if before else "127.0.0.1")
    broker_port = broker_port or (before.broker.port if before else broker_files.PORT)
    local_port = (before and before.broker.local_port) or broker_files.local_port(broker_port)
    bind = bind or broker_files.bound_to(folder) or "127.0.0.1"
    check_host("broker host", broker_host)
    check_host("bind", bind)
    first = {
        "campus": campus,
        "broker_host": broker_host,
        "broker_port": broker_port,
        "broker_name": BROKER_NAME,
        "ntp_host": broker_host,
    }
    values = {
        kiosk: values_for(folder, kiosk, gate, first, wishes)
        for gate, names in gates.items()
        for kiosk in names
    }
    if before:
        for what, was, now in (
            ("campus", before.campus, campus),
            ("gateway", before.gateway, gateway),
        ):
            if was != now:
                raise ProvisionError(f"{settings}: {what} is {was!r}, expected it, not {now!r}")
        document = read_toml(settings)
        broker: Any = document.setdefault("broker", tomlkit.table())
        wanted = {"host": broker_host, "port": broker_port, "local_port": local_port}
        for name, now in wanted.items():
            if getattr(before.broker, name) != now:
                broker[name] = now
    else:
        document = tomlkit.parse(
            NEW_SETTINGS.format(
                campus=campus,
                gateway=gateway,
                timezone=timezone,
                language=language or DEFAULTS["language"],
                home_assistant=str(home_assistant).lower(),
                broker_host=broker_host,
                broker_port=broker_port,
                local_port=local_port,
                broker_name=BROKER_NAME,
                bind=bind,
                site=site or DEFAULTS["site"],
            )
        )
    _add_gates(document, settings, gates)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    done = Provisioned(folder)
    made = pki.ensure_authority(folder, campus)
    done.note("ca.crt", made or pki.renew_authority(folder))
    hosts = [BROKER_NAME, "localhost", "127.0.0.1"]
    hosts += [host for host in (broker_host,) if host not in hosts]
    done.note("broker.crt", pki.ensure_server(folder, "broker", hosts))
    done.note("web.crt", pki.ensure_server(folder, "web", hosts))
    done.note(pki.UPDATE_KEY, pki.ensure_update_key(folder))
    users = [broker_files.GATEWAY, broker_files.ADMIN, broker_files.WEB]
    if home_assistant:
        users.append(broker_files.HOME_ASSISTANT)
    if collect:
        users.append(broker_files.COLLECT)
    for user in users:
        secret(done, f"{user}.password")
    key = {"update_key": pki.update_modulus(folder)}
    for kiosk in kiosks:
        write_kiosk(done, kiosk, values[kiosk] | key)
    write_authority(done)
    write_broker(done, campus)
    configuration = broker_files.configuration(folder, bind, broker_port, local_port)
    path = folder / "mosquitto.conf"
    changed = not path.exists() or path.read_text() != configuration
    pki.write_public(path, configuration.encode())
    done.note("mosquitto.conf", changed)
    if campus_server_url:
        enrolment = one_gateway(
            done, (campus, gateway), campus_server_url, timezone, language or DEFAULTS["language"]
        )
    elif enrolment:
        enrolment.keep(done)
    if collect:
        collect_toml(done, broker_host, broker_port, timezone)
    _gateway_toml(done, document, enrolment)
    write_drop_ins(folder)
    done.made.append("systemd")
    broker_files.hand_over(folder)
    return done


def _check(campus: str, gateway: str, gates: dict[str, list[str]], kiosks: list[str]) -> None:
    check_names("campus", [campus])
    check_names("gateway", [gateway])
    check_names("gate", gates)
    check_names("kiosk", kiosks)
    if not kiosks:
        raise ProvisionError("expected at least one gate with a kiosk")
    if len(gates) > len(PIN_SETS):
        raise ProvisionError(f"expected at most {len(PIN_SETS)} gates for one Pi, got {len(gates)}")
    for kiosk in kiosks:
        if kiosk in RESERVED:
            raise ProvisionError(f"kiosk {kiosk!r}: this name is reserved")
        if kiosks.count(kiosk) > 1:
            raise ProvisionError(f"kiosk {kiosk!r}: stands at two gates")


def _add_gates(document: tomlkit.TOMLDocument, path: Path, gates: dict[str, list[str]]) -> None:
    for gate, kiosks in gates.items():
        for kiosk in kiosks:
            add_to_gate(document, path, gate, kiosk)


def _gateway_toml(
    done: Provisioned, document: tomlkit.TOMLDocument, enrolment: Enrolment | None
) -> None:
    """Write gateway.toml from `document`, with the campus server added if it is new."""
    path = done.folder / SETTINGS
    if enrolment and "campus_server" not in document:
        table = tomlkit.table()
        persons = tomlkit.item(False).comment("whether follow-ups are sent with names")
        table.update({"url": enrolment.url, "ca": enrolment.ca_file, "persons": persons})
        document["campus_server"] = table
    text = tomlkit.dumps(document).encode()
    changed = not path.exists() or path.read_bytes() != text
    if changed:
        pki.write_private(path, text)
    load_gateway(path)
    done.note(SETTINGS, changed)
