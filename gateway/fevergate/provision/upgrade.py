"""`fevergate provision upgrade`: replaces broker files that an earlier version generated.

The broker's drop-in, configuration and access list become those that `fevergate provision gateway`
writes now; other files are not touched. If the broker does not start with them or refuses the
gateway, the old ones are restored. They are kept beside the drop-in until the broker has accepted
the gateway: a run that was killed is ended by the next.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from fevergate.errors import BrokerError, FeverGateError, ProvisionError
from fevergate.mosquitto import broker_files
from fevergate.mqtt import one_shot
from fevergate.provision import services
from fevergate.provision.files import (
    Provisioned,
    access_of,
    check_folder,
    read_unlinked,
    secret,
    write_broker,
)
from fevergate.provision.gateway import SETTINGS
from fevergate.provision.step_texts import message
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.system.atomic_file import write_private, write_public

TAKES_S = 60.0
"""Time (s) within which the restarted broker must accept the gateway."""

BEFORE = f"{services.BROKER}.d/fevergate.before"
"""The old files, below /etc/systemd/system: the service's user can write to its own folder, and
systemd reads only `*.conf` here."""

CONFIGURATION, ACCESS, PASSWORDS = "mosquitto.conf", "broker.acl", "broker.passwords"


def upgrade(folder: Path) -> Iterator[str]:
    """Replace the broker's files by this version's; yields what was changed.

    Does nothing unless run as root, with a running broker of this folder under systemd. Raises
    `ProvisionError` if the broker does not start with the new files; the old ones are restored.
    """
    check_folder(folder)
    settings = load_gateway(folder / SETTINGS)
    if not services.broker_runs(folder):
        yield message(settings, "upgrade_none")
        return
    changes, path_before = _changes(folder, settings), services.UNITS_FOLDER / BEFORE
    if not changes and not path_before.exists():
        yield message(settings, "upgrade_same")
        return
    before = {str(path): read_unlinked(path) for path in (folder / PASSWORDS, *changes)}
    before |= _kept(path_before)
    names = ", ".join(path.removeprefix(f"{folder}/") for path in [*before][1:])
    write_private(path_before, msgspec.json.encode(before))
    try:
        _write(folder, settings, changes)
        services.restart_broker(folder)
        _until_taken(settings)
    except (FeverGateError, OSError) as error:
        _put_back(folder, before)
        services.restart_broker(folder)
        path_before.unlink()
        raise ProvisionError(f"{error}; restored: {names}") from error
    path_before.unlink()
    yield message(settings, "upgraded", names=names)


def _kept(path: Path) -> dict[str, bytes | None]:
    """The old files that a run kept which was killed, by path; none if no run was."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, bytes | None])
    except FileNotFoundError:
        return {}
    except msgspec.MsgspecError as error:
        raise ProvisionError(f"{path}: expected JSON ({error}); delete it and try again") from error


def _changes(folder: Path, settings: GatewaySettings) -> dict[Path, str]:
    """New text of each file that differs."""
    broker, bind = settings.broker, broker_files.bound_to(folder)
    texts: dict[Path, str] = {}
    if bind and broker.local_port:
        configuration = broker_files.configuration(folder, bind, broker.port, broker.local_port)
        texts[folder / CONFIGURATION] = configuration
    texts[folder / ACCESS] = access_of(folder, settings.campus)
    for name, text in services.drop_ins(folder).items():
        texts[services.UNITS_FOLDER / name] = text
    return {path: text for path, text in texts.items() if read_unlinked(path) != text.encode()}


def _write(folder: Path, settings: GatewaySettings, changes: dict[Path, str]) -> None:
    for path, text in changes.items():
        if path.name == ACCESS:  # write the passwords as well: the access list may have new users
            provisioned = Provisioned(folder)
            for user in (broker_files.GATEWAY, broker_files.ADMIN, broker_files.WEB):
                secret(provisioned, f"{user}.password")
            write_broker(provisioned, settings.campus)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_public(path, text.encode())
    services.write_drop_ins(folder / "systemd", folder)
    broker_files.set_owners(folder)


def _until_taken(settings: GatewaySettings) -> None:
    """Wait until the broker accepts the gateway's credential. Raises `BrokerError`."""
    until = time.monotonic() + TAKES_S
    while True:
        try:
            one_shot.probe(settings)
            return
        except BrokerError:
            if services.broker_was_restarted(settings.folder) or time.monotonic() > until:
                raise
        time.sleep(0.2)


def _put_back(folder: Path, before: dict[str, bytes | None]) -> None:
    for name, data in before.items():
        path = Path(name)
        if data is None:
            path.unlink(missing_ok=True)
        else:
            write_private(path, data, 0o644 if path.suffix == ".conf" else 0o600)
    broker_files.set_owners(folder)


@click.command("upgrade")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
def upgrade_command(folder: Path) -> None:
    """Update the broker's files in FOLDER to this version; gateway/install runs this.

    It replaces the broker's systemd drop-in, configuration and access list; passwords and settings
    stay. The broker is restarted only if something has changed. If it does not start with the new
    files, the old ones are restored, and the exit code is 2.

    \b
      sudo fevergate provision upgrade /etc/fevergate
    """
    for line in upgrade(folder.absolute()):
        click.echo(line)
