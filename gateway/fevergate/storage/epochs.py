"""The epochs of a gateway's store, in which its readings are counted for the campus server.

A reading belongs for ever to the epoch in which it came, and the server adds up the epochs. An
epoch ends at the next start of the gateway, and when a backup is taken. From then on all copies of
the store, such as a backup or a copied card, have the same readings of that epoch. So it does not
matter which copy forwards the epoch's counts, or how often.

Only a correction of the clock changes an epoch that is over, and copies may correct it differently.
Each epoch notes the later epochs in which it was corrected (`corrected_by`), and the server counts
only the copy whose correction reached it first.
"""

import secrets
import sqlite3
from typing import Any

from sqlite_utils import Database

from fevergate.storage import meta
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.store import Store

RESENT_DAYS = 62
"""Days that are forwarded again under a new token, since somebody may have sent false counts with a
stolen old token."""

UNKNOWN = -1
"""Number that stands for the epoch of readings whose epoch cannot be read."""


def epoch_of(database: Database) -> str:
    """Return the name of the present epoch."""
    return meta.get(database, "epoch") or ""


def adopt_epochs(store: Store, damaged: sqlite3.Connection) -> dict[int, int]:
    """Take over the epochs of a damaged store, before its readings; returns their new numbers.

    Their counts are not forwarded until they are `whole`. Counts of readings whose epoch cannot be
    read (`UNKNOWN`) are never forwarded, since the campus server may have them already.
    """
    rows = _rows(damaged, "select id, name, corrected_by from epochs")
    numbers = {}
    with store.transaction():
        connection = store.db.conn
        for number, name, corrected_by in [*rows, (UNKNOWN, secrets.token_hex(8), "")]:
            (numbers[number],) = connection.execute(
                "insert into epochs(name, corrected_by, whole) values (?, ?, 0)"
                " on conflict(name) do update set whole = 0 returning id",
                (name, corrected_by),
            ).fetchone()
        connection.executemany(
            "insert or ignore into outbox(epoch, key, revision, payload, created_at)"
            " values (?, ?, ?, ?, ?)",
            _rows(damaged, "select epoch, key, revision, payload, created_at from outbox"),
        )
        connection.executemany(
            "insert or ignore into stated values (?, ?)", _rows(damaged, "select * from stated")
        )
    return numbers


def forward_adopted(store: Store, numbers: dict[int, int]) -> None:
    """Let the counts of epochs that were taken over be forwarded, once all readings are copied."""
    with store.transaction():
        store.db.conn.executemany(
            "update epochs set whole = 1 where id = ?",
            [(new,) for old, new in numbers.items() if old != UNKNOWN],
        )


def _rows(database: sqlite3.Connection, query: str) -> list[tuple[Any, ...]]:
    """Return the rows that a query finds; none if the table is damaged."""
    try:
        return database.execute(query).fetchall()
    except sqlite3.DatabaseError:
        return []


def note_token(store: Store, token: str, now: float) -> None:
    """Note the digest of the token that deliveries use; after a change, the last `RESENT_DAYS`
    before `now` (Unix time, s) are forwarded again."""
    before = meta.get(store.db, "campus_token")
    if before == token:
        return
    connection = store.db.conn
    with store.transaction():
        meta.put(connection, "campus_token", token)
        if before is None:
            return
        since = now - RESENT_DAYS * DAY_S
        connection.execute("update shares set forwarded = 0 where hour >= ?", (since,))
        connection.execute("update fevers set forwarded = 0 where raised_at >= ?", (since,))
        connection.execute("delete from stated where date >= date(?, 'unixepoch')", (since,))
