"""Whether a campus server works with a database now, here or on another machine."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from fevergate.campus.database import APPLICATION, CampusDatabase
from fevergate.errors import ClosingError

RUNS = "the campus server runs: systemctl stop fevergate-campus, then again"
CLOSES = "a campus is being closed just now: fevergate close"


@contextmanager
def here(folder: Path) -> Iterator[None]:
    """Say that a server of this folder runs, for as long as it does: a shared lock of the folder
    (flock(2)), which goes with the process. Raises `ClosingError` while a campus is being
    closed."""
    with _locked(folder, fcntl.LOCK_SH, CLOSES):
        yield


@contextmanager
def alone(database: CampusDatabase, folder: Path) -> Iterator[None]:
    """Let no server of this folder start meanwhile. Raises `ClosingError` where one runs, or
    another connection to its PostgreSQL is a server's."""
    with _locked(folder, fcntl.LOCK_EX, RUNS):
        if not database.sqlite:
            with database.read() as connection:
                others = connection.execute(
                    text(
                        "select count(*) from pg_stat_activity where application_name = :name"
                        " and datname = current_database() and pid != pg_backend_pid()"
                    ),
                    {"name": APPLICATION},
                ).scalar_one()
            if others:
                raise ClosingError(f"{database.name}: {RUNS}")
        yield


@contextmanager
def _locked(folder: Path, how: int, refused: str) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ClosingError(f"{folder}: {refused}") from error
        yield
    finally:
        os.close(descriptor)
