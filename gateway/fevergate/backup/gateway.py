"""Backup of a whole gateway while it runs, and restore on the same or another machine.

A backup holds settings, certificates, credentials, the kiosks' files, and compact copies of the
databases of gateway, web application and desk. It holds secrets: its mode is 0600, and a passphrase
encrypts it. A restore writes only into its own folder.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

from fevergate import __version__
from fevergate.backup.archive import (
    Manifest,
    Progress,
    files_of,
    member_of,
    read_backup,
    write_backup,
)
from fevergate.errors import BackupError, StoreError
from fevergate.mosquitto.broker_files import hand_over
from fevergate.provision.files import read_toml, write_toml
from fevergate.provision.services import write_drop_ins
from fevergate.settings.gateway import Desk, GatewaySettings, Web, load_gateway
from fevergate.storage import epochs
from fevergate.storage.connection import connect

DATABASE = "database.sqlite"
PAGES = "pages.sqlite"
DESK = "desk.sqlite"
"""Names of the databases in a backup, whatever the settings call them."""

SETTINGS = "gateway.toml"


def backup(
    settings: GatewaySettings,
    path: Path,
    progress: Progress = lambda _: None,
    passphrase: str | None = None,
) -> Manifest:
    """Write a verified backup to `path`, which must not exist; the gateway may run meanwhile.

    Raises `BackupError` or `StoreError`, and then leaves no file at `path`.
    """
    check_new(path)
    # With a passphrase no unencrypted copy may lie on the target, such as a USB stick.
    temporary = settings.folder if passphrase else path.parent
    try:
        with tempfile.TemporaryDirectory(prefix=".fevergate-", dir=temporary) as folder:
            files = dict(files_of(settings.folder))
            progress("copying the database")
            files[DATABASE] = copy_of(settings.path(settings.database), Path(folder) / DATABASE)
            readings, fevers = sound(files[DATABASE])
            pages = settings.path(settings.web.database)
            if pages.exists():
                progress("copying the pages' database")
                files[PAGES] = copy_of(pages, Path(folder) / PAGES)
            desk = settings.path((settings.desk or Desk()).database)
            if desk.exists():
                progress("copying the desk's database")
                files[DESK] = copy_of(desk, Path(folder) / DESK)
            manifest = manifest_of(settings, files, readings, fevers)
            write_backup(path, manifest, files, passphrase, progress)
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror or error}") from error
    return manifest


def manifest_of(
    settings: GatewaySettings,
    files: dict[str, Path],
    readings: int,
    fevers: int,
    kind: Literal["gateway", "archive"] = "gateway",
) -> Manifest:
    """The manifest of a gateway's backup or archive; `files` by their names in it."""
    return Manifest(
        v=1,
        fevergate=__version__,
        made_at=time.time(),
        kind=kind,
        campus=settings.campus,
        gateway=settings.gateway,
        folder=str(settings.folder.absolute()),
        database=settings.database,
        pages=settings.web.database if PAGES in files else "",
        desk=(settings.desk or Desk()).database if DESK in files else "",
        readings=readings,
        fevers=fevers,
        members={name: member_of(file) for name, file in files.items()},
    )


def check(path: Path, passphrase: str | None = None) -> Manifest:
    """Read a whole backup and compare every digest. Raises `BackupError`."""
    return read_backup(path, None, passphrase)


