"""Opening the gateway's database, setting a damaged one aside, and transactions that do not fail
half-way."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

from sqlite_utils import Database

from fevergate.errors import StoreError

BUSY_S = 5.0
"""How long a connection waits for another one's lock before it says so."""


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """A connection in autocommit mode.

    Raises `StoreError` for what is no database, or cannot be opened.
    """
    mode = "ro" if read_only else "rwc"
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode={mode}",
            uri=True,
            timeout=BUSY_S,
            check_same_thread=False,
            isolation_level=None,
        )
        connection.execute("pragma foreign_keys = on")
        connection.execute("pragma schema_version")
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be opened as a database: {error}") from error
    return connection


def open_reader(path: Path) -> Database:
    """A read-only view of the gateway's database, safe beside the running gateway.

    Raises `StoreError` where there is no such database.
    """
    return Database(connect(path, read_only=True))


_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_damage(error: BaseException) -> bool:
    """Whether a database's file is not what it should be, so that no waiting helps."""
    cause = error.__cause__ if isinstance(error, StoreError) else error
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def set_aside(path: Path) -> Path:
    """Rename a damaged database, with what belongs to it, to a name that nothing ever overwrites;
    returns that. Whoever has it open closes it afterwards, and before a new one is made.

    Raises `StoreError` where the disk does not even take that.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    number = 0
    while True:
        aside = path.with_name(f"{path.name}.damaged-{stamp}" + (f"-{number}" if number else ""))
        if not aside.exists():
            break
        number += 1
    try:
        for suffix in ("-wal", "-shm", ""):  # the main file last: until then it is found again
            old = Path(f"{path}{suffix}")
            if old.exists():
                old.rename(f"{aside}{suffix}")
    except OSError as error:
        raise StoreError(f"{path}: damaged, and cannot be set aside: {error}") from error
    return aside


def set_aside_before(path: Path) -> list[Path]:
    """The damaged databases that lie beside, the oldest first."""
    return sorted(
        found
        for found in path.parent.glob(f"{path.name}.damaged-*")
        if not found.name.endswith(("-wal", "-shm"))
    )


class Immediate:
    """BEGIN IMMEDIATE ... COMMIT: the write lock is taken first, so it cannot fail half-way."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("begin immediate")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            try:
                self._connection.execute("commit")
            except sqlite3.Error:
                self._rollback()
                raise
        else:
            self._rollback()

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("rollback")
