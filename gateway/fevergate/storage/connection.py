"""Connections to an SQLite database: opening it, setting a damaged one aside, transactions."""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlite_utils import Database, Migrations

from fevergate.errors import StoreError

log = logging.getLogger(__name__)

BUSY_S = 5.0
"""How long a connection waits for another one's lock."""


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open a database in autocommit mode.

    Raises `StoreError` where it cannot be opened or is no database.
    """
    mode = "ro" if read_only else "rwc"
    try:
        return _connect(path, f"mode={mode}")
    except sqlite3.Error as error:
        if read_only and _is_immutable(path):
            with suppress(sqlite3.Error):
                return _connect(path, "mode=ro&immutable=1")
        raise StoreError(f"{path}: cannot be opened as a database: {error}") from error


def _connect(path: Path, query: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?{query}",
        uri=True,
        timeout=BUSY_S,
        check_same_thread=False,
        isolation_level=None,
    )
    try:
        connection.execute("pragma foreign_keys = on")
        connection.execute("pragma schema_version")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _is_immutable(path: Path) -> bool:
    """Whether a database lies on a read-only file system with nothing in its log (WAL). SQLite
    cannot read a log there unless its index exists (sqlite.org/wal.html, section 5)."""
    wal = Path(f"{path}-wal")
    try:
        log_empty = not wal.exists() or wal.stat().st_size == 0
        return log_empty and bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def open_reader(path: Path) -> Database:
    """Open the gateway's database read-only, which is safe beside the running gateway.

    Raises `StoreError` where it cannot be opened or is no database.
    """
    return Database(connect(path, read_only=True))


@contextmanager
def reading(path: Path) -> Iterator[Database]:
    """Open a database as `open_reader` does; an error of SQLite is a `StoreError`, too."""
    with open_reader(path) as reader:
        try:
            yield reader
        except sqlite3.Error as error:
            raise StoreError(f"{path}: {error}") from error


def migrate(database: Database, migrations: Migrations) -> None:
    """Apply the migrations that a database lacks. Raises `StoreError` for a database made before
    the first release: its migrations no longer exist, and it is left as it is."""
    names = [migration.name for migration in migrations.applied(database)]
    if names and "first" not in names:
        raise StoreError("made by a version before the first release; expected a newer database")
    migrations.apply(database)


def read_rows(path: Path, query: str, *values: Any) -> list[dict[str, Any]]:
    """Rows that a query finds in a database; none where the file does not exist yet.

    Raises `StoreError`.
    """
    if not path.exists():
        return []
    with reading(path) as reader:
        return list(reader.query(query, values))


_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_damage(error: BaseException) -> bool:
    """Whether an error means that the database file is damaged, so that a retry cannot help."""
    cause = error.__cause__ if isinstance(error, StoreError) else error
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


_REASONS = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    **dict.fromkeys(_DAMAGE, "damaged"),
}


def reason(error: BaseException, path: Path) -> str:
    """Return why nothing can be stored at `path`, as one of the texts that the pages translate."""
    cause = error.__cause__ if isinstance(error, StoreError) else error
    code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_CANTOPEN) & 0xFF
    # SQLite gives no reason when it cannot create, open or extend a file.
    return _REASONS.get(code) or refuses(path.parent) or "cannot be opened or written"


def refuses(folder: Path) -> str | None:
    """Return why a file system cannot be written, as one of the texts of `reason`; None if it can
    be written."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return "absent"
    if disk.f_flag & os.ST_RDONLY:
        return "read-only"
    return None if disk.f_bavail else "full"


def set_aside(path: Path) -> Path:
    """Rename a damaged database and its log to an unused name; returns the new path.

    The caller closes an open connection to it after this, and before it creates a new database.
    Raises `StoreError` if the database cannot be renamed.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    number = 0
    while True:
        aside = path.with_name(f"{path.name}.damaged-{stamp}" + (f"-{number}" if number else ""))
        if not aside.exists():
            break
        number += 1
    try:
        for suffix in ("-wal", "-shm", ""):  # the main file last, so that a retry can finish
            old = Path(f"{path}{suffix}")
            if old.exists():
                old.rename(f"{aside}{suffix}")
    except OSError as error:
        raise StoreError(f"{path}: damaged, and cannot be set aside: {error}") from error
    return aside


def open_sound(path: Path, migrations: Migrations) -> Database:
    """Check the whole of a small database and open it; only its owner may read the file. A damaged
    database is set aside, and its readable rows are copied into a new one.

    Raises `StoreError`.
    """
    try:
        return _open_whole(path, migrations)
    except StoreError as error:
        if not is_damage(error):
            raise
        log.critical("%s is damaged: %s", path, error)
    aside = set_aside(path)
    database = _open_whole(path, migrations)
    count = _copy_rows(aside, database)
    log.critical("%s is kept; %d rows of it are in the new one", aside, count)
    return database


def _open_whole(path: Path, migrations: Migrations) -> Database:
    database = Database(connect(path, read_only=False))
    try:
        path.chmod(0o600)  # it holds names of persons
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = full")
        migrate(database, migrations)
        (answer,) = database.execute("pragma quick_check(1)").fetchone()
        if answer != "ok":
            damage = sqlite3.DatabaseError(answer)
            damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damage
    except (StoreError, sqlite3.Error, OSError) as error:
        database.close()
        raise StoreError(f"{path}: {error}") from error
    return database


def _copy_rows(aside: Path, database: Database) -> int:
    """Copy the readable rows of a damaged database; returns how many.

    Each table is read from both ends, so that a bad page costs only the rows on it. Rows that exist
    already are kept.
    """
    try:
        old = connect(aside, read_only=True)
    except StoreError:
        return 0
    names = "select name from sqlite_master where type = 'table' and name not glob '*sqlite_*'"
    count = 0
    database.execute("pragma foreign_keys = off")
    try:
        with immediate_transaction(database.conn):
            for (table,) in database.execute(names).fetchall():
                for order in ("asc", "desc"):
                    count += _copy_table(old, database, table, order)
    finally:
        database.execute("pragma foreign_keys = on")
        old.close()
    return count


def _copy_table(old: sqlite3.Connection, database: Database, table: str, order: str) -> int:
    before = database.conn.total_changes
    with suppress(sqlite3.Error):  # up to a bad page
        cursor = old.execute(f'select * from "{table}" order by 1 {order}')  # noqa: S608 - its own
        columns = ", ".join(f'"{name}"' for name, *_ in cursor.description)
        places = ", ".join("?" * len(cursor.description))
        for row in cursor:
            database.execute(
                f'insert or ignore into "{table}"({columns}) values ({places})',  # noqa: S608
                row,
            )
    return database.conn.total_changes - before


def set_aside_before(path: Path) -> list[Path]:
    """Return the damaged databases that were set aside from `path`, the oldest first."""
    return sorted(
        aside
        for aside in path.parent.glob(f"{path.name}.damaged-*")
        if not aside.name.endswith(("-wal", "-shm"))
    )


@contextmanager
def immediate_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run a transaction that takes the write lock at its beginning (BEGIN IMMEDIATE), so that
    another connection's lock cannot make it fail half-way. It is rolled back at any error."""
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise
