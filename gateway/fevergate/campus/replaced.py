"""Lists rows that were received with tokens no longer in use.

A gateway with a new token sends its recent summaries again, which replace the rows of the same keys
(`storage.epochs.note_token`). Rows that keep the old token come from an earlier SD card, are older
than the summaries that are sent again, or were sent with a stolen token. Only a person can tell
which of these is the case.
"""

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, case, func, or_, select

from fevergate.campus.database import CampusDatabase
from fevergate.campus.schema import TOKEN_DIGITS, items
from fevergate.campus.settings import CampusSettings


class ReplacedRows(Struct, frozen=True, kw_only=True):
    """Rows of a gateway's epoch that were received with a replaced token: their number, the fevers
    among them, the first and last day, and the first and last time of receipt (Unix time, s)."""

    campus: str
    gateway: str
    token: str
    epoch: str
    rows: int
    fevers: int
    first_day: str | None
    last_day: str | None
    first_at: float
    last_at: float


def replaced_rows(database: CampusDatabase, settings: CampusSettings) -> list[ReplacedRows]:
    """Rows received with tokens no longer in use, summed by campus, gateway, token and epoch.
    Raises `CampusError`."""
    with database.read() as connection:
        pairs = connection.execute(
            select(items.c.gateway, items.c.token).where(items.c.token != "").distinct()
        ).all()
        replaced = [of_token(*pair) for pair in pairs if not in_use(settings, *pair)]
        if not replaced:
            return []
        columns = (items.c.campus, items.c.gateway, items.c.token, items.c.epoch)
        day = case((items.c.date != "", items.c.date))
        rows = connection.execute(
            select(
                *columns,
                func.count().label("rows"),
                func.sum(case((items.c.kind == "fever", 1), else_=0)).label("fevers"),
                func.min(day).label("first_day"),
                func.max(day).label("last_day"),
                func.min(items.c.received_at).label("first_at"),
                func.max(items.c.received_at).label("last_at"),
            )
            .where(or_(*replaced))
            .group_by(*columns)
            .order_by(*columns)
        ).all()
        return [ReplacedRows(**row._mapping) for row in rows]


def of_token(gateway: str, token: str) -> ColumnElement[bool]:
    """Condition for rows that were received with a gateway's token."""
    return and_(items.c.gateway == gateway, items.c.token == token)


def in_use(settings: CampusSettings, gateway: str, token: str) -> bool:
    """Whether `token` holds the first digits of the digest of the gateway's present token."""
    return settings.tokens.get(gateway, "")[:TOKEN_DIGITS] == token
