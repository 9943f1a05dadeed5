"""Reads the fevers of a period with their follow-ups from the gateways' stored items."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from sqlalchemy import Connection, select

from fevergate.campus.epoch_totals import KioskTotals
from fevergate.campus.report import FeverDay, TokenStrike
from fevergate.campus.schema import items
from fevergate.campus.strikes import CAME, TokenStrikes
from fevergate.protocol.campus_messages import DaySummary, FeverEvent, FollowUpEvent

AT_ONCE = 500
"""Number of fevers that are read at a time."""

Whose = tuple[str, str, str, str]
"""Campus, gateway, kiosk, day."""


def read_fevers(
    connection: Connection, strikes: TokenStrikes, first: str, last: str, *, newest: bool = False
) -> Iterator[tuple[str, FeverDay, list[TokenStrike]]]:
    """Yield each fever from day `first` to `last` as (campus, fever, the strikes that select its
    row). The strikes include those that were taken back.

    The order is by campus and time, or with `newest`, over all campuses, the newest first."""
    order = (items.c.at.desc(),) if newest else (items.c.campus, items.c.at)
    rows = connection.execute(
        select(items.c.campus, items.c.gateway, items.c.payload, *CAME)
        .where(items.c.kind == "fever", items.c.date.between(first, last))
        .order_by(*order, items.c.key)
        .execution_options(yield_per=AT_ONCE)
    )
    for part in rows.partitions():
        fevers = {
            (campus, fever.gateway, f"follow_up/{fever.identity}"): (
                fever,
                strikes.of(gateway, *origin),
            )
            for campus, gateway, payload, *origin in part
            for fever in [_fever(gateway, msgspec.json.decode(payload, type=FeverEvent))]
        }
        counted = {key: fever for key, (fever, by) in fevers.items() if is_counted(by)}
        if counted:
            _follow(connection, strikes, counted)
        for (campus, *_), (fever, selecting) in fevers.items():
            yield campus, fever, selecting


def is_counted(selecting: Iterable[TokenStrike]) -> bool:
    """Whether all strikes that select a row were taken back."""
    return all(strike.undone_at is not None for strike in selecting)


def _fever(gateway: str, event: FeverEvent) -> FeverDay:
    names = set(FeverDay.__struct_fields__) & set(FeverEvent.__struct_fields__)
    return FeverDay(gateway=gateway, **{name: getattr(event, name) for name in names})


def _follow(
    connection: Connection,
    strikes: TokenStrikes,
    fevers: Mapping[tuple[str, str, str], FeverDay],
) -> None:
    """Add the follow-up to each fever, by campus, gateway and the follow-up's key."""
    keys: dict[tuple[str, str], list[str]] = {}
    for campus, gateway, key in fevers:
        keys.setdefault((campus, gateway), []).append(key)
    for (campus, gateway), of_gateway in keys.items():
        for key, payload, *origin in connection.execute(
            select(items.c.key, items.c.payload, *CAME).where(
                items.c.campus == campus, items.c.gateway == gateway, items.c.key.in_(of_gateway)
            )
        ):
            if not strikes.strike(gateway, *origin):
                after = msgspec.json.decode(payload, type=FollowUpEvent)
                for name in ("clinical_c", "clinical_site", "outcome", "closed"):
                    setattr(fevers[campus, gateway, key], name, getattr(after, name))


def struck_days(
    connection: Connection, strikes: TokenStrikes, first: str, last: str
) -> dict[Whose, KioskTotals]:
    """Totals of each kiosk's day, from `first` to `last`, in which its gateway struck hours."""
    days: dict[Whose, KioskTotals] = {}
    statement = select(items.c.campus, items.c.gateway, items.c.payload, *CAME)
    conditions = items.c.kind == "day", items.c.date.between(first, last), _STRUCK
    for campus, gateway, payload, *origin in connection.execute(statement.where(*conditions)):
        if strikes.strike(gateway, *origin):
            continue
        day = msgspec.json.decode(payload, type=DaySummary)
        days.setdefault((campus, gateway, day.kiosk, day.date), KioskTotals()).hear(origin[0], day)
    return days


_STRUCK = items.c.payload.contains('"struck":[{', autoescape=True)
"""Selects days with a strike, so that the others, nearly all, are not decoded."""
