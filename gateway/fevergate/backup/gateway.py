"""Backup of a whole gateway while it runs, and restore on the same or another machine.

A backup holds settings, certificates, credentials, the kiosks' files, and compact copies of the
databases of gateway, web application, desk and the list of people. It holds secrets: its mode is
0600, and a passphrase encrypts it. A restore writes only into its own folder.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

from fevergate.backup.archive import (
    Manifest,
    Progress,
    files_of,
    manifest_of,
    packing,
    unpacking,
    write_backup,
)
from fevergate.errors import BackupError, StoreError
from fevergate.mosquitto.broker_files import set_owners
from fevergate.people import store as people
from fevergate.provision.files import read_toml, write_toml
from fevergate.provision.services import write_drop_ins
from fevergate.settings.gateway import Desk, GatewaySettings, Web, load_gateway
from fevergate.storage.connection import (
    connect,
    immediate_transaction,
    open_reader,
    reading,
    reason,
)
from fevergate.storage.schema import begin_epoch

log = logging.getLogger(__name__)

DATABASE = "database.sqlite"
PAGES = "pages.sqlite"
DESK = "desk.sqlite"
PEOPLE = "people.sqlite"
"""Names of the databases in a backup, whatever the settings call them."""

DEFAULTS = {
    DATABASE: ((), "fevergate.db"),
    PAGES: (("web",), Web().database),
    DESK: (("desk",), Desk().database),
    PEOPLE: ((), people.DATABASE),
}
"""For each database: the table of gateway.toml whose key `database` names its file, and the default
name."""

SETTINGS = "gateway.toml"

LOCK_MS = 60_000
"""How long a backup waits for the database's lock. During a backlog on a slow card the gateway
commits batch after batch, and the lock is free only for moments."""


def backup(
    settings: GatewaySettings,
    path: Path,
    progress: Progress = lambda _: None,
    passphrase: str | None = None,
) -> Manifest:
    """Write a verified backup to `path`, which must not exist; the gateway may run meanwhile.

    Raises `BackupError` or `StoreError`, and then leaves no file at `path`.
    """
    with packing(path, settings.folder, passphrase) as folder:
        open_reader(settings.path(settings.database)).close()  # raises where there is none
        files = dict(files_of(settings.folder)) | copies(settings, folder, progress)
        manifest = gateway_manifest(settings, files)
        write_backup(path, manifest, files, passphrase, progress)
    return manifest


def databases(settings: GatewaySettings) -> dict[str, str]:
    """Return the databases as the settings call them, by their names in a backup."""
    return {
        DATABASE: settings.database,
        PAGES: settings.web.database,
        DESK: (settings.desk or Desk()).database,
        PEOPLE: people.DATABASE,
    }


def copies(settings: GatewaySettings, into: Path, progress: Progress) -> dict[str, Path]:
    """Copy the databases that exist; returns the copies by their names in a backup."""
    files: dict[str, Path] = {}
    for member, name in databases(settings).items():
        if settings.path(name).exists():
            progress(f"copying {name}")
            copy = at_end_of_epoch if member == DATABASE else copy_of
            files[member] = copy(settings.path(name), into / member)
    return files


def gateway_manifest(
    settings: GatewaySettings,
    files: dict[str, Path],
    kind: Literal["gateway", "archive"] = "gateway",
) -> Manifest:
    """The manifest of a gateway's backup or archive; `files` by their names in it."""
    readings, fevers = check_copy(files[DATABASE]) if DATABASE in files else (0, 0)
    names = databases(settings)
    return manifest_of(
        settings.folder,
        files,
        kind=kind,
        campus=settings.campus,
        gateway=settings.gateway,
        database=settings.database,
        pages=names[PAGES] if PAGES in files else "",
        desk=names[DESK] if DESK in files else "",
        readings=readings,
        fevers=fevers,
    )


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
    with unpacking(path, folder, passphrase, progress) as (beside, manifest):
        needed = [SETTINGS, DATABASE]
        needed += [PAGES] * bool(manifest.pages) + [DESK] * bool(manifest.desk)
        needed += [PEOPLE] * (PEOPLE in manifest.members)
        if manifest.kind != "gateway" or not set(needed) <= set(manifest.members):
            raise BackupError(f"{path}: lacks a gateway's settings or database")
        progress("checking the database")
        check_copy(beside / DATABASE)
        settings = load_gateway(beside / SETTINGS)
        _move_paths(beside / "mosquitto.conf", manifest.folder, folder)
        for member, name in databases(settings).items():
            if member in needed:
                _put(path, beside, member, name)
    write_drop_ins(folder / "systemd", folder)
    set_owners(folder)
    return manifest


