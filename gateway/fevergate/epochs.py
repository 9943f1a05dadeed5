"""The epoch of a gateway's store: which counts are its own, for whoever adds them up elsewhere.

Revisions grow within an epoch and mean nothing across two. A new card begins a new one; so does a
restored backup, whose counts of before are left out of what it forwards: the campus server holds
them, from the epoch before.
"""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from fevergate.schema import struck
from fevergate.store import Store

RESENT_DAYS = 62
"""How far back all is forwarded anew under a new token: what was sent with the old one may be
anybody's."""

DAY_S = 86_400


def epoch_of(database: Database) -> str:
    """The store's epoch; empty of a gateway from before there were any."""
    row = database.execute("select value from meta where key = 'epoch'").fetchone()
    return row[0] if row else ""


def begin_anew(path: Path, zone: ZoneInfo) -> None:
    """Give the store at `path`, which comes out of a backup, an epoch of its own. Raises
    `StoreError`."""
    store = Store(path, zone)
    try:
        with store.transaction():
            connection = store.db.conn
            connection.execute("delete from inherited")
            connection.execute(
                "insert into inherited"  # noqa: S608 - constants
                " select kiosk, hour, normal * counts, fever * counts,"
                f" retry * counts from (select *, not {struck('h')} as counts from hours h)"
            )
            connection.execute(
                "insert or replace into meta values ('epoch', ?)", (secrets.token_hex(8),)
            )
    finally:
        store.close()


def adopt(store: Store, damaged: sqlite3.Connection) -> None:
    """Go on with the epoch of a damaged store, whose counts come over."""
    try:
        row = damaged.execute("select value from meta where key = 'epoch'").fetchone()
        rows = damaged.execute("select * from inherited").fetchall() if row else []
    except sqlite3.DatabaseError:
        return
    with store.transaction():
        store.db.execute(
            "insert or replace into meta values ('epoch', ?)", (row[0] if row else "",)
        )
        store.db.conn.executemany("insert or replace into inherited values (?, ?, ?, ?, ?)", rows)


def sent_under(store: Store, token: str, now: float) -> None:
    """Note by which token's digest summaries go; where it is another one than before, what was sent
    in the last days goes again."""
    row = store.db.execute("select value from meta where key = 'campus_token'").fetchone()
    if row and row[0] == token:
        return
    connection = store.db.conn
    with store.transaction():
        connection.execute("insert or replace into meta values ('campus_token', ?)", (token,))
        if row is None:
            return
        since = now - RESENT_DAYS * DAY_S
        connection.execute("update hours set forwarded = 0 where hour >= ?", (since,))
        connection.execute("update fevers set forwarded = 0 where raised_at >= ?", (since,))
        connection.execute(
            "delete from stated where date >= date(?, 'unixepoch')",
            (since,),
        )
