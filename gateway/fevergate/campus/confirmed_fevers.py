"""Finds the confirmed fevers of the last hours: those that the gateways sent, and those entered by
hand at the campus server."""

from collections import Counter
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, select

from fevergate.campus.database import CampusDatabase
from fevergate.campus.marks import campus_of, fevers_by_hand
from fevergate.campus.schema import items
from fevergate.campus.settings import CampusSettings
from fevergate.campus.statements import BoundStatements
from fevergate.campus.strikes import CAME, TokenStrikes
from fevergate.people.marks import fevers_since
from fevergate.protocol.campus_messages import FeverEvent, FollowUpEvent
from fevergate.reports.confirmation import needs_notice
from fevergate.web_common.told_cases import LOOK_BACK_S, MAX_KNOWN_OF_KIOSK, ConfirmedFever

ROWS = 500
"""Rows that are fetched from the database at a time."""

MAX_HAND_FEVERS = 500
"""Most fevers measured by hand, of one campus and day, for which notices are sent. A gateway states
only their number; no college has more in a day, so a larger number is wrong."""


def confirmed_fevers(database: CampusDatabase, since: float) -> list[ConfirmedFever]:
    """Fevers whose follow-ups were received after `since` (Unix time, s) and must be reported to
    the people on duty, the oldest first.

    At most the newest `MAX_KNOWN_OF_KIOSK` of each kiosk are returned. Struck follow-ups are left
    out (`strikes`). Raises `CampusError`."""
    statement = (
        select(items.c.campus, items.c.gateway, items.c.payload, *CAME)
        .where(items.c.kind == "follow_up", items.c.received_at > since)
        .order_by(items.c.at.desc(), items.c.key.desc())
        .execution_options(yield_per=ROWS)
    )
    confirmed: list[tuple[str, str, FollowUpEvent, float]] = []
    of_kiosk = Counter[tuple[str, str, str]]()
    with database.read() as connection:
        strikes = TokenStrikes(connection)
        for campus, gateway, payload, *origin in connection.execute(statement):
            event = msgspec.json.decode(payload, type=FollowUpEvent)
            kiosk = (campus, gateway, event.kiosk)
            if (
                of_kiosk[kiosk] < MAX_KNOWN_OF_KIOSK
                and needs_notice(event.clinical_c, event.clinical_site, event.outcome)
                and not strikes.strike(gateway, *origin)
            ):
                of_kiosk[kiosk] += 1
                confirmed.append((campus, gateway, event, origin[-1]))
        return [_confirmed(connection, *row) for row in reversed(confirmed)]


def fevers_by_list(
    database: CampusDatabase, settings: CampusSettings, now: float
) -> list[ConfirmedFever]:
    """Fevers of the last `LOOK_BACK_S` that were measured by hand or at a desk, without names.

    Fevers entered at this server have a temperature and a unit. Of fevers entered at a gateway,
    only the number is known: for each campus and day, as many are returned as its gateways state,
    at most `MAX_HAND_FEVERS`. Raises `CampusError`."""
    since = now - LOOK_BACK_S
    first = datetime.fromtimestamp(since, settings.zone).date()
    last = datetime.fromtimestamp(now, settings.zone).date()
    days = [str(first + timedelta(n)) for n in range((last - first).days + 1)]
    with database.read() as connection:
        statements = BoundStatements(connection, lambda: now)
        fevers = fevers_since(statements, settings.zone, since)
        stated = {day: fevers_by_hand(connection, day) for day in days}
    confirmed = [
        ConfirmedFever.by_hand(
            f"{fever.day}/{fever.key}",
            *(campus_of(settings, fever.campus), fever.at, fever.clinical_c, fever.unit),
        )
        for fever in fevers
    ]
    confirmed += [
        ConfirmedFever.by_hand(f"{day}/{campus}/{number}", campus, now)
        for day, counts in stated.items()
        for campus, count in counts.items()
        for number in range(1, min(count, MAX_HAND_FEVERS) + 1)
    ]
    return confirmed


def _confirmed(
    connection: Connection, campus: str, gateway: str, event: FollowUpEvent, received_at: float
) -> ConfirmedFever:
    key = event.key.replace("follow_up/", "fever/", 1)
    payload = connection.execute(
        select(items.c.payload).where(
            items.c.campus == campus, items.c.gateway == gateway, items.c.key == key
        )
    ).scalar()
    # Only the fever names the gate, and it may arrive after the follow-up.
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
