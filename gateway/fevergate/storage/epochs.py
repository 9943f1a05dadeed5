"""The epoch of a gateway's store: which counts are its own, for whoever adds them up elsewhere.

Revisions grow within an epoch and mean nothing across two. A new card begins a new one; so does a
restored backup, whose counts of before are left out of what it forwards: the campus server holds
them, from the epoch before. What of them it may not hold waits in the outbox as that epoch's.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from pathlib import Path

from sqlite_utils import Database

from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.outbox import materialise
from fevergate.storage.schema import struck
from fevergate.storage.store import Store

RESENT_DAYS = 62
"""How far back all is forwarded anew under a new token: what was sent with the old one may be
anybody's."""

DAY_S = 86_400


def epoch_of(database: Database) -> str:
    """The store's epoch; empty of a gateway from before there were any."""
    row = database.execute("select value from meta where key = 'epoch'").fetchone()
    return row[0] if row else ""


def begin_anew(path: Path, settings: GatewaySettings) -> None:
    """Give the store at `path`, which comes out of a backup, an epoch of its own. Raises
    `StoreError`.

    Whether the store that broke ever told what was to be told when the backup was taken, nobody
    here can know: it is told again, word for word, as the epoch before.
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


MOST_AT_START = 20_000
"""Hours whose counts at the start are remembered, the newest: ten kiosks' 83 days."""

_COUNTING = f"""
    select kiosk, hour, normal * counts as normal, fever * counts as fever, retry * counts as retry
    from (select *, not {struck("h")} as counts from hours h)"""  # noqa: S608 - constants


def note_start(store: Store) -> None:
    """Remember in memory what the store has at the start of a gateway, before anything comes: where
    it was put back by a copy, that is what the campus server has already."""
    heard(store)
    connection = store.db.conn
    connection.execute(
        f"create temp table at_start as {_COUNTING} order by hour desc limit {MOST_AT_START}"
    )
    connection.execute("create temp table waiting_at_start as select * from outbox")


def heard(store: Store) -> None:
    """The campus server goes on from what the store has: it was not put back."""
    for table in ("at_start", "waiting_at_start"):
        store.db.execute(f"drop table if exists temp.{table}")


def next_serial(store: Store) -> int:
    """Count what is sent; on disk before it is."""
    with store.transaction():
        store.db.execute(
            "insert into meta values ('serial', '1')"
            " on conflict(key) do update set value = cast(value as integer) + 1"
        )
        row = store.db.execute("select value from meta where key = 'serial'").fetchone()
    return int(row[0])


def begin_again(store: Store) -> None:
    """Give a store that was put back by a copy an epoch of its own, while the gateway works. What
    it had at its start the campus server has, or it waits as the epoch before's; what came since
    is told anew."""
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
        # What waited at the start is the old epoch's word; what came after it never was.
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


def adopt(store: Store, damaged: sqlite3.Connection) -> None:
    """Go on with the epoch of a damaged store, whose counts come over."""
    try:
        row = damaged.execute("select value from meta where key = 'epoch'").fetchone()
        rows = damaged.execute("select * from inherited").fetchall() if row else []
        sent = damaged.execute("select value from meta where key = 'serial'").fetchone()
    except sqlite3.DatabaseError:
        return
    try:
        # What waits as an earlier epoch's; of its own all is told anew.
        waiting = damaged.execute(
            "select epoch, key, revision, payload, created_at from outbox where epoch != ?",
            row or ("",),
        ).fetchall()
    except sqlite3.DatabaseError:
        waiting = []  # unreadable, or of a gateway from before
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
