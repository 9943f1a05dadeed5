"""Backup of a campus server in one file, and its restore, for SQLite and PostgreSQL.

All rows are copied in one transaction into a SQLite file, which goes into the backup. A restored
server uses SQLite or PostgreSQL as its settings say. Sessions, sign-in failures, unused codes and
drafts of people lists are not backed up.
"""

import time
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select, text

from fevergate.backup.archive import (
    Manifest,
    Progress,
    manifest_of,
    packing,
    unpacking,
    write_backup,
)
from fevergate.campus.database import CampusDatabase, database_url
from fevergate.campus.schema import attempts, codes, drafts, items, metadata, sessions
from fevergate.campus.settings import CampusSettings, load_campus
from fevergate.campus.statements import CampusStatements
from fevergate.crypto.field_encryption import KEY
from fevergate.errors import BackupError
from fevergate.mosquitto.broker_files import set_owners
from fevergate.people.changes import begin_again
from fevergate.provision.files import read_toml, write_toml
from fevergate.registers.declarations import FILE as REGISTERS

SETTINGS = "campus.toml"
DATABASE = "campus.sqlite"
FILE = "campus.db"
TABLES = [
    table for table in metadata.sorted_tables if table not in (attempts, codes, drafts, sessions)
]
ROWS = 1000
"""Rows copied at a time."""


def backup_campus(
    settings: CampusSettings,
    path: Path,
    progress: Progress = lambda _: None,
    passphrase: str | None = None,
) -> Manifest:
    """Write a verified backup to `path`, which must not exist yet; the server may be running.

    Raises `BackupError` or `CampusError`, and then leaves no file at `path`.
    """
    with packing(path, settings.folder, passphrase) as folder:
        files, elsewhere = _files(settings)
        files[DATABASE] = folder / DATABASE
        progress("copying the database")
        count, fevers = _export(settings, files[DATABASE])
        manifest = campus_manifest(
            settings,
            files,
            kind="campus server",
            elsewhere=elsewhere,
            readings=count,
            fevers=fevers,
        )
        write_backup(path, manifest, files, passphrase, progress)
    return manifest


def campus_manifest(
    settings: CampusSettings, files: dict[str, Path], campus: str = "", **values: Any
) -> Manifest:
    """Build the manifest of a campus server's backup, or of the archive of one `campus`."""
    database = "" if "://" in settings.database else settings.database
    return manifest_of(
        settings.folder, files, campus=campus, gateway="", database=database, **values
    )


def restore_campus(
    path: Path,
    folder: Path,
    progress: Progress = lambda _: None,
    passphrase: str | None = None,
    database: str | None = None,
) -> Manifest:
    """Restore a backup into `folder`, which must be new or empty, and its rows into `database`.

    `database` is a file in the folder or the URL of a PostgreSQL database without rows; by default,
    the database that the settings name.

    Everything is checked before `folder` appears. Raises `BackupError`, `CampusError`,
    `ProvisionError`, `SettingsError`.
    """
    folder = folder.absolute()
    with unpacking(path, folder, passphrase, progress) as (beside, manifest):
        if manifest.kind != "campus server" or not {SETTINGS, DATABASE} <= set(manifest.members):
            raise BackupError(f"{path}: lacks a campus server's settings or database")
        target = database or load_campus(beside / SETTINGS).database
        if "://" not in target:
            place = (beside / target).resolve()
            if not place.is_relative_to(beside.resolve()) or place.exists():
                target = FILE  # never a file outside the folder
        if target != load_campus(beside / SETTINGS).database:
            document = read_toml(beside / SETTINGS)
            document["database"] = target
            write_toml(beside / SETTINGS, document)
        progress("filling the database")
        _fill(beside, target)
    set_owners(folder)
    return manifest


def _files(settings: CampusSettings) -> tuple[dict[str, Path], list[str]]:
    """Return the server's files inside its folder by name, and the names of those files that its
    settings place outside the folder."""
    names = [SETTINGS, settings.certificate, settings.key, "ca.crt", "ca.key", KEY, REGISTERS]
    if settings.smtp:
        names += [settings.smtp.password_file, settings.smtp.ca or ""]
    names += [f"gateways/{file.name}" for file in (settings.folder / "gateways").glob("*.json")]
    files: dict[str, Path] = {}
    elsewhere: list[str] = []
    for name in filter(None, names):
        if len(Path(name).parts) > 2 or not settings.path(name).resolve().is_relative_to(
            settings.folder.resolve()
        ):
            elsewhere.append(name)
        elif settings.path(name).is_file():
            files[name] = settings.path(name)
    return files, elsewhere


def _export(settings: CampusSettings, copy: Path) -> tuple[int, int]:
    """Copy all rows to SQLite; returns the numbers of items and fevers. Raises `CampusError`."""
    count = select(func.count()).select_from(items)
    with (
        CampusDatabase(settings.url) as source,
        CampusDatabase(database_url(copy.name, copy.parent)) as target,
        source.read() as reading,
        target.write() as writing,
    ):
        _copy(reading, writing)
        return (
            reading.execute(count).scalar_one(),
            reading.execute(count.where(items.c.kind == "fever")).scalar_one(),
        )


def _fill(beside: Path, url: str) -> None:
    """Copy the unpacked rows into the empty database."""
    with (
        CampusDatabase(database_url(DATABASE, beside)) as source,  # opening it migrates it
        CampusDatabase(database_url(url, beside)) as target,
        source.read() as reading,
        target.write() as writing,
    ):
        for table in TABLES:
            if writing.execute(select(table).limit(1)).first():
                raise BackupError(f"{target.name}: contains rows; expected an empty database")
        _copy(reading, writing)
        if not target.sqlite:
            _number_on(writing)
    with CampusDatabase(database_url(url, beside)) as target:
        begin_again(CampusStatements(target, time.time))
    for end in ("", "-wal", "-shm"):
        (beside / f"{DATABASE}{end}").unlink(missing_ok=True)


def _copy(reading: Connection, writing: Connection) -> None:
    for table in TABLES:
        copy_rows(reading, writing, table)


def copy_rows(
    reading: Connection,
    writing: Connection,
    table: Table,
    where: ColumnElement[bool] | None = None,
) -> None:
    """Copy a table's rows, all or those that match `where`, into another database."""
    statement = select(table) if where is None else select(table).where(where)
    result = reading.execution_options(yield_per=ROWS).execute(statement)
    for part in result.mappings().partitions():
        writing.execute(table.insert(), [dict(row) for row in part])


def _number_on(connection: Connection) -> None:
    """Set PostgreSQL's sequences to the number after the highest id."""
    for table in TABLES:
        if "id" in table.c:
            name = connection.dialect.identifier_preparer.format_table(table)
            connection.execute(
                text(
                    f"select setval(pg_get_serial_sequence('{table.name}', 'id'),"  # noqa: S608
                    f" coalesce((select max(id) from {name}), 0) + 1, false)"
                )
            )
