"""Prevents a campus server and the closing of a campus from running at the same time, on this and
on other machines."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from fevergate.campus.database import APPLICATION, CampusDatabase
from fevergate.errors import ClosingError

RUNS = "the campus server runs: systemctl stop fevergate-campus, then run it again"
CLOSES = "a campus is being closed just now: fevergate close"


@contextmanager
def shared_lock(folder: Path) -> Iterator[None]:
    """Hold a shared lock on the server's folder (flock(2)) while the server runs; the lock ends
    with the process. Raises `ClosingError` while a campus is being closed."""
    with _locked(folder, fcntl.LOCK_SH, CLOSES):
        yield


@contextmanager
def exclusive_lock(database: CampusDatabase, folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on the folder, so that no server starts there. Raises `ClosingError`
    if a server runs there or another server is connected to the same PostgreSQL database."""
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
def _locked(folder: Path, operation: int, refused: str) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ClosingError(f"{folder}: {refused}") from error
        yield
    finally:
        os.close(descriptor)
