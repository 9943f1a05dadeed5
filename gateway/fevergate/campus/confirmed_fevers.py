"""Finds the confirmed fevers of the last hours in what the gateways have sent."""

from collections import Counter

import msgspec
from sqlalchemy import Connection, select

from fevergate.campus.database import CampusDatabase
from fevergate.campus.schema import items
from fevergate.campus.strikes import CAME, TokenStrikes
from fevergate.protocol.campus_messages import FeverEvent, FollowUpEvent
from fevergate.reports.confirmation import is_to_be_told
from fevergate.web_common.told_cases import MAX_OF_KIOSK, ConfirmedFever

ROWS = 500
"""Rows that are fetched from the database at a time."""


def confirmed_fevers(database: CampusDatabase, since: float) -> list[ConfirmedFever]:
    """Follow-ups received after `since` (Unix time, s) that those on duty must know of and that no
    strike selects, the oldest first; of each kiosk the first `MAX_OF_KIOSK`. Raises
    `CampusError`."""
    statement = (
        select(items.c.campus, items.c.gateway, items.c.payload, *CAME)
        .where(items.c.kind == "follow_up", items.c.received_at > since)
        .order_by(items.c.at, items.c.key)
        .execution_options(yield_per=ROWS)
    )
    confirmed: list[tuple[str, str, FollowUpEvent, float]] = []
    of_kiosk = Counter[tuple[str, str, str]]()
    with database.read() as connection:
        strikes = TokenStrikes(connection)
        for campus, gateway, payload, *came in connection.execute(statement):
            event = msgspec.json.decode(payload, type=FollowUpEvent)
            whose = (campus, gateway, event.kiosk)
            if (
                of_kiosk[whose] < MAX_OF_KIOSK
                and is_to_be_told(event.clinical_c, event.clinical_site, event.outcome)
                and not strikes.strike(gateway, *came)
            ):
                of_kiosk[whose] += 1
                confirmed.append((campus, gateway, event, came[-1]))
        return [_confirmed(connection, *row) for row in confirmed]


def _confirmed(
    connection: Connection, campus: str, gateway: str, event: FollowUpEvent, received_at: float
) -> ConfirmedFever:
    key = event.key.replace("follow_up/", "fever/", 1)
    payload = connection.execute(
        select(items.c.payload).where(
            items.c.campus == campus, items.c.gateway == gateway, items.c.key == key
        )
    ).scalar()
    # The fever itself may still be on its way.
    gate = msgspec.json.decode(payload, type=FeverEvent).gate if payload else ""
    return ConfirmedFever(
        key=f"confirmed/{campus}/{gateway}/{event.kiosk}/{event.boot}/{event.seq}",
        campus=campus,
        gate=gate,
        kiosk=event.kiosk,
        at=min(event.at, received_at),
        clinical_c=event.clinical_c,
        clinical_site=event.clinical_site,
        outcome=event.outcome,
    )
