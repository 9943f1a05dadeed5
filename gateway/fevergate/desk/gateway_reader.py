"""The desk's queries to the gateway's database, which the desk only reads.

All functions may raise `StoreError`; they find nothing if no gateway has run yet.
"""

from typing import Any, NamedTuple

from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.connection import open_reader, read_rows
from fevergate.storage.retention import last_round


class RaisedFever(NamedTuple):
    """A fever that a kiosk reported, to which a look at the desk can be linked."""

    kiosk: str
    boot: int
    seq: int
    raised_at: float


def newest_fever(settings: GatewaySettings, kiosk: str) -> RaisedFever | None:
    """The newest fever of a kiosk, or None."""
    rows = _rows(
        settings,
        "select kiosk, boot, seq, raised_at from fevers where kiosk = ?"
        " order by raised_at desc limit 1",
        kiosk,
    )
    return RaisedFever(**rows[0]) if rows else None


def strictest_c(settings: GatewaySettings) -> float | None:
    """The lowest threshold (°C) in the kiosks' newest readings, or None. The desk uses it so that
    the second measurement is not more lenient than the first."""
    newest = (
        "select threshold_c from readings where kiosk = ? and threshold_c is not null"
        " order by boot desc, seq desc limit 1"
    )
    rows = [row for kiosk in settings.kiosks for row in _rows(settings, newest, kiosk)]
    return min((row["threshold_c"] for row in rows), default=None)


def believed_time(settings: GatewaySettings) -> float | None:
    """Time of the gateway's last deletion round (Unix time, s), or None."""
    path = settings.path(settings.database)
    if not path.exists():
        return None
    with open_reader(path) as reader:
        return last_round(reader)


def _rows(settings: GatewaySettings, query: str, *values: Any) -> list[dict[str, Any]]:
    return read_rows(settings.path(settings.database), query, *values)
