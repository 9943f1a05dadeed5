"""The epoch of a gateway's store: the span of its life in which its counts belong together.

Revisions grow within an epoch and cannot be compared across two. A new card begins a new epoch, and
so does a restored backup. The counts that a backup brings along (`inherited`) are left out of what
the new epoch forwards, because the campus server has them from the old one; those that it may lack
wait in the outbox under the old epoch.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from pathlib import Path

from sqlite_utils import Database

from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.outbox import materialise
from fevergate.storage.schema import struck
from fevergate.storage.store import Store

RESENT_DAYS = 62
"""Days that are forwarded again under a new token: a stolen old one may have sent false counts."""


def epoch_of(database: Database) -> str:
    """Return the store's epoch; empty for a store that is older than epochs."""
    row = database.execute("select value from meta where key = 'epoch'").fetchone()
    return row[0] if row else ""


def begin_after_backup(path: Path, settings: GatewaySettings) -> None:
    """Begin a new epoch in the store at `path`, which was restored from a backup.

    Items that waited when the backup was taken may or may not have been forwarded since; they are
    forwarded again, unchanged, under the old epoch. Raises `StoreError`.
    """
    store = Store(path, settings.zone)
    try:
        while materialise(store, settings, time.time(), believed=False):
            pass
        with store.transaction():
            connection = store.db.conn
            connection.execute("delete from inherited")
            connection.execute(f"insert into inherited {_COUNTING}")
            connection.execute(
                "insert or replace into meta values ('epoch', ?)", (secrets.token_hex(8),)
            )
    finally:
        store.close()


MAX_HOURS_AT_START = 20_000
"""Newest hours whose counts at the start are remembered: 83 days of ten kiosks."""

_COUNTING = f"""
    select kiosk, hour, normal * counts as normal, fever * counts as fever, retry * counts as retry
    from (select *, not {struck("h")} as counts from hours h)"""  # noqa: S608 - constants


def note_start(store: Store) -> None:
    """Keep in memory what the store holds when the gateway starts. If it turns out to be an old
    copy of the card, that is what the campus server has already."""
    forget_start(store)
    connection = store.db.conn
    connection.execute(
        f"create temp table at_start as {_COUNTING} order by hour desc limit {MAX_HOURS_AT_START}"
    )
    connection.execute("create temp table waiting_at_start as select * from outbox")


def forget_start(store: Store) -> None:
    """Drop what `note_start` kept: the campus server has confirmed that this is no old copy."""
    for table in ("at_start", "waiting_at_start"):
        store.db.execute(f"drop table if exists temp.{table}")


def next_serial(store: Store) -> int:
    """Return the next serial number of a delivery; it is on disk before the delivery is sent."""
    with store.transaction():
        store.db.execute(
            "insert into meta values ('serial', '1')"
            " on conflict(key) do update set value = cast(value as integer) + 1"
        )
        row = store.db.execute("select value from meta where key = 'serial'").fetchone()
    return int(row[0])


def begin_after_copy(store: Store) -> None:
    """Begin a new epoch in a store that is an old copy of the card, while the gateway works.

    The campus server has what the store held at the start, unless that waits under the old epoch.
    What came since then is forwarded under the new one.
    """
    connection = store.db.conn
    with store.transaction():
        connection.execute("delete from inherited")
        connection.execute(f"insert into inherited {_COUNTING}")
        if connection.execute(
            "select 1 from sqlite_temp_master where name = 'at_start'"
        ).fetchone():
            connection.execute(
                "delete from inherited where hour >= coalesce("
                "(select min(hour) from at_start), -9e18)"
            )
            connection.execute("insert or replace into inherited select * from at_start")
        connection.execute(
            "update hours set forwarded = 0"
            " where 'hour/' || kiosk || '/' || hour in (select key from outbox)"
        )
        connection.execute(
            "delete from stated where 'gateway_day/' || date in (select key from outbox)"
        )
        began = {"began": secrets.token_hex(8)}
        # What waited at the start belongs to the old epoch, what came later to the new one.
        connection.execute(
            "create temp table if not exists waiting_at_start as select * from outbox where false"
        )
        connection.execute(
            "update outbox set epoch = :began where key like 'fever/%'"
            " and (epoch, key, revision) not in"
            " (select epoch, key, revision from waiting_at_start)",
            began,
        )
        connection.execute("delete from outbox where key not like 'fever/%'")
        connection.execute(
            "insert into outbox select * from waiting_at_start where key not like 'fever/%'"
        )
        connection.execute("insert or replace into meta values ('epoch', :began)", began)


def adopt_epoch(store: Store, damaged: sqlite3.Connection) -> None:
    """Continue the epoch of a damaged store whose counts are copied into this one."""
    try:
        row = damaged.execute("select value from meta where key = 'epoch'").fetchone()
        rows = damaged.execute("select * from inherited").fetchall() if row else []
        sent = damaged.execute("select value from meta where key = 'serial'").fetchone()
    except sqlite3.DatabaseError:
        return
    try:
        # Only what waits under earlier epochs: its own counts are forwarded again.
        waiting = damaged.execute(
            "select epoch, key, revision, payload, created_at from outbox where epoch != ?",
            row or ("",),
        ).fetchall()
    except sqlite3.DatabaseError:
        waiting = []  # unreadable, or older than epochs
    with store.transaction():
        connection = store.db.conn
        connection.execute(
            "insert or replace into meta values ('epoch', ?)", (row[0] if row else "",)
        )
        connection.executemany("insert or replace into inherited values (?, ?, ?, ?, ?)", rows)
        connection.executemany(
            "insert or ignore into outbox(epoch, key, revision, payload, created_at)"
            " values (?, ?, ?, ?, ?)",
            waiting,
        )
        if sent:
            connection.execute("insert or replace into meta values ('serial', ?)", sent)


def note_token(store: Store, token: str, now: float) -> None:
    """Note the digest of the token that deliveries use; after a change, the last `RESENT_DAYS`
    before `now` (Unix time, s) are forwarded again."""
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
