"""Reads the gateway's SD card, counts what is not forwarded from it, and replaces it."""

import shutil
import sqlite3
from pathlib import Path

from fevergate.backup.gateway import check_copy, restore
from fevergate.errors import StoreError
from fevergate.storage import meta
from fevergate.storage.connection import open_reader
from harness.site import Site
from harness.store_contents import StoreContents, read_contents

_UNSENT = """
    select (select count(*) from shares where revision > forwarded)
        + (select count(*) from fevers where revision > forwarded)
        + (select count(*) from outbox where key not glob 'gateway_day/*')"""
"""Number of rows that the campus server has not confirmed. Statements that a day is over are left
out: `_UNSTATED` counts those days."""

_UNSTATED = """
    select count(distinct date) from days d where date < :today
    and date >= (select value from meta where key = 'states_from') and (
        date not in (select date from stated)
        or exists (select 1 from outbox where key = 'gateway_day/' || d.date))"""
"""Number of days that are over and not stated. Days before this card's first one are not counted:
an earlier card states them."""

_REFUSED = "select key, refused from outbox where refused != '' limit 3"


def read_card(path: Path, stranger: str) -> StoreContents:
    """Contents of a card, without those of the kiosk `stranger`. Raises `BackupError` where the
    card is damaged, `StoreError`."""
    check_copy(path)
    return read_contents(path, stranger)


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
    """Whether the gateway has written to a new card which day it states first."""
    try:
        with open_reader(path) as database:
            return meta.get(database, "states_from") is not None
    except (StoreError, sqlite3.Error):  # it is being made
        return False


def refused(path: Path) -> list[tuple[str, str]]:
    """Some messages that the campus server has refused, and why."""
    with open_reader(path) as database:
        return database.execute(_REFUSED).fetchall()


def empty(site: Site) -> None:
    """Replace the card by one without a database; the gateway must be off."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{site.database}{suffix}").unlink(missing_ok=True)


def restore_from(site: Site, path: Path) -> None:
    """Replace the card by one with the backup at `path`, as `fevergate restore` writes it; the
    gateway must be off."""
    beside = path.with_name(f"{path.name}.restored")
    restore(path, beside)
    empty(site)
    shutil.move(beside / site.settings.database, site.database)
    shutil.rmtree(beside)
