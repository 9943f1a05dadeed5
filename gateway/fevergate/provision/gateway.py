"""Creates all files that a gateway, its broker and its kiosks need to trust each other.

A later run keeps keys, passwords and edits of gateway.toml, adds new gates and kiosks, and renews
certificates that expire soon. No secret is printed.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Unpack

import tomlkit

from fevergate.crypto import pki
from fevergate.errors import ProvisionError
from fevergate.mosquitto import broker_files
from fevergate.provision.campus import Enrolment, host_and_port, one_gateway
from fevergate.provision.files import (
    BROKER_NAME,
    RESERVED,
    Provisioned,
    check_folder,
    check_host,
    check_names,
    check_timezone,
    from_template,
    read_toml,
    secret,
    write_broker,
)
from fevergate.provision.gates import Watchers, add_post, add_to_gate, watch
from fevergate.provision.kiosks import (
    DEFAULTS,
    BoardWishes,
    first_values,
    values_for,
    write_authority,
    write_kiosk,
)
from fevergate.provision.services import write_drop_ins
from fevergate.provision.titles import (
    NONE_NAMED,
    UNCHANGED,
    Named,
    Titles,
    set_gate_titles,
    set_titles,
)
from fevergate.settings.collector import load_collect
from fevergate.settings.gateway import MAX_GATES, BrokerSettings, load_gateway

SETTINGS = "gateway.toml"


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
    home_assistant: bool = False,
    collect: bool = False,
    titles: Titles = UNCHANGED,
    gate_titles: Named = NONE_NAMED,
    watched_by: Watchers = MappingProxyType({}),
    posts: Mapping[str, str] = MappingProxyType({}),
    **board: Unpack[BoardWishes],
) -> Provisioned:
    """Create or extend `folder`. `gates` maps each gate to its kiosks. `enrolment` is the file of a
    campus server with a folder of its own; with `campus_server_url` a campus server is created
    here. An argument that is None keeps the present value; the first run takes 127.0.0.1, port
    8883, and `kiosks.DEFAULTS`. `titles` are the campus's names. `watched_by` maps a gate without
    lamps to the gate whose lamps show its red light. `posts` maps each lamp post to its gate; a new
    gate with a lamp post gets no lamps on the Pi's pins.

    Raises `ProvisionError`; names, hosts and Wi-Fi are checked before anything is written.
    """
    folder = folder.absolute()
    _check(folder, campus, gateway, gates, posts)
    check_timezone(timezone)
    if campus_server_url:
        host_and_port(campus_server_url)
    if enrolment:
        enrolment.check(campus, gateway)
    broker = _broker(folder, broker_host, broker_port)
    bind = bind or broker_files.bound_to(folder) or "127.0.0.1"
    check_host("bind", bind)
    values = {"campus": campus, "gateway": gateway, "timezone": timezone, "bind": bind}
    values |= {name: board.get(name) or DEFAULTS[name] for name in ("language", "site")}
    hosts = {"broker_host": broker_host, "broker_port": broker_port, "ntp_host": broker_host}
    first, wishes = first_values(campus, values["language"], broker), hosts | board
    boards = {
        kiosk: values_for(folder, kiosk, gate, first, wishes)
        for gate, kiosks in gates.items()
        for kiosk in kiosks
    }
    towers = {
        post: values_for(folder, post, gate, first, wishes, post=True)
        for post, gate in posts.items()
    }
    document = _settings(folder / SETTINGS, values, broker, home_assistant)
    for kiosk, settings in boards.items():
        lit_elsewhere = {*watched_by, *posts.values()}
        add_to_gate(document, folder / SETTINGS, settings["gate"], kiosk, lit_elsewhere)
    for post, gate in posts.items():
        add_post(document, folder / SETTINGS, gate, post)
    watch(document, folder / SETTINGS, watched_by)
    set_titles(document, titles)
    set_gate_titles(document, gate_titles)
    provisioned = Provisioned(folder)
    _make_trust(provisioned, campus, broker.host)
    _make_passwords(provisioned, home_assistant, collect)
    for board_name, settings in (boards | towers).items():
        write_kiosk(provisioned, board_name, settings)
    write_authority(provisioned)
    write_broker(provisioned, campus)
    configuration = broker_files.configuration(folder, bind, broker.port, broker.local_port or 0)
    provisioned.write("mosquitto.conf", configuration, pki.write_public)
    enrolment = _campus_server(provisioned, values, campus_server_url, enrolment, titles)
    if collect and provisioned.write_first("collect.toml", broker=broker, timezone=timezone):
        load_collect(folder / "collect.toml")
    _write_settings(provisioned, document, enrolment)
    write_drop_ins(folder / "systemd", folder)
    provisioned.made.append("systemd")
    broker_files.set_owners(folder)
    return provisioned


def _check(
    folder: Path,
    campus: str,
    gateway: str,
    gates: dict[str, list[str]],
    posts: Mapping[str, str],
) -> None:
    kiosks = [kiosk for names in gates.values() for kiosk in names]
    check_names("campus", [campus])
    check_names("gateway", [gateway])
    check_names("gate", gates)
    check_names("kiosk", kiosks)
    check_names("lamp post", posts)
    if not kiosks:
        raise ProvisionError("expected at least one gate with a kiosk")
    if len(gates) > MAX_GATES:
        raise ProvisionError(f"expected at most {MAX_GATES} gates, got {len(gates)}")
    for kiosk in kiosks:
        if kiosk in RESERVED:
            raise ProvisionError(f"kiosk {kiosk!r}: this name is reserved")
        if kiosks.count(kiosk) > 1:
            raise ProvisionError(f"kiosk {kiosk!r}: stands at two gates")
    for post in posts:
        if post in RESERVED or post in kiosks:
            used = "reserved" if post in RESERVED else "a kiosk's"
            raise ProvisionError(f"lamp post {post!r}: this name is {used}")
    check_folder(folder)


def _broker(folder: Path, host: str | None, port: int | None) -> BrokerSettings:
    """The broker's address for its clients: as given, else as before, else on this machine."""
    path = folder / SETTINGS
    before = load_gateway(path).broker if path.exists() else BrokerSettings(port=broker_files.PORT)
    port = port or before.port
    local_port = before.local_port or broker_files.local_port(port)
    broker = BrokerSettings(
        host=host or before.host, port=port, local_port=local_port, name=BROKER_NAME
    )
    check_host("broker host", broker.host)
    return broker


