"""`fevergate provision upgrade`: replaces broker files that an earlier version generated.

The broker's drop-in, configuration and access list become those that `fevergate provision gateway`
writes now; other files are not touched. If the broker does not start with them or refuses the
gateway, the old ones are restored.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import tomlkit

from fevergate.crypto import pki
from fevergate.errors import BrokerError, FeverGateError, ProvisionError
from fevergate.mosquitto import broker_files
from fevergate.mqtt import one_shot
from fevergate.provision import services
from fevergate.provision.files import (
    Provisioned,
    access_of,
    check_folder,
    read_toml,
    secret,
    write_broker,
    write_toml,
)
from fevergate.provision.gateway import SETTINGS
from fevergate.provision.steps import say
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.system.atomic_file import write_private

TAKES_S = 60.0
"""Time (s) within which the restarted broker must accept the gateway."""

CONFIGURATION, ACCESS, PASSWORDS = "mosquitto.conf", "broker.acl", "broker.passwords"


def upgrade(folder: Path) -> Iterator[str]:
    """Replace the broker's files by this version's; yields what was changed.

    Does nothing unless run as root, with a running broker of this folder under systemd. Raises
    `ProvisionError` if broker or gateway do not start with the new files; the old are restored.
    """
    check_folder(folder)
    settings = load_gateway(folder / SETTINGS)
    if not services.broker_runs(folder):
        yield say(settings, "upgrade_none")
        return
    changes = _changes(folder, settings)
    if not changes:
        yield say(settings, "upgrade_same")
        return
    before = _Before(folder, changes)
    try:
        _write(folder, settings, changes)
        services.start_broker_anew(folder)
        _until_taken(folder)
        if SETTINGS in changes:
            services.restart(folder)
    except (FeverGateError, OSError) as error:
        before.put_back()
        services.start_broker_anew(folder)
        if SETTINGS in changes:
            services.restart(folder)
        raise ProvisionError(f"{error}; {', '.join(map(str, changes))}: as before") from error
    yield say(settings, "upgraded", names=", ".join(map(str, changes)))


def _changes(folder: Path, settings: GatewaySettings) -> dict[str | Path, str]:
    """New text of each file that differs: by name in the folder, drop-ins by absolute path. For
    gateway.toml it is the value of `local_port` alone."""
    broker = settings.broker
    local_port = broker.local_port or broker_files.local_port(broker.port)
    bind = broker_files.bound_to(folder)
    wanted: dict[str | Path, str] = {}
    if bind:
        configuration = broker_files.configuration(folder, bind, broker.port, local_port)
        wanted[CONFIGURATION] = configuration
        if broker.local_port is None:
            wanted[SETTINGS] = str(local_port)
    wanted[ACCESS] = access_of(folder, settings.campus)
    for name, text in services.drop_ins(folder).items():
        wanted[services.UNITS_FOLDER / name] = text
    return {name: text for name, text in wanted.items() if _read(folder / name) != text.encode()}


def _write(folder: Path, settings: GatewaySettings, changes: dict[str | Path, str]) -> None:
    done = Provisioned(folder)
    if port := changes.get(SETTINGS):
        document = read_toml(folder / SETTINGS)
        broker: Any = document.setdefault("broker", tomlkit.table())
        broker["local_port"] = int(port)
        write_toml(folder / SETTINGS, document)
    if text := changes.get(CONFIGURATION):
        pki.write_public(folder / CONFIGURATION, text.encode())
    if ACCESS in changes:
        for user in (broker_files.GATEWAY, broker_files.ADMIN, broker_files.WEB):
            secret(done, f"{user}.password")
        write_broker(done, settings.campus)
    for path, text in changes.items():
        if isinstance(path, Path):
            path.parent.mkdir(parents=True, exist_ok=True)
            pki.write_public(path, text.encode())
    services.write_drop_ins(folder)
    broker_files.hand_over(folder)


def _until_taken(folder: Path) -> None:
    """Wait until the broker accepts the gateway's credential. Raises `BrokerError`."""
    settings = load_gateway(folder / SETTINGS)
    until = time.monotonic() + TAKES_S
    while True:
        try:
            one_shot.probe(settings)
            return
        except BrokerError:
            if services.broker_fell(folder) or time.monotonic() > until:
                raise
        time.sleep(0.2)


class _Before:
    """The previous content of files, to be restored."""

    def __init__(self, folder: Path, changes: dict[str | Path, str]) -> None:
        names = {*changes, PASSWORDS} if ACCESS in changes else set(changes)
        self._folder = folder
        self._files = {folder / name: _read(folder / name) for name in names}

    def put_back(self) -> None:
        for path, data in self._files.items():
            if data is None:
                path.unlink(missing_ok=True)
            else:
                public = path.suffix == ".conf"
                write_private(path, data, 0o644 if public else 0o600)
        broker_files.hand_over(self._folder)


def _read(path: Path) -> bytes | None:
    """A file's bytes, or None. Raises `ProvisionError` for a link, which another user may own."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProvisionError(f"{path}: expected a file: {error.strerror}") from error


@click.command("upgrade")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
def upgrade_command(folder: Path) -> None:
    """Bring what the broker reads of FOLDER to this version; gateway/install runs it.

    Its systemd drop-in, configuration and access list; passwords and settings stay, but for the
    broker's local port. The broker starts anew only where something has changed. Where it does not
    take it, all is as it was, and the exit code is 2.

    \b
      sudo fevergate provision upgrade /etc/fevergate
    """
    for line in upgrade(folder.absolute()):
        click.echo(line)
