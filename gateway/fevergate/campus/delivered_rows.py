"""Decides which rows of a delivery are stored: each at its highest revision, but no counts from a
sender that lacks a correction."""

from typing import Any

import msgspec
from sqlalchemy import Connection, select

from fevergate.campus.database import put
from fevergate.campus.held_marks import held_after
from fevergate.campus.schema import corrections, items
from fevergate.protocol.campus_messages import (
    DaySummary,
    Delivery,
    FeverEvent,
    GatewayDay,
    HourSummary,
    MarkedDay,
)

COUNTS = (HourSummary, DaySummary, GatewayDay)
"""Items that each epoch counts separately; their keys therefore include the epoch."""

MARKED = "marked_day"
"""Kind of the items that say which people of the list were measured."""

ROLL = "roll_day"
"""Kind of the items in which a gateway with its own list states how many people were measured."""

_COUNTED = {item.__struct_config__.tag for item in COUNTS}


def knows_corrections(
    connection: Connection, sender: dict[str, str], delivery: Delivery, token: str
) -> bool:
    """Whether a sender knows the latest received correction of its epoch. If it does, the latest
    correction that it knows is stored.

    A correction received with another token is ignored, since it may have been false."""
    key = {**sender, "epoch": delivery.epoch}
    row = connection.execute(
        select(corrections).where(*(corrections.c[name] == value for name, value in key.items()))
    ).first()
    newest = delivery.corrected_by[-1] if delivery.corrected_by else ""
    if row and row.token == token and row.newest not in ("", *delivery.corrected_by):
        return False
    values = {"newest": newest, "token": token}
    if (row or newest) and row != (*key.values(), newest, token):
        put(connection, corrections, key, values)
    return True


def without_counts(
    connection: Connection, sender: dict[str, str], rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the rows without counts; fevers that are stored already keep their dates."""
    held_rows = {
        row.key: row
        for row in connection.execute(
            select(items.c.key, items.c.date, items.c.at).where(
                items.c.campus == sender["campus"],
                items.c.gateway == sender["gateway"],
                items.c.key.in_([row["key"] for row in rows if row["kind"] == "fever"]),
            )
        )
    }
    others = [row for row in rows if row["kind"] not in _COUNTED]
    for row in others:
        if before := held_rows.get(row["key"]):
            event = msgspec.json.decode(row["payload"], type=FeverEvent)
            event = msgspec.structs.replace(event, at=before.at)
            row |= {"date": before.date, "at": before.at}
            row["payload"] = msgspec.json.encode(event).decode()
    return others


def newer(
    connection: Connection, sender: dict[str, str], rows: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows that are new or replace a stored row (see `_replaces`), and the stored rows
    that they replace."""
    names = ("key", "kind", "date", "revision", "epoch", "token")
    stored = connection.execute(
        select(*(items.c[name] for name in names)).where(
            items.c.campus == sender["campus"],
            items.c.gateway == sender["gateway"],
            items.c.key.in_([row["key"] for row in rows]),
        )
    ).mappings()
    held_rows = {row["key"]: dict(row) for row in stored}
    new = [
        row for row in rows if row["key"] not in held_rows or _replaces(row, held_rows[row["key"]])
    ]
    return new, [held_rows[row["key"]] for row in new if row["key"] in held_rows]


def _replaces(row: dict[str, Any], held_row: dict[str, Any]) -> bool:
    """Whether a row replaces the stored row `held_row`.

    It does if its revision is higher, if it came with another token, since the old token may have
    been stolen, or if it is a fever of another epoch: a fever's key does not include the epoch."""
    if row["token"] and held_row["token"] and row["token"] != held_row["token"]:
        return True
    if row["epoch"] != held_row["epoch"] and row["kind"] == "fever":
        return True
    return row["revision"] > held_row["revision"]


def add_held(connection: Connection, sender: dict[str, str], new: list[dict[str, Any]]) -> None:
    """Add to new rows of marks the marks that are stored for the same days from the same token."""
    for row in new:
        if row["kind"] == MARKED:
            before = connection.execute(
                select(items.c.payload).where(
                    items.c.campus == sender["campus"],
                    items.c.gateway == sender["gateway"],
                    items.c.key == row["key"],
                    items.c.token == row["token"],
                )
            ).scalar()
            day = msgspec.json.decode(row["payload"], type=MarkedDay)
            row["payload"] = msgspec.json.encode(held_after(before, day)).decode()
