"""Tasks that wait at the campus server, for all campuses: open cases, reports to sign and submit,
and gateways that are silent or refused."""

from datetime import date, timedelta
from typing import Literal

from msgspec import Struct

from fevergate.campus.fever_search import OPEN, CampusFeverPage, CampusFeverSearch, CampusQuery
from fevergate.campus.report import CampusDay, DayReport
from fevergate.campus.report_versions import Version
from fevergate.campus.settings import CampusSettings
from fevergate.campus.summary_store import CampusStore, GatewayHeard, RefusedDelivery
from fevergate.web_common.dates import Period

MAX_CASES = 5
"""Number of open cases that are listed; the search page shows all."""


class GatewayState(Struct, frozen=True, kw_only=True):
    """One gateway: when it was last heard, and its last refused delivery, if any. The state
    `untaken` means that its deliveries have been refused since it was last heard."""

    campus: str
    gateway: str
    heard: GatewayHeard | None
    refused: RefusedDelivery | None
    state: Literal["heard", "untaken", "silent", "never"]


class CampusPendingTasks(Struct, kw_only=True):
    """Tasks that wait. `cases` are the newest open cases of `period`. `silent` are gateways that
    are not heard, `untaken` gateways whose deliveries are refused.

    `unsigned` and `unsubmitted` are days whose report must be signed or submitted, `undrafted` days
    without a report yet, each the newest first. `missing` are campuses for which yesterday's report
    has no or incomplete figures."""

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
        """Number of reports that need drafting, signing or submitting."""
        return len(self.unsigned) + len(self.unsubmitted) + len(self.undrafted)

    @property
    def waits(self) -> bool:
        """Whether any task waits."""
        return bool(self.cases.count or self.silent or self.untaken or self.reports or self.missing)


def read_pending_tasks(
    store: CampusStore,
    settings: CampusSettings,
    search: CampusFeverSearch,
    today: date,
    rows: list[tuple[str, tuple[DayReport, Version] | None]],
) -> CampusPendingTasks:
    """Read the tasks that wait now; `rows` are the days of the list of reports, the newest first.
    Raises `CampusError`."""
    past = [(day, report) for day, report in rows if day < today.isoformat()]
    first = date.fromisoformat(rows[-1][0]) if rows else today
    period = Period(first, today)
    yesterday = (today - timedelta(days=1)).isoformat()
    missing = [
        campus
        for day, report in past
        if report and day == yesterday
        for campus in report[0].campuses
        if campus.state != "reported"
    ]
    states = gateway_states(store, settings)
    return CampusPendingTasks(
        period=period,
        cases=search.page(CampusQuery(period=period, outcome=OPEN), MAX_CASES),
        silent=[gateway for gateway in states if gateway.state in ("silent", "never")],
        untaken=[gateway for gateway in states if gateway.state == "untaken"],
        unsigned=[day for day, report in past if report and report[1].signed_at is None],
        unsubmitted=[
            day
            for day, report in past
            if report and report[1].signed_at is not None and report[1].submitted_at is None
        ],
        undrafted=[day for day, report in past if not report],
        missing=missing,
    )


def gateway_states(store: CampusStore, settings: CampusSettings) -> list[GatewayState]:
    """Every gateway that is in the settings or was ever heard, by campus and name. It is silent if
    it has not been heard for `[escalation] silent_after_min`. Raises `CampusError`."""
    heard_of = {(gateway.campus, gateway.gateway): gateway for gateway in store.heard()}
    refused = store.last_refused()
    expected = {
        (name, gateway) for name, campus in settings.campuses.items() for gateway in campus.gateways
    }
    since = store.clock() - settings.escalation.silent_after_min * 60
    return [
        _state(campus, gateway, heard_of.get((campus, gateway)), refused.get(gateway), since)
        for campus, gateway in sorted({*expected, *heard_of})
    ]


def _state(
    campus: str,
    gateway: str,
    heard: GatewayHeard | None,
    refused: RefusedDelivery | None,
    since: float,
) -> GatewayState:
    state: Literal["heard", "untaken", "silent", "never"] = "heard"
    if refused and refused.at >= since and (heard is None or refused.at > heard.heard_at):
        state = "untaken"
    elif heard is None:
        state = "never"
    elif heard.heard_at < since:
        state = "silent"
    return GatewayState(campus=campus, gateway=gateway, heard=heard, refused=refused, state=state)
