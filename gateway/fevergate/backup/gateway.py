"""All of a gateway in one file, taken while it works, and all of it back on another machine.

Settings, certificates, credentials, kiosks, compact copies of the gateway's, the pages' and the
desk's databases. It holds secrets, so that only its owner may read it; where it lies elsewhere, a
passphrase encrypts it. Nothing of it is ever put outside the folder that it is restored to.
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
"""The databases' names in a backup, wherever the settings have them."""

SETTINGS = "gateway.toml"


def backup(
    settings: GatewaySettings,
    path: Path,
    progress: Progress = lambda _: None,
    passphrase: str | None = None,
) -> Manifest:
    """Write a verified backup to `path`, which must not exist yet; the gateway may run.

    Raises `BackupError`, `StoreError`; then there is no file at `path`.
    """
    check_new(path)
    # Copies that nobody encrypted lie with their like, not on a stick.
    where = settings.folder if passphrase else path.parent
    try:
        with tempfile.TemporaryDirectory(prefix=".fevergate-", dir=where) as folder:
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
    """What a backup or an archive of a gateway says of itself: of `files`, by their names in it."""
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
    """Read a backup to its end, every digest compared. Raises `BackupError`."""
    return read_backup(path, None, passphrase)


def restore(
    path: Path,
    folder: Path,
    progress: Progress = lambda _: None,
    passphrase: str | None = None,
) -> Manifest:
    """Put a backup's gateway into `folder`, which must be new or empty.

    Everything is checked before `folder` is there. A database that the settings had elsewhere comes
    into it, and the settings say so. As root the files go to the users that `provision` gives them
    to. Raises `BackupError`, `ProvisionError`, `SettingsError`.
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
    write_drop_ins(folder)
    hand_over(folder)
    return manifest


def check_new(path: Path) -> None:
    """Raise `BackupError` where no backup can be written."""
    if path.exists():
        raise BackupError(f"{path}: is there already; a backup never overwrites another one")
    if not path.parent.is_dir():
        raise BackupError(f"{path.parent}: no such folder")


def check_empty(folder: Path) -> None:
    """Raise `BackupError` where nothing can be restored."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(f"{folder}: is there already; restore into a new or empty folder")
    if not folder.parent.is_dir():
        raise BackupError(f"{folder.parent}: no such folder")


DEFAULTS = {
    DATABASE: "fevergate.db",
    PAGES: Web().database,
    DESK: Desk().database,
}


def _put(path: Path, beside: Path, member: str, name: str, table: tuple[str, ...]) -> None:
    """Give a database the name that the settings have for it; its own where that leads elsewhere.

    Raises `BackupError` where another file has that name.
    """
    place = (beside / name).resolve()
    if not place.is_relative_to(beside.resolve()) or place == beside.resolve():
        place = beside.resolve() / DEFAULTS[member]
        document = read_toml(beside / SETTINGS)
        part: Any = document
        for key in table:
            part = part.setdefault(key, {})
        part["database"] = DEFAULTS[member]
        write_toml(beside / SETTINGS, document)
    if place.exists():
        raise BackupError(f"{path}: {SETTINGS}: {name!r} is a database's name and another file's")
    place.parent.mkdir(parents=True, exist_ok=True)
    (beside / member).rename(place)


def copy_of(source: Path, copy: Path) -> Path:
    """A consistent, compact copy.

    One read transaction: in WAL mode nobody who writes waits for it (sqlite.org/wal.html).
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
    """Check a copy of the gateway's; how many readings and fevers are in it."""
    database = connect(path, read_only=True)
    try:
        (said,) = database.execute("pragma integrity_check").fetchone()
        if said != "ok":
            raise BackupError(f"{path.name}: {said}")
        (readings,) = database.execute("select count(*) from readings").fetchone()
        (fevers,) = database.execute("select count(*) from fevers").fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"{path.name}: {error}") from error
    finally:
        database.close()
    return readings, fevers


def _move_paths(path: Path, old: str, folder: Path) -> None:
    """The broker's configuration names its files in full."""
    if path.exists():
        path.write_text(path.read_text().replace(f"{old}/", f"{folder}/"))
