"""Opening the gateway's database, and transactions that do not fail half-way."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

from sqlite_utils import Database

from fevergate.errors import StoreError


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """A connection in autocommit mode.

    Raises `StoreError` for what is no database, or cannot be opened.
    """
    mode = "ro" if read_only else "rwc"
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode={mode}",
            uri=True,
            timeout=30,
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