def _put(path: Path, beside: Path, member: str, name: str) -> None:
    """Move a database to its path in the settings, or its default name if that is outside.

    Raises `BackupError` where another file has that name.
    """
    place = (beside / name).resolve()
    if not place.is_relative_to(beside.resolve()) or place == beside.resolve():
        table, default = DEFAULTS[member]
        place = beside.resolve() / default
        document = read_toml(beside / SETTINGS)
        part: Any = document
        for key in table:
            part = part.setdefault(key, {})
        part["database"] = default
        write_toml(beside / SETTINGS, document)
    if place.exists():
        raise BackupError(f"{path}: {SETTINGS}: {name!r} names both a database and another file")
    place.parent.mkdir(parents=True, exist_ok=True)
    (beside / member).rename(place)


def copy_of(source: Path, copy: Path) -> Path:
    """Write a consistent, compact copy of a database; returns its path.

    It takes one read transaction, which in WAL mode does not block writers (sqlite.org/wal.html).
    """
    with reading(source) as database:
        database.execute("vacuum into ?", (str(copy),))
    return copy


def at_end_of_epoch(source: Path, copy: Path) -> Path:
    """Write a compact copy of the gateway's database with all readings of the present epoch. This
    ends the epoch: readings that come from now on belong to the next one."""
    full_copy = copy.with_name("whole.sqlite")
    with reading(source) as reader:
        _begin_snapshot(reader.conn, source)
        with closing(sqlite3.connect(full_copy)) as target:
            reader.conn.backup(target)
    copy_of(full_copy, copy)
    full_copy.unlink()
    return copy


def _begin_snapshot(reader: sqlite3.Connection, source: Path) -> None:
    """Begin a read transaction, and a new epoch right after what it reads.

    On a card that cannot be written no epoch begins. The copy is still right, but if both this card
    and the copy go on, a later correction of the clock may be counted twice.
    """
    try:
        with closing(connect(source, read_only=False)) as writer:
            writer.execute(f"pragma busy_timeout = {LOCK_MS}")
            with immediate_transaction(writer):
                reader.execute("begin")
                reader.execute("select 1 from meta").fetchone()
                begin_epoch(writer)
    except (StoreError, sqlite3.OperationalError) as error:
        if reason(error, source) == "locked":
            raise
        log.warning("%s: no epoch begins after this backup: %s", source, error)


def check_copy(path: Path) -> tuple[int, int]:
    """Check a copy of the gateway's database; returns its numbers of readings and fevers.

    Raises `BackupError`.
    """
    try:
        with closing(connect(path, read_only=True)) as database:
            (result,) = database.execute("pragma integrity_check").fetchone()
            if result != "ok":
                raise BackupError(f"{path.name}: {result}")
            counts = "select (select count(*) from readings), (select count(*) from fevers)"
            return database.execute(counts).fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"{path.name}: {error}") from error


def _move_paths(path: Path, old: str, folder: Path) -> None:
    """Replace the old folder in the absolute paths of the broker's configuration."""
    if path.exists():
        path.write_text(path.read_text().replace(f"{old}/", f"{folder}/"))
