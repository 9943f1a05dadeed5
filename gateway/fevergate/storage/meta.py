"""Single values that the store keeps by name, in its table `meta`."""

import logging
import sqlite3
from typing import TypeVar

import msgspec
from sqlite_utils import Database

log = logging.getLogger(__name__)

T = TypeVar("T")


def get(database: Database | sqlite3.Connection, key: str) -> str | None:
    """Return the value of `key`, or None."""
    row = database.execute("select value from meta where key = ?", (key,)).fetchone()
    return row[0] if row else None


def put(database: Database | sqlite3.Connection, key: str, value: object) -> None:
    """Store `value` as text, in place of an earlier one, within the caller's transaction."""
    database.execute("insert or replace into meta values (?, ?)", (key, str(value)))


def load(database: Database, key: str, kind: type[T]) -> T | None:
    """Decode the value of `key` from JSON; None if there is none, or it cannot be decoded."""
    text = get(database, key)
    try:
        return msgspec.json.decode(text, type=kind) if text else None
    except msgspec.MsgspecError as error:
        log.error("%s as the store has it cannot be read: %s", key, error)
        return None
