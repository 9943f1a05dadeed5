"""Queries of the desk to the gateway's database, which it only reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct
from sqlite_utils import Database

from fevergate.errors import StoreError
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.connection import open_reader
from fevergate.storage.retention import last_round


class RaisedFever(Struct, frozen=True, kw_only=True):
    """A fever that a kiosk reported, to which a look at the desk can be linked."""

    kiosk: str
    boot: int
    seq: int
    raised_at: float


def newest_fever(settings: GatewaySettings, kiosk: str) -> RaisedFever | None:
    """The newest fever of a kiosk, or None. Raises `StoreError`."""
    with _reader(settings) as reader:
        row = (
            reader
            and reader.execute(
                "select kiosk, boot, seq, raised_at from fevers where kiosk = ?"
                " order by raised_at desc limit 1",
                (kiosk,),
            ).fetchone()
        )
    return RaisedFever(kiosk=row[0], boot=row[1], seq=row[2], raised_at=row[3]) if row else None


def strictest_c(settings: GatewaySettings) -> float | None:
    """The lowest threshold (°C) in the kiosks' newest readings, or None: the second look must not
    be more lenient than the first. Raises `StoreError`."""
    found: list[float] = []
    with _reader(settings) as reader:
        for kiosk in (kiosk for gate in settings.gates for kiosk in gate.kiosks):
            row = (
                reader
                and reader.execute(
                    "select threshold_c from readings where kiosk = ? and threshold_c is not null"
                    " order by boot desc, seq desc limit 1",
                    (kiosk,),
                ).fetchone()
            )
            found += row or ()
    return min(found, default=None)


def believed_time(settings: GatewaySettings) -> float | None:
    """Time of the gateway's last deletion round (Unix time, s), or None. Raises `StoreError`."""
    with _reader(settings) as reader:
        return last_round(reader) if reader else None


@contextmanager
def _reader(settings: GatewaySettings) -> Iterator[Database | None]:
    """Open the gateway's database; None if no gateway has run yet."""
    path = settings.path(settings.database)
    if not path.exists():
        yield None
        return
    reader = open_reader(path)
    try:
        yield reader
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error
    finally:
        reader.close()
