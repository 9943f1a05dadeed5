"""`fevergate backup` and `fevergate restore`, for a gateway and for a campus server."""

import sys
import tomllib
from datetime import datetime
from pathlib import Path

import click

from fevergate.backup.archive import Manifest, encrypted, read_backup, read_manifest
from fevergate.command_line.options import FOLDER, settings_option
from fevergate.command_line.secret_input import ask_secret
from fevergate.command_line.terminal import echo_lines
from fevergate.errors import BackupError

PASSPHRASE = "FEVERGATE_BACKUP_PASSPHRASE"  # noqa: S105 - a variable's name
passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help=f"File with the passphrase in its first line; - is standard input."
    f"  [default: ${PASSPHRASE}, else asked for]",
)


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    help="Only read FILE, and compare every byte with its checksums.",
)
@click.option("--encrypt", is_flag=True, help="Encrypt FILE with a passphrase.")
@passphrase_option
@settings_option("gateway.toml")
def backup_command(
    file: Path | None,
    only_check: bool,
    encrypt: bool,
    passphrase_file: Path | None,
    settings_path: Path,
) -> None:
    """Back up this gateway into FILE: settings, certificates, credentials and every reading.

    The gateway keeps running. FILE is read back before the command ends; an existing file is never
    overwritten. Without FILE, the backup is named after the gateway and the time. With --settings
    of a campus server (campus.toml), that server is backed up, from SQLite or PostgreSQL.

    FILE contains secrets, among them the key of the certificate authority. Keep it where only you
    can read it, or encrypt it. An encrypted backup cannot be opened without its passphrase.

    \b
      fevergate backup /media/usb/monday.tar.gz
      fevergate backup /media/usb/monday.backup --encrypt
      fevergate backup /media/usb/monday.tar.gz --check
      fevergate backup campus.backup --encrypt --settings /etc/fevergate/campus.toml
      fevergate restore /media/usb/monday.tar.gz          on a new Pi
    """
    if only_check:
        if file is None:
            raise click.UsageError("--check: expected FILE")
        manifest = read_backup(file, None, _passphrase_of(file, passphrase_file))
    else:
        passphrase = new_passphrase(passphrase_file) if encrypt or passphrase_file else None
        file, manifest = _back_up(file, settings_path, passphrase)
        show_progress("")
    size_mb = file.stat().st_size / 1e6
    click.echo(
        f"{file}: {_counted(manifest)}, {len(manifest.members)} files, {size_mb:.1f} MB,"
        f" {'encrypted, ' if encrypted(file) else ''}all digests right"
    )
    for name in manifest.elsewhere:
        click.echo(f"not in it, since it lies elsewhere: {name}", err=True)


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=FOLDER)
@passphrase_option
@click.option("--database", help="Database of a campus server: name of a file, or postgresql://...")
def restore_command(
    file: Path, folder: Path, passphrase_file: Path | None, database: str | None
) -> None:
    """Restore the gateway or campus server in FILE into FOLDER (default: /etc/fevergate).

    FOLDER must be new or empty, and so must the database of a campus server. Every byte and the
    database are checked before anything is written. A database that was outside the settings'
    folder is put into FOLDER. Readings since the backup are lost, except those that the kiosks
    still have.

    \b
      sudo fevergate restore /media/usb/monday.tar.gz
      sudo fevergate restore campus.backup /etc/fevergate --database postgresql://localhost/fevergate
    """
    passphrase = _passphrase_of(file, passphrase_file)
    manifest = read_manifest(file, passphrase)
    if manifest.kind == "archive":
        raise BackupError(f"{file}: is the archive of a closed campus, which cannot be restored")
    if manifest.kind == "gateway":
        if database:
            raise click.UsageError("--database: expected with a campus server's backup")
        _restore_gateway(file, folder, passphrase)
    else:
        _restore_campus(file, folder, passphrase, database)


def _restore_gateway(file: Path, folder: Path, passphrase: str | None) -> None:
    from fevergate.backup.gateway import restore
    from fevergate.provision.steps import begin
    from fevergate.settings.gateway import load_gateway

    manifest = restore(file, folder, show_progress, passphrase)
    show_progress("")
    click.echo(f"{folder}: {_as_of(manifest)}, {_counted(manifest)}")
    database = load_gateway(folder / "gateway.toml").database
    if database != manifest.database:
        click.echo(f"the database was {manifest.database}; it is {folder / database} now")
    echo_lines(begin(folder.absolute(), broker_anew=True))
    click.echo(f"Next: fevergate doctor --settings {folder}/gateway.toml")


def _restore_campus(file: Path, folder: Path, passphrase: str | None, database: str | None) -> None:
    from fevergate.campus.backup import restore_campus
    from fevergate.provision.steps import begin_campus

    manifest = restore_campus(file, folder, show_progress, passphrase, database)
    show_progress("")
    click.echo(f"{folder}: {_as_of(manifest)}, {_counted(manifest)}")
    for name in manifest.elsewhere:
        click.echo(f"the settings name {name}, which the backup has not", err=True)
    echo_lines(begin_campus(folder.absolute()))


def _back_up(
    file: Path | None, settings_path: Path, passphrase: str | None
) -> tuple[Path, Manifest]:
    if is_campus(settings_path):
        from fevergate.campus.backup import backup_campus
        from fevergate.campus.settings import load_campus

        campus = load_campus(settings_path)
        file = file or _named("campus", datetime.now(campus.zone), passphrase)
        return file, backup_campus(campus, file, show_progress, passphrase)
    from fevergate.backup.gateway import backup
    from fevergate.settings.gateway import load_gateway

    settings = load_gateway(settings_path)
    file = file or _named(settings.gateway, datetime.now(settings.zone), passphrase)
    return file, backup(settings, file, show_progress, passphrase)


def is_campus(path: Path) -> bool:
    """Whether a settings file is a campus server's: only those have a table of tokens."""
    try:
        return "tokens" in tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # the caller loads the file next, which reports the error


def _named(name: str, now: datetime, passphrase: str | None) -> Path:
    return Path(f"fevergate-{name}-{now:%Y%m%d-%H%M%S}.{'backup' if passphrase else 'tar.gz'}")


def new_passphrase(file: Path | None) -> str:
    """A new passphrase from option, environment or terminal. Raises `click.UsageError`."""
    passphrase = ask_secret(
        "Passphrase of the backup",
        file=file,
        option="--passphrase-file",
        variable=PASSPHRASE,
        confirm=True,
    )
    if len(passphrase) < 8:
        raise click.UsageError("the backup's passphrase: expected 8 characters or more")
    return passphrase


def _passphrase_of(file: Path, passphrase_file: Path | None) -> str | None:
    if not encrypted(file):
        return None
    return ask_secret(
        f"Passphrase of {file.name}",
        file=passphrase_file,
        option="--passphrase-file",
        variable=PASSPHRASE,
    )


def _as_of(manifest: Manifest) -> str:
    made_at = datetime.fromtimestamp(manifest.made_at).astimezone()
    return f"as of {made_at:%Y-%m-%d %H:%M}"


def _counted(manifest: Manifest) -> str:
    if manifest.gateway:
        return f"{manifest.gateway}, {manifest.readings} readings, {manifest.fevers} fevers"
    return f"campus server, {manifest.readings} items, {manifest.fevers} fevers"


def show_progress(text: str) -> None:
    """Show a step of progress in one line of the terminal; an empty text clears it."""
    if sys.stderr.isatty():
        click.echo("\r\033[K" + (f"{text} ..." if text else ""), err=True, nl=False)
