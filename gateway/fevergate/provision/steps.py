"""The steps of each `fevergate provision` command; each yields its messages (`step_texts`)."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fevergate.crypto import pki
from fevergate.errors import BrokerError, NothingFoundError, ProvisionError
from fevergate.mosquitto import broker_files
from fevergate.provision import kiosks, services
from fevergate.provision.campus import revoke_gateway
from fevergate.provision.files import (
    RESERVED,
    USERS,
    Provisioned,
    check_folder,
    check_names,
    kiosk_names,
    read_toml,
    secret,
    users_of,
    write_broker,
    write_toml,
)
from fevergate.provision.gates import (
    add_post,
    add_to_gate,
    drop_revoked,
    end_dark_watches,
    take_from_gate,
    watch,
)
from fevergate.provision.gateway import SETTINGS
from fevergate.provision.labels import as_pdf, labels_of, pages_url
from fevergate.provision.step_texts import StepText, message
from fevergate.provision.titles import (
    NONE_NAMED,
    UNCHANGED,
    Named,
    Titles,
    set_gate_titles,
    set_kiosk_titles,
)
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.texts.translations import Pair

CAMPUS = "campus.toml"


def _open(folder: Path) -> GatewaySettings:
    if not (folder / SETTINGS).exists():
        raise ProvisionError(f"{folder}: expected a folder of `fevergate provision gateway`")
    check_folder(folder)
    return load_gateway(folder / SETTINGS)


def _title(settings: GatewaySettings, gate: str) -> Pair:
    return settings.in_both(lambda names: names.gate(gate))


def begin(folder: Path, *, broker_anew: bool) -> Iterator[StepText]:
    """Start a new or restored gateway, or yield how to start it. Raises `ProvisionError`."""
    settings = load_gateway(folder / SETTINGS)
    if services.start(folder, broker_anew=broker_anew):
        yield message(settings, "runs")
    else:
        services.reload_broker(folder)
        yield message(settings, "to_run", folder=folder)


def what_next(folder: Path) -> Iterator[StepText]:
    """Yield which gates have no lamps, then the commands to run after `provision gateway`. The
    boards of a restored gateway need none of these commands."""
    settings = load_gateway(folder / SETTINGS)
    yield from unlit(settings, [gate.name for gate in settings.gates])
    yield message(settings, "next")


def unlit(settings: GatewaySettings, gates: Iterable[str]) -> Iterator[StepText]:
    """Yield where the red light of each of `gates` without lamps of its own is shown."""
    for gate in settings.gates:
        if gate.name in gates and gate.lamps == "none" and (gate.watched_by or not gate.posts):
            key = "watched" if gate.watched_by else "unlit"
            title = _title(settings, gate.name)
            yield message(
                settings, key, gate=title, watcher=_title(settings, gate.watched_by or "")
            )


def apply(folder: Path) -> Iterator[StepText]:
    """Reload the broker and restart the services; yields the results. Raises `ProvisionError`."""
    settings = load_gateway(folder / SETTINGS)
    yield message(settings, "broker" if services.reload_broker(folder) else "no_broker")
    yield message(settings, "started" if services.restart(folder) else "to_start")


def begin_campus(folder: Path) -> Iterator[StepText]:
    """Start a campus server, or yield how to start it. Raises `ProvisionError`."""
    yield message(None, "campus_started" if services.start_campus(folder) else "campus")


def apply_campus(folder: Path) -> Iterator[StepText]:
    """Restart a campus server, which reads its settings at the start only."""
    started = services.restart(folder, (services.CAMPUS,))
    yield message(None, "campus_started" if started else "campus")


def add(
    folder: Path,
    kiosk: str,
    gate: str | None,
    wishes: dict[str, Any],
    titles: Titles = UNCHANGED,
    gate_titles: Named = NONE_NAMED,
    watcher: str | None = None,
    *,
    post: bool = False,
) -> Iterator[StepText]:
    """Add a kiosk (with `post` a lamp post) to a gate, or change it; `titles` are its names,
    `watcher` is the gate whose lamps show the red light of `gate`. Raises `ProvisionError`,
    `NothingFoundError`."""
    settings = _open(folder)
    kind = "lamp post" if post else "kiosk"
    check_names(kind, [kiosk])
    if kiosk in RESERVED:
        raise ProvisionError(f"{kind} {kiosk!r}: this name is reserved")
    known = kiosk in kiosk_names(folder)
    if gate is None:
        if not known:
            raise NothingFoundError(
                f"{kind} {kiosk!r}: is new; expected --gate, at which it stands"
            )
        gate = str(kiosks.settings_of(folder, kiosk).get("gate", ""))
    check_names("gate", [gate])
    first = kiosks.first_values(settings.campus, settings.language, settings.broker)
    values = kiosks.values_for(folder, kiosk, gate, first, wishes, post=post)
    document = read_toml(folder / SETTINGS)
    watched_by = {gate: watcher} if watcher else {}
    if post:
        add_post(document, folder / SETTINGS, gate, kiosk)
    else:
        add_to_gate(document, folder / SETTINGS, gate, kiosk, watched_by)
    watch(document, folder / SETTINGS, watched_by)
    set_kiosk_titles(document, kiosk, titles)
    set_gate_titles(document, gate_titles)
    provisioned = Provisioned(folder)
    kiosks.write_kiosk(provisioned, kiosk, values)
    drop_revoked(document, kiosks.revoked(folder))
    write_toml(folder / SETTINGS, document)
    write_broker(provisioned, settings.campus)
    broker_files.set_owners(folder)
    after = load_gateway(folder / SETTINGS)
    key = "changed" if known else "post_added" if post else "added"
    title = after.in_both(lambda names: names.kiosk(kiosk))
    yield message(settings, key, kiosk=title, gate=_title(after, gate))
    if not known and not post:
        yield from unlit(after, [gate])
    yield from apply(folder)
    if not known:
        yield message(settings, "board", kiosk=kiosk)


def revoke(folder: Path, name: str, reason: str) -> Iterator[StepText]:
    """Revoke the credential of a kiosk, or, in a campus server's folder, of a gateway. For a kiosk
    that is revoked already, do what an interrupted run left undone.

    Raises `NothingFoundError`, `ProvisionError`, and `BrokerError` if the broker still accepts the
    kiosk or keeps its retained messages.
    """
    if (folder / CAMPUS).exists() and not (folder / SETTINGS).exists():
        revoke_gateway(folder, name)
        yield message(None, "token", name=name)
        yield from apply_campus(folder)
        return
    settings = _open(folder)
    values, password = dict[str, Any](), ""
    left: BrokerError | None = None
    if name in kiosk_names(folder) or name not in kiosks.revoked(folder):
        password = kiosks.renew_password(folder, name)
        write_broker(Provisioned(folder), settings.campus)
        broker_files.set_owners(folder)
        if services.reload_broker(folder):  # disconnects the kiosk: its last will is published
            kiosk_password = str(kiosks.settings_of(folder, name)["password"])
            try:
                services.clear_retained(settings, name, kiosk_password)
            except BrokerError as error:
                left = error
        values = kiosks.forget(folder, name, reason)
    document = read_toml(folder / SETTINGS)
    left_at = take_from_gate(document, name)
    dark = end_dark_watches(document)
    write_toml(folder / SETTINGS, document)
    write_broker(Provisioned(folder), settings.campus)
    broker_files.set_owners(folder)
    post_of = settings.posts.get(name)
    yield message(settings, "post_revoked" if post_of else "revoked", kiosk=name)
    reloaded = services.reload_broker(folder)
    yield message(settings, "started" if services.restart(folder) else "to_start")
    if reloaded and password:
        services.wait_until_refused(settings, name, password)
    if left:
        raise BrokerError(f"retained messages of {name} are not deleted: {left}")
    if password or not reloaded:
        yield message(settings, "refused" if reloaded else "no_broker")
    if left_at:
        yield message(settings, "last", gate=_title(settings, left_at))
    dark += [post_of] if post_of else []
    yield from unlit(load_gateway(folder / SETTINGS), dark)
    if ssid := kiosks.wifi_name(values):
        yield message(settings, "wifi", ssid=ssid)


def renew(folder: Path, names: Sequence[str], *, everything: bool) -> Iterator[StepText]:
    """Renew certificates that expire soon, or all, and passwords of `names`. Raises as `revoke`."""
    if (folder / CAMPUS).exists() and not (folder / SETTINGS).exists():
        yield from _renew_campus(folder, everything=everything)
        return
    settings = _open(folder)
    users = {*kiosk_names(folder), *users_of(folder)}
    for name in names:
        if name not in users:
            raise NothingFoundError(f"{name!r}: expected one of {', '.join(sorted(users))}")
    provisioned = Provisioned(folder)
    # Boards with the old ca.der still accept the broker, if their clock is set.
    authority = pki.renew_authority(folder)
    renewed = ["ca.crt"] if authority else []
    kiosks.write_authority(provisioned)
    renewed += [
        path.name
        for path in (folder / "broker.crt", folder / "web.crt", folder / "campus.crt")
        if path.exists() and pki.renew_server(folder, path.stem, everything=everything)
    ]
    old: dict[str, str] = {}
    for name in names:
        if name in USERS:
            secret(provisioned, f"{name}.password", renew=True)
        else:
            old[name] = kiosks.renew_password(folder, name)
    if not renewed and not names:
        yield message(settings, "none_due")
    else:
        yield message(settings, "renewed", names=", ".join([*renewed, *names]))
        if authority:
            yield message(settings, "new_authority")
        write_broker(provisioned, settings.campus)
        broker_files.set_owners(folder)
        reloaded = services.reload_broker(folder)
        yield message(settings, "broker" if reloaded else "no_broker")
        for name, password in old.items():
            if reloaded:
                services.wait_until_refused(settings, name, password)
            yield message(settings, "board", kiosk=name)
        if any(name in USERS for name in names) or "web.crt" in renewed:
            yield message(settings, "started" if services.restart(folder) else "to_start")
    yield from _authority(folder, settings)


def _renew_campus(folder: Path, *, everything: bool) -> Iterator[StepText]:
    renewed = ["ca.crt"] if pki.renew_authority(folder) else []
    if pki.renew_server(folder, "campus", everything=everything):
        renewed.append("campus.crt")
    if renewed:
        broker_files.set_owners(folder)
        yield message(None, "renewed", names=", ".join(renewed))
        yield from apply_campus(folder)
    else:
        yield message(None, "none_due")
    yield from _authority(folder, None)


def _authority(folder: Path, settings: GatewaySettings | None) -> Iterator[StepText]:
    """Yield a warning if the authority expires before a server certificate made today would."""
    left = pki.days_left(pki.read_certificate(folder / "ca.crt"))
    if left < pki.SERVER_DAYS:
        yield message(settings, "authority", days=int(left))


def labels(folder: Path, names: Sequence[str], to: Path, url: str | None) -> Iterator[StepText]:
    """Write a PDF of labels. Raises `NothingFoundError`, `ProvisionError`, `ExportError`."""
    settings = _open(folder)
    kiosk_ids = kiosk_names(folder)
    for name in names:
        if name not in kiosk_ids:
            raise NothingFoundError(f"kiosk {name!r}: expected one of {', '.join(kiosk_ids)}")
    base = url or pages_url(settings)
    sheet = labels_of(settings, list(names) or kiosk_ids, base)
    try:
        pki.write_public(to, as_pdf(sheet))
    except OSError as error:
        raise ProvisionError(f"{to}: {error.strerror}") from error
    yield message(settings, "labels", count=len(sheet), path=to)
    if "://127.0.0.1" in base or "://localhost" in base:
        yield message(settings, "loopback", url=base)
