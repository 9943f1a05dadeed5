"""Closes a campus: wipes its personal data, archives its remaining rows, then wipes those rows. The
other campuses of the server stay as they are.

As on a gateway (`backup.closing`), each step may be repeated, so that the next run finishes an
interrupted one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, delete, func, select, true, update

from fevergate.backup.archive import (
    Manifest,
    Progress,
    member_of,
    packing,
    read_backup,
    write_backup,
)
from fevergate.backup.closing_note import ClosingNote, begun, keep, read_again
from fevergate.backup.wiping import wipe
from fevergate.campus.backup import DATABASE, campus_manifest, copy_rows
from fevergate.campus.database import CampusDatabase, database_url
from fevergate.campus.delivered_rows import MARKED
from fevergate.campus.run_lock import exclusive_lock
from fevergate.campus.schema import (
    cards,
    corrections,
    drafts,
    entries,
    entry_revisions,
    gateways,
    given_names,
    items,
    marks,
    marks_elsewhere,
    notices,
    overrides,
    people,
    refusals,
    reports,
    strikes,
)
from fevergate.campus.settings import CampusSettings
from fevergate.errors import ClosingError
from fevergate.mosquitto.broker_files import set_owners
from fevergate.protocol.campus_messages import FeverEvent
from fevergate.provision.files import read_toml, write_toml
from fevergate.texts.translations import N_

NOTE = "closing-campus.json"
SETTINGS = "campus.toml"
OWN_TABLES = (items, gateways, given_names, corrections, strikes, entries, entry_revisions)
"""Tables in which each row belongs to one campus; a report covers all campuses."""


def _rows_of(campus: str, names: list[str]) -> Callable[[Table], ColumnElement[bool]]:
    """Return a function that selects a campus's rows of a table: by the campus's name, or by its
    gateways if the table has no campus. In a register's entries the column `gate` holds the name.
    """

    def rows(table: Table) -> ColumnElement[bool]:
        campus_column = table.c.get("campus", table.c.get("gate"))
        return table.c.gateway.in_(names) if campus_column is None else campus_column == campus

    return rows


def close_campus(
    settings: CampusSettings,
    campus: str,
    archive: Path,
    passphrase: str,
    progress: Progress = lambda _: None,
) -> Manifest:
    """Blank names, archive the remaining rows, verify the archive, then wipe the rows, tokens and
    settings of `campus`; returns the archive's manifest.

    Raises `ClosingError`, `BackupError`, `CampusError`, `ProvisionError`; after any of them the
    closing must be run again. Only personal data is deleted before the archive is verified.
    """
    folder, archive = settings.folder.absolute(), archive.absolute()
    with CampusDatabase(settings.url) as database:
        names = _gateways(database, settings, campus)
        if not names and not (folder / NOTE).exists():
            campuses = ", ".join(sorted(settings.campuses)) or "none"
            raise ClosingError(f"{campus!r}: expected a campus of this server: {campuses}")
        with exclusive_lock(database, folder):
            note = begun(folder / NOTE, campus, archive)
            rows = _rows_of(campus, names)
            progress("blanking names")
            with database.write() as connection:
                _blank(connection, rows)
            database.compact()
            if note.sha256:
                manifest = read_again(archive, note, passphrase, progress)
            else:
                manifest = _archive(database, settings, note, rows, passphrase, progress)
                note.sha256 = member_of(archive).sha256
                keep(folder / NOTE, note)
            progress("wiping")
            with database.write() as connection:
                _overwrite(connection)
                for table in OWN_TABLES:
                    connection.execute(delete(table).where(rows(table)))
            database.compact()
            try:
                for name in names:
                    wipe(folder / "gateways" / f"{name}.json")
                _forget(folder / SETTINGS, campus, names)
                set_owners(folder)
                wipe(folder / NOTE)
            except OSError as error:
                raise ClosingError(
                    f"{error}; the archive is made, but not everything is wiped: run it again"
                ) from error
            return manifest


def _gateways(database: CampusDatabase, settings: CampusSettings, campus: str) -> list[str]:
    """Gateways of the campus in the settings; if these name no campus, all its gateways that were
    ever heard."""
    if settings.campuses:
        return list(settings.campuses[campus].gateways) if campus in settings.campuses else []
    with database.read() as connection:
        statement = select(gateways.c.gateway).where(gateways.c.campus == campus)
        return sorted(connection.execute(statement).scalars())


def _blank(connection: Connection, rows: Callable[[Table], ColumnElement[bool]]) -> None:
    """Blank or delete personal data, presences too. The names of people who struck rows or signed a
    report are kept."""
    _overwrite(connection)
    connection.execute(update(items).where(rows(items), items.c.sealed != "").values(sealed=""))
    connection.execute(delete(items).where(rows(items), items.c.kind == MARKED))
    for table in (notices, refusals):
        connection.execute(delete(table).where(rows(table)))
    for table in (entries, entry_revisions):
        connection.execute(update(table).where(rows(table)).values(sealed="", by="", forgotten=1))
    listed = select(people.c.person).where(rows(people))
    connection.execute(delete(drafts))
    for table in (marks, marks_elsewhere, cards, overrides, people):
        connection.execute(delete(table).where(table.c.person.in_(listed)))
    fevers = select(items.c.gateway, items.c.key, items.c.payload).where(
        rows(items),
        items.c.kind == "fever",
        items.c.payload.contains('"acknowledged_by":"', autoescape=True),
        ~items.c.payload.contains('"acknowledged_by":""', autoescape=True),
    )
    for gateway, key, payload in connection.execute(fevers).all():
        event = msgspec.json.decode(payload, type=FeverEvent)
        blank = msgspec.json.encode(msgspec.structs.replace(event, acknowledged_by="")).decode()
        conditions = (items.c.gateway == gateway, items.c.key == key, rows(items))
        connection.execute(update(items).where(*conditions).values(payload=blank))


def _overwrite(connection: Connection) -> None:
    """Make SQLite overwrite deleted data with zeros (its manual, "pragma secure_delete")."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("pragma secure_delete = on")