def _settings(
    path: Path, values: dict[str, str], broker: BrokerSettings, home_assistant: bool
) -> tomlkit.TOMLDocument:
    """A new gateway.toml, or the present one with the broker's new address. Raises `ProvisionError`
    if the present one belongs to another campus or gateway."""
    if not path.exists():
        flag = str(home_assistant).lower()
        return tomlkit.parse(from_template(SETTINGS, **values, broker=broker, home_assistant=flag))
    before = load_gateway(path)
    for field in ("campus", "gateway"):
        if (present := getattr(before, field)) != values[field]:
            raise ProvisionError(
                f"{path}: {field} is {present!r} and cannot become {values[field]!r}"
            )
    document = read_toml(path)
    table: Any = document.setdefault("broker", tomlkit.table())
    for key in ("host", "port", "local_port"):
        if getattr(before.broker, key) != getattr(broker, key):
            table[key] = getattr(broker, key)
    return document


def _make_trust(provisioned: Provisioned, campus: str, broker_host: str) -> None:
    """Create the authority and all that it signs, or renew what expires soon."""
    folder = provisioned.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = pki.ensure_authority(folder, campus)
    provisioned.note("ca.crt", new or pki.renew_authority(folder))
    hosts = list(dict.fromkeys([BROKER_NAME, "localhost", "127.0.0.1", broker_host]))
    for server in ("broker", "web"):
        provisioned.note(f"{server}.crt", pki.ensure_server(folder, server, hosts))
    provisioned.note(pki.UPDATE_KEY, pki.ensure_update_key(folder))


def _make_passwords(provisioned: Provisioned, home_assistant: bool, collect: bool) -> None:
    users = [broker_files.GATEWAY, broker_files.ADMIN, broker_files.WEB]
    users += [broker_files.HOME_ASSISTANT] * home_assistant + [broker_files.COLLECT] * collect
    for user in users:
        secret(provisioned, f"{user}.password")


def _campus_server(
    provisioned: Provisioned,
    values: dict[str, str],
    url: str | None,
    enrolment: Enrolment | None,
    titles: Titles,
) -> Enrolment | None:
    """How the gateway reaches its campus server, made here or elsewhere; None without one."""
    if url:
        names = {key: values[key] for key in ("campus", "gateway", "timezone", "language")}
        return one_gateway(provisioned, url, titles, **names)
    if enrolment:
        enrolment.keep(provisioned)
    return enrolment


def _write_settings(
    provisioned: Provisioned, document: tomlkit.TOMLDocument, enrolment: Enrolment | None
) -> None:
    """Write gateway.toml, with the campus server added if it is new."""
    if enrolment and "campus_server" not in document:
        table = tomlkit.table()
        persons = tomlkit.item(False).comment("whether follow-ups are sent with names")
        table.update({"url": enrolment.url, "ca": enrolment.ca_file, "persons": persons})
        document["campus_server"] = table
    provisioned.write(SETTINGS, tomlkit.dumps(document), pki.write_private)
    load_gateway(provisioned.folder / SETTINGS)
