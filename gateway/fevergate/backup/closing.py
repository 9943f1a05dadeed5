"""Closes a campus: archives its gateway without people's names, then wipes the gateway.

Personal data is destroyed first. Every step can be repeated, so that the next run finishes an
interrupted one; the note of the closing's progress is wiped last.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from fevergate.backup.archive import (
    FOLDERS,
    PATTERNS,
    Manifest,
    Progress,
    member_of,
    packing,
    read_backup,
    write_backup,
)
from fevergate.backup.closing_note import NOTE, begun, finish, keep, read_again
from fevergate.backup.gateway import (
    DATABASE,
    DESK,
    PAGES,
    PEOPLE,
    SETTINGS,
    copies,
    databases,
    gateway_manifest,
)
from fevergate.backup.wiping import wipe
from fevergate.crypto.field_encryption import KEY
from fevergate.errors import ClosingError
from fevergate.gateway import run_state
from fevergate.provision.services import broker_pid, stop
from fevergate.registers.declarations import FILE as REGISTERS
from fevergate.settings import last_good
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.connection import connect
from fevergate.storage.strikes import REVOKED
from fevergate.texts.translations import N_

CAMPUS = "campus.toml"
OWN_FOLDERS = ("broker", "systemd", "updates", "requests", *FOLDERS)
"""The gateway's folders, which lie in the settings folder."""

WIPED = (*PATTERNS, "*.sha256", "*.pdf", "*.der", "*.new", ".*.password")
"""Files of the settings folder that are wiped."""

NAMES = {
    DATABASE: (
        "update fevers set acknowledged_by = '' where acknowledged_by != ''",
        "update lamp_tests set by = '' where by != ''",
        "update calibrations set by = '' where by != ''",
        "delete from rejected",
        "delete from presences",
    ),
    PAGES: (
        "delete from sessions",
        "delete from codes",
        "delete from attempts",
        "delete from tokens",
        "delete from duty",
        "delete from users",
        "update follow_ups set sealed = '', \"by\" = ''",
        "update follow_up_revisions set sealed = '', \"by\" = ''",
        "update entries set sealed = '', \"by\" = '', forgotten = 1",
        "update entry_revisions set sealed = '', \"by\" = '', forgotten = 1",
        "delete from notices",
        "update told_cases set taken_by = ''",
        "update audit set \"user\" = '', what = ''",
    ),
    DESK: (
        "update looks set \"by\" = '', why = ''",
        "update checks set \"by\" = ''",
        "update calibrations set \"by\" = ''",
    ),
    PEOPLE: (
        "delete from cards",
        "delete from drafts",
        "delete from passes",
        "update people set sealed = '', number_tag = null, name_tag = '', content = ''",
        "update marks set \"by\" = '', sealed = ''",
        "update policies set \"by\" = ''",
        "update overrides set \"by\" = ''",
    ),
}
"""SQL that deletes people's names from each database. The names of people who signed a day or
struck rows stay: they are part of the signed content and of the strike's record."""

MARK_TABLES = {DATABASE: "readings", PAGES: "follow_ups", DESK: "looks", PEOPLE: "people"}
"""A table that each database must have. If the settings name a file without it, that file is not
wiped."""


class ClosingResult(Struct, frozen=True, kw_only=True):
    """Result of a closing."""

    manifest: Manifest
    left: list[str]
    """Files left in the folder that are not the gateway's."""


def close(
    settings: GatewaySettings,
    campus: str,
    archive: Path,
    passphrase: str,
    progress: Progress = lambda _: None,
) -> ClosingResult:
    """Stop the services, delete names, archive the rest, read the archive back, wipe everything.

    Until the archive has been read back, only names and their key are deleted. Raises
    `ClosingError`, `BackupError`, `StoreError`, `ProvisionError`; after any of them the closing
    must be run again.
    """
    if campus != settings.campus:
        raise ClosingError(f"{campus!r}: these settings are of the campus {settings.campus!r}")
    folder = settings.folder.absolute()
    archive = archive.absolute()
    if archive.is_relative_to(folder):
        raise ClosingError(f"{archive}: lies in the folder that is wiped")
    if (folder / CAMPUS).exists():
        raise ClosingError(
            f"{folder / CAMPUS}: a campus server uses this folder, too; move it first (fevergate"
            " backup, fevergate restore)"
        )
    note = begun(folder / NOTE, settings.campus, archive)
    stop(folder)
    if run_state.read_run_state(folder) is not None or broker_pid(folder) is not None:
        raise ClosingError(
            "the gateway or its broker still runs: systemctl stop fevergate-gateway fevergate-web"
            " mosquitto, then run the same command again"
        )
    paths = {member: settings.path(name) for member, name in databases(settings).items()}
    progress("blanking names")
    # The key first: without it, nobody can decrypt the names in any copy of the database.
    wipe(folder / KEY)
    wipe(folder / last_good.FOLDER / KEY)
    for member, path in paths.items():
        # Once archived, a database may have been partly wiped by an earlier run.
        if path.exists() and not (note.sha256 and path.is_relative_to(folder)):
            _blank(path, member)
    if note.sha256:
        manifest = read_again(archive, note, passphrase, progress)
    else:
        manifest = _archive(settings, archive, passphrase, progress)
        note.sha256 = member_of(archive).sha256
        keep(folder / NOTE, note)
    progress("wiping")
    try:
        for path in _ours(folder, list(paths.values())):
            wipe(path)
        for name in (*OWN_FOLDERS, last_good.FOLDER):
            if (folder / name).is_dir():
                shutil.rmtree(folder / name)
        wipe(folder / SETTINGS)
        return ClosingResult(manifest=manifest, left=finish(folder))
    except OSError as error:
        raise ClosingError(
            f"{error}; the archive is made, but not everything is wiped: run it again"
        ) from error


