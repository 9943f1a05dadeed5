"""Reads the gateway's card and what of it is not forwarded; backs it up and replaces it."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from faults.judge import Card
from fevergate.backup.gateway import backup, restore
from fevergate.errors import StoreError
from fevergate.protocol.messages import Identity
from fevergate.storage.connection import open_reader
from harness.errors import HarnessError
from harness.site import Site

_COUNT = "select coalesce(sum(normal + fever + retry), 0) from {} where kiosk != ?"

_UNSENT = """
    select (select count(*) from shares where revision > forwarded)
        + (select count(*) from fevers where revision > forwarded)
        + (select count(*) from outbox where key not glob 'gateway_day/*')"""
"""Rows that the campus server has not confirmed, without statements that a day is over: those are
due then, from the card of that time."""

_UNSTATED = """
    select count(distinct date) from days d where date < :today
    and date >= (select value from meta where key = 'states_from') and (
        date not in (select date from stated)
        or exists (select 1 from outbox where key = 'gateway_day/' || d.date))"""
"""Days that are over and not stated; those before a card's first day are left to earlier cards."""

_REFUSED = "select key, refused from outbox where refused != '' limit 3"


def read_card(path: Path, stranger: str) -> Card:
    """Contents of a card, without those of `stranger`. Raises `HarnessError`, `StoreError`."""
    with open_reader(path) as database:
        (check,) = database.execute("pragma integrity_check").fetchone()
        if check != "ok":
            raise HarnessError(f"{path}: {check}")
        readings, fevers = (
            {
                Identity(*row)
                for row in database.execute(
                    f"select kiosk, boot, seq from {table} where kiosk != ?",  # noqa: S608
                    (stranger,),
                )
            }
            for table in ("readings", "fevers")
        )
        hours, days = (
            database.execute(_COUNT.format(table), (stranger,)).fetchone()[0]
            for table in ("hours", "days")
        )
    return Card(readings, fevers, hours, days)


def unsent(path: Path) -> int:
    """Number of a card's rows that the campus server has not confirmed."""
    with open_reader(path) as database:
        return database.execute(_UNSENT).fetchone()[0]


def unstated(path: Path, today: str) -> int:
    """Number of days before `today` (YYYY-MM-DD) that the campus server does not know to be over;
    only this card can state them."""
    with open_reader(path) as database:
        return database.execute(_UNSTATED, {"today": today}).fetchone()[0]


def begun(path: Path) -> bool:
    """Whether the gateway has noted on a new card the first day that it states."""
    try:
        database = open_reader(path)
    except StoreError:
        return False
    try:
        return (
            database.execute("select 1 from meta where key = 'states_from'").fetchone() is not None
        )
    except sqlite3.Error:  # the database is being made
        return False
    finally:
        database.close()


def refused(path: Path) -> list[tuple[str, str]]:
    """Some messages that the campus server has refused, and why."""
    with open_reader(path) as database:
        return database.execute(_REFUSED).fetchall()


def empty(site: Site) -> None:
    """Replace the card by one without a database; the gateway must be off."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{site.database}{suffix}").unlink(missing_ok=True)


def back_up(site: Site, path: Path) -> None:
    """Back up the database while the gateway runs (`fevergate backup`)."""
    backup(site.settings, path)


def restore_from(site: Site, path: Path) -> None:
    """Replace the card by one with the database of a backup (`fevergate restore`)."""
    beside = path.with_name(f"{path.name}.restored")
    restore(path, beside)
    empty(site)
    shutil.move(beside / site.settings.database, site.database)
    shutil.rmtree(beside)