def _archive(
    database: CampusDatabase,
    settings: CampusSettings,
    note: ClosingNote,
    rows: Callable[[Table], ColumnElement[bool]],
    passphrase: str,
    progress: Progress,
) -> Manifest:
    """Archive the campus's rows and all reports with their signatures, but no key or credential."""
    archive = Path(note.archive)
    archive.unlink(missing_ok=True)  # left by a run that ended before it noted the SHA-256
    conditions = {table: rows(table) for table in OWN_TABLES} | {reports: true()}
    with packing(archive, settings.folder, passphrase) as beside:
        files = {DATABASE: beside / DATABASE}
        progress("copying the rows")
        with CampusDatabase(database_url(DATABASE, beside)) as target:
            with database.read() as reading, target.write() as writing:
                for table, where in conditions.items():
                    copy_rows(reading, writing, table, where)
            count, fevers = _counts(target)
        manifest = campus_manifest(
            settings, files, kind="archive", campus=note.campus, readings=count, fevers=fevers
        )
        write_backup(archive, manifest, files, passphrase, progress)
        _read_back(archive, beside / "back", passphrase, (count, fevers))
    return manifest


def _counts(database: CampusDatabase) -> tuple[int, int]:
    """Return the number of items and how many of them are fevers. Raises `ClosingError` if there is
    personal data."""
    count = select(func.count()).select_from(items)
    with database.read() as connection:
        if connection.execute(count.where(items.c.sealed != "")).scalar_one():
            raise ClosingError("the archive still names somebody")
        return (
            connection.execute(count).scalar_one(),
            connection.execute(count.where(items.c.kind == "fever")).scalar_one(),
        )


def _read_back(archive: Path, into: Path, passphrase: str, counts: tuple[int, int]) -> None:
    read_backup(archive, into, passphrase)
    with CampusDatabase(database_url(DATABASE, into)) as copy:
        if _counts(copy) != counts:
            raise ClosingError(f"{archive}: does not have as many rows and fevers as the database")


def _forget(path: Path, campus: str, names: list[str]) -> None:
    """Remove from campus.toml the campus, its tokens and the contacts of this campus alone."""
    document = read_toml(path)
    campuses: Any = document.get("campuses", {})
    campuses.pop(campus, None)
    tokens: Any = document.get("tokens", {})
    for name in names:
        tokens.pop(name, None)
    contacts: Any = document.get("contacts", [])
    for number in reversed(range(len(contacts))):
        contact_campuses = contacts[number].get("campuses", [])
        if campus not in contact_campuses:
            continue
        if len(contact_campuses) == 1:
            del contacts[number]  # without a campus it would get all notices
        else:
            contact_campuses.remove(campus)
    write_toml(path, document)


REMAINS = (
    N_(
        "where the campus server runs on other machines, too, take the campus out of their"
        " campus.toml; then start it again: systemctl start fevergate-campus"
    ),
    N_(
        "the reports of the days stay, signed as they are, and the audit, both without names"
        " of those who had a fever; a report that is made again no longer includes this campus"
    ),
    N_("its gateway keeps what it has: run there fevergate close {campus}"),
    N_(
        "backups made before, and PostgreSQL's write-ahead log and standbys, still hold"
        " names: destroy them, too"
    ),
)
"""What `close_campus` does not wipe, and what is left to do."""
