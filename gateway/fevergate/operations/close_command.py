"""`fevergate close`: a campus that closes is archived without names, and its gateway wiped."""

from pathlib import Path

import click

from fevergate.backup.closing import REMAINS, close
from fevergate.backup.closing_note import NOTE, finish
from fevergate.command_line.options import settings_option
from fevergate.operations.backup_commands import (
    is_campus,
    new_passphrase,
    passphrase_option,
    show_progress,
)
from fevergate.settings.gateway import load_gateway
from fevergate.texts.translations import side_by_side, translator


@click.command("close")
@click.argument("campus")
@click.option(
    "--archive",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File of the archive, on another disk such as a USB stick.",
)
@passphrase_option
@settings_option("gateway.toml")
def close_command(
    campus: str, archive: Path, passphrase_file: Path | None, settings_path: Path
) -> None:
    """Close CAMPUS for good: archive its counts and logs, then wipe this gateway.

    This cannot be undone. As a confirmation, type CAMPUS as the settings have it. The command stops
    the gateway, its pages and the broker. It first destroys all names and the key that encrypts
    them. It writes counts, fevers, coverage, signatures and strikes to an encrypted archive, and
    reads it back. Then it wipes databases, the broker's store, keys, credentials and settings. If
    it is interrupted, run the same command again. At the end it lists what it cannot wipe: the
    kiosks' flash, the campus server's rows, and earlier backups.

    With --settings of a campus server (campus.toml), the rows of CAMPUS are removed there; the
    other campuses stay. Stop the campus server first, and start it again afterwards.

    \b
      sudo fevergate close east --archive /media/usb/east.archive
      sudo fevergate close east --archive ... --settings /etc/fevergate/campus.toml
      fevergate backup --check /media/usb/east.archive          reads the archive, years later
    """
    if is_campus(settings_path):
        _close_campus(campus, archive, passphrase_file, settings_path)
        return
    folder = settings_path.parent
    if not settings_path.exists() and (folder / NOTE).exists():
        finish(folder)  # an interrupted run has wiped everything but this note
        click.echo(side_by_side("{campus}: is wiped", campus=campus))
        return
    settings = load_gateway(settings_path)
    passphrase = new_passphrase(passphrase_file)
    say = translator(settings.language)
    result = close(settings, campus, archive, passphrase, show_progress)
    show_progress("")
    manifest = result.manifest
    click.echo(
        say(
            "{campus}: {readings} readings and {fevers} fevers are in {archive}, read back;"
            " this gateway is wiped",
            campus=campus,
            readings=manifest.readings,
            fevers=manifest.fevers,
            archive=archive,
        )
    )
    for line in REMAINS:
        click.echo(f"→ {say(line, campus=campus)}")
    if result.left:
        click.echo(say("left, none of ours: {files}", files=", ".join(result.left)))


def _close_campus(
    campus: str, archive: Path, passphrase_file: Path | None, settings_path: Path
) -> None:
    from fevergate.campus.closing import REMAINS as LEFT
    from fevergate.campus.closing import close_campus
    from fevergate.campus.settings import load_campus

    settings = load_campus(settings_path)
    passphrase = new_passphrase(passphrase_file)
    manifest = close_campus(settings, campus, archive, passphrase, show_progress)
    show_progress("")
    say = translator(settings.language)
    click.echo(
        say(
            "{campus}: {readings} items and {fevers} fevers are in {archive}, read back;"
            " the campus server's rows of it are wiped",
            campus=campus,
            readings=manifest.readings,
            fevers=manifest.fevers,
            archive=archive,
        )
    )
    for line in LEFT:
        click.echo(f"→ {say(line, campus=campus)}")