def restore(
    path: Path,
    folder: Path,
    progress: Progress = lambda _: None,
    passphrase: str | None = None,
) -> Manifest:
    """Restore a gateway into `folder`, which must be new or empty.

    Everything is checked before `folder` is created. A database that lay elsewhere is put into it,
    and the settings are changed accordingly. As root, files get the owners that `provision` gives
    them. Raises `BackupError`, `ProvisionError`, `SettingsError`.
    """
    folder = folder.absolute()
    check_empty(folder)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        progress("unpacking and comparing")
        manifest = read_backup(path, beside, passphrase)
        needed = [SETTINGS, DATABASE]
        needed += [PAGES] * bool(manifest.pages) + [DESK] * bool(manifest.desk)
        if manifest.kind != "gateway" or not set(needed) <= set(manifest.members):
            raise BackupError(f"{path}: without a gateway's settings or database")
        progress("checking the database")
        sound(beside / DATABASE)
        epochs.begin_after_backup(beside / DATABASE, load_gateway(beside / SETTINGS))
        _move_paths(beside / "mosquitto.conf", manifest.folder, folder)
        settings = load_gateway(beside / SETTINGS)
        _put(path, beside, DATABASE, settings.database, ())
        if manifest.pages:
            _put(path, beside, PAGES, settings.web.database, ("web",))
        if manifest.desk:
            _put(path, beside, DESK, (settings.desk or Desk()).database, ("desk",))
        if folder.exists():
            folder.rmdir()
        beside.rename(folder)
    except OSError as error:
        raise BackupError(f"{folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    write_drop_ins(folder / "systemd", folder)
    hand_over(folder)
    return manifest


def check_new(path: Path) -> None:
    """Raise `BackupError` unless a backup can be written to `path`."""
    if path.exists():
        raise BackupError(f"{path}: is there already; a backup never overwrites another one")
    if not path.parent.is_dir():
        raise BackupError(f"{path.parent}: no such folder")


def check_empty(folder: Path) -> None:
    """Raise `BackupError` unless `folder` is new or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(f"{folder}: is there already; restore into a new or empty folder")
    if not folder.parent.is_dir():
        raise BackupError(f"{folder.parent}: no such folder")


DEFAULT_NAMES = {
    DATABASE: "fevergate.db",
    PAGES: Web().database,
    DESK: Desk().database,
}


def _put(path: Path, beside: Path, member: str, name: str, table: tuple[str, ...]) -> None:
    """Move a database to its path in the settings, or its default name if that is outside.

    Raises `BackupError` where another file has that name.
    """
    place = (beside / name).resolve()
    if not place.is_relative_to(beside.resolve()) or place == beside.resolve():
        place = beside.resolve() / DEFAULT_NAMES[member]
        document = read_toml(beside / SETTINGS)
        part: Any = document
        for key in table:
            part = part.setdefault(key, {})
        part["database"] = DEFAULT_NAMES[member]
        write_toml(beside / SETTINGS, document)
    if place.exists():
        raise BackupError(f"{path}: {SETTINGS}: {name!r} is a database's name and another file's")
    place.parent.mkdir(parents=True, exist_ok=True)
    (beside / member).rename(place)


def copy_of(source: Path, copy: Path) -> Path:
    """Write a consistent, compact copy of a database; returns its path.

    It takes one read transaction, which in WAL mode does not block writers (sqlite.org/wal.html).
    """
    database = connect(source, read_only=True)
    try:
        database.execute("vacuum into ?", (str(copy),))
    except sqlite3.Error as error:
        raise StoreError(f"{source}: {error}") from error
    finally:
        database.close()
    return copy


def sound(path: Path) -> tuple[int, int]:
    """Check a copy of the gateway's database; returns its numbers of readings and fevers.

    Raises `BackupError`.
    """
    database = connect(path, read_only=True)
    try:
        (result,) = database.execute("pragma integrity_check").fetchone()
        if result != "ok":
            raise BackupError(f"{path.name}: {result}")
        (readings,) = database.execute("select count(*) from readings").fetchone()
        (fevers,) = database.execute("select count(*) from fevers").fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"{path.name}: {error}") from error
    finally:
        database.close()
    return readings, fevers


def _move_paths(path: Path, old: str, folder: Path) -> None:
    """Replace the old folder in the absolute paths of the broker's configuration."""
    if path.exists():
        path.write_text(path.read_text().replace(f"{old}/", f"{folder}/"))