def _blank(path: Path, member: str) -> None:
    """Delete the names from a database, its free pages and its write-ahead log."""
    database = connect(path, read_only=False)
    try:
        tables = {name for (name,) in database.execute("select name from sqlite_master")}
        if MARK_TABLES[member] not in tables:
            raise ClosingError(f"{path}: is not a database of FeverGate")
        database.execute("begin immediate")
        for statement in NAMES[member]:
            if set(statement.split()) & tables:
                database.execute(statement)
        database.execute("commit")
        database.execute("vacuum")
        database.execute("pragma wal_checkpoint(truncate)")
    except sqlite3.Error as error:
        raise ClosingError(f"{path}: {error}") from error
    finally:
        database.close()


def _archive(
    settings: GatewaySettings, archive: Path, passphrase: str, progress: Progress
) -> Manifest:
    """Archive settings and databases, from which names are deleted, but no keys or credentials."""
    archive.unlink(missing_ok=True)  # left by a run that ended before it noted the SHA-256
    with packing(archive, settings.folder, passphrase) as beside:
        names = (SETTINGS, REVOKED, REGISTERS)
        files = {name: settings.folder / name for name in names if settings.path(name).exists()}
        files |= copies(settings, beside, progress)
        manifest = gateway_manifest(settings, files, kind="archive")
        write_backup(archive, manifest, files, passphrase, progress)
        _read_back(archive, beside / "back", passphrase)
    return manifest


def _read_back(archive: Path, into: Path, passphrase: str) -> None:
    """Unpack the archive and look for names. Raises `ClosingError` if it holds one."""
    read_backup(archive, into, passphrase)
    if (into / PAGES).exists():
        with closing(connect(into / PAGES, read_only=True)) as pages:
            rows = pages.execute("select name from sqlite_master where sql like '%sealed%'")
            for (table,) in rows.fetchall():
                query = f"select count(*) from {table} where sealed != ''"  # noqa: S608 - its tables
                if pages.execute(query).fetchone()[0]:
                    raise ClosingError(f"{archive}: {table} still names somebody")


def _ours(folder: Path, databases: list[Path]) -> Iterator[Path]:
    """Yield all files of the gateway except its settings and the note; keys and passwords first."""
    for pattern in ("*.key", "*.password", "*.token", *WIPED):
        for path in sorted(folder.glob(pattern)):
            if path.name not in (SETTINGS, NOTE):
                yield path
    for name in (last_good.FOLDER, *OWN_FOLDERS):
        if (folder / name).is_symlink():
            yield folder / name
            continue
        yield from sorted(path for path in (folder / name).rglob("*") if not path.is_dir())
    for database in databases:
        yield from sorted(database.parent.glob(f"{database.name}*"))


REMAINS = (
    N_(
        "each kiosk's flash still holds the Wi-Fi's password and its credential: change the"
        " Wi-Fi's password, and erase each board: esptool --port /dev/ttyUSB0 erase-flash"
    ),
    N_(
        "the campus server still has what was forwarded: run there fevergate close {campus}"
        " --settings /etc/fevergate/campus.toml (--archive another file)"
    ),
    N_("backups made before still hold names and keys: destroy them, too"),
    N_("the card may keep what was overwritten: destroy it, or erase all of it (blkdiscard)"),
    N_(
        "the archive opens with its passphrase alone; of signatures their SHA-256 is kept,"
        " the key that they were made with is destroyed"
    ),
)
"""What is left to do by hand after a closing."""
