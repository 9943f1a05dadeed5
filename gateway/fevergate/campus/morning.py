"""What waits at the campus server: open cases, reports to sign and submit, gateways that are
silent or refused; of all campuses."""

from datetime import date, timedelta
from typing import Literal

from msgspec import Struct

from fevergate.campus.fever_search import OPEN, CampusFeverPage, CampusFeverSearch, CampusQuery
from fevergate.campus.report import CampusDay, DayReport
from fevergate.campus.report_versions import Version
from fevergate.campus.settings import CampusSettings
from fevergate.campus.summary_store import CampusStore, GatewayHeard, Refused
from fevergate.web_common.dates import Period

MAX_CASES = 5
"""Open cases that are listed; the search has all."""


class GatewayState(Struct, frozen=True, kw_only=True):
    """One gateway: what was last heard of it, and what was last refused, if anything. `untaken`: it
    does send, and since it was heard what it sent was refused."""

    campus: str
    gateway: str
    heard: GatewayHeard | None
    refused: Refused | None
    state: Literal["heard", "untaken", "silent", "never"]


class CampusMorning(Struct, kw_only=True):
    """What is to do. `cases` are the newest open cases of `period`; `silent` are gateways that are
    not heard, `untaken` those whose deliveries are refused; of the reports, `unsigned` and
    `unsubmitted` are days, the newest first, `undrafted` those that have none yet; `missing` are
    campuses of which yesterday's report knows nothing or not all."""

    period: Period
    cases: CampusFeverPage
    silent: list[GatewayState]
    untaken: list[GatewayState]
    unsigned: list[str]
    unsubmitted: list[str]
    undrafted: list[str]
    missing: list[CampusDay]

    @property
    def reports(self) -> int:
        """The number of reports to see to."""
        return len(self.unsigned) + len(self.unsubmitted) + len(self.undrafted)

    @property
    def waits(self) -> bool:
        """Whether anything is to do."""
        return bool(self.cases.count or self.silent or self.untaken or self.reports or self.missing)


def read_morning(
    store: CampusStore,
    settings: CampusSettings,
    search: CampusFeverSearch,
    today: date,
    rows: list[tuple[str, tuple[DayReport, Version] | None]],
) -> CampusMorning:
    """What is to do now; `rows` are the days of the list of reports, the newest first. Raises
    `CampusError`."""
    past = [(day, known) for day, known in rows if day < today.isoformat()]
    first = date.fromisoformat(rows[-1][0]) if rows else today
    period = Period(first, today)
    yesterday = (today - timedelta(days=1)).isoformat()
    missing = [
        campus
        for day, known in past
        if known and day == yesterday
        for campus in known[0].campuses
        if campus.state != "reported"
    ]
    states = gateway_states(store, settings)
    return CampusMorning(
        period=period,
        cases=search.page(CampusQuery(period=period, outcome=OPEN), MAX_CASES),
        silent=[one for one in states if one.state in ("silent", "never")],
        untaken=[one for one in states if one.state == "untaken"],
        unsigned=[day for day, known in past if known and known[1].signed_at is None],
        unsubmitted=[
            day
            for day, known in past
            if known and known[1].signed_at is not None and known[1].submitted_at is None
        ],
        undrafted=[day for day, known in past if not known],
        missing=missing,
    )


def gateway_states(store: CampusStore, settings: CampusSettings) -> list[GatewayState]:
    """Every gateway that must be heard or ever was, by campus and name. It is silent once it was
    not heard for `[escalation] silent_after_min`. Raises `CampusError`."""
    heard = {(gateway.campus, gateway.gateway): gateway for gateway in store.heard()}
    refused = store.last_refused()
    expected = {
        (name, gateway) for name, campus in settings.campuses.items() for gateway in campus.gateways
    }
    since = store.clock() - settings.escalation.silent_after_min * 60
    return [
        _state(campus, gateway, heard.get((campus, gateway)), refused.get(gateway), since)
        for campus, gateway in sorted({*expected, *heard})
    ]


def _state(
    campus: str, gateway: str, heard: GatewayHeard | None, refused: Refused | None, since: float
) -> GatewayState:
    state: Literal["heard", "untaken", "silent", "never"] = "heard"
    if refused and refused.at >= since and (heard is None or refused.at > heard.heard_at):
        state = "untaken"
    elif heard is None:
        state = "never"
    elif heard.heard_at < since:
        state = "silent"
    return GatewayState(campus=campus, gateway=gateway, heard=heard, refused=refused, state=state)
