"""`fevergate backup` and `fevergate restore`."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from fevergate.options import FOLDER, settings_option


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--check", "only_check", is_flag=True, help="Read FILE, compare every byte.")
@settings_option("gateway.toml")
def backup_command(file: Path | None, only_check: bool, settings_path: Path) -> None:
    """All of this gateway in FILE: settings, certificates, credentials, every reading.

    The gateway goes on meanwhile. FILE is read back before the command ends, and never
    overwrites another one; without FILE it is named after gateway and time. It holds secrets:
    keep it where only you can read it.

    \b
      fevergate backup /media/usb/monday.tar.gz
      fevergate backup /media/usb/monday.tar.gz --check
      fevergate restore /media/usb/monday.tar.gz          on a new Pi
    """
    from fevergate.backup import backup, check
    from fevergate.settings import load_gateway

    if only_check:
        if file is None:
            raise click.UsageError("--check: expected FILE")
        manifest = check(file)
    else:
        settings = load_gateway(settings_path)
        now = datetime.now(settings.zone)
        file = file or Path(f"fevergate-{settings.gateway}-{now:%Y%m%d-%H%M%S}.tar.gz")
        manifest = backup(settings, file, _progress)
        _progress("")
    size_mb = file.stat().st_size / 1e6
    click.echo(
        f"{file}: {manifest.gateway}, {manifest.readings} readings, {manifest.fevers} fevers,"
        f" {len(manifest.members)} files, {size_mb:.1f} MB, all digests right"
    )


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=FOLDER)
def restore_command(file: Path, folder: Path) -> None:
    """Put the gateway of backup FILE into FOLDER, by default /etc/fevergate.

    FOLDER must be new or empty. Nothing is put there before every byte was compared and the
    database was found sound. What was measured since the backup and is not on the kiosks any
    more does not come back.
    """
    from fevergate.backup import restore
    from fevergate.provision.steps import begin

    manifest = restore(file, folder, _progress)
    _progress("")
    made = datetime.fromtimestamp(manifest.made_at).astimezone()
    click.echo(
        f"{folder}: {manifest.gateway} as of {made:%Y-%m-%d %H:%M}, {manifest.readings} readings,"
        f" {manifest.fevers} fevers"
    )
    for line in begin(folder.absolute(), broker_anew=True):
        click.echo(line)
    click.echo(f"Next: fevergate doctor --settings {folder}/gateway.toml")


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo("\r\033[K" + (f"{text} ..." if text else ""), err=True, nl=False)
