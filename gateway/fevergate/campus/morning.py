"""What waits at the campus server: open cases, reports to sign and submit, gateways that are
silent; of all campuses."""

from datetime import date, timedelta

from msgspec import Struct

from fevergate.campus.fever_search import OPEN, CampusFeverPage, CampusFeverSearch, CampusQuery
from fevergate.campus.report import CampusDay, DayReport
from fevergate.campus.report_versions import Version
from fevergate.campus.settings import CampusSettings
from fevergate.campus.summary_store import CampusStore, GatewayHeard
from fevergate.web_common.dates import Period

MAX_CASES = 5
"""Open cases that are listed; the search has all."""


class CampusMorning(Struct, kw_only=True):
    """What is to do. `cases` are the newest open cases of `period`; `silent` are gateways with the
    last that was heard of them, if anything; of the reports, `unsigned` and `unsubmitted` are days,
    the newest first, `undrafted` those that have none yet; `missing` are campuses of which
    yesterday's report knows nothing or not all."""

    period: Period
    cases: CampusFeverPage
    silent: list[tuple[str, str, GatewayHeard | None]]
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
        return bool(self.cases.count or self.silent or self.reports or self.missing)


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
    return CampusMorning(
        period=period,
        cases=search.page(CampusQuery(period=period, outcome=OPEN), MAX_CASES),
        silent=silent_gateways(store, settings),
        unsigned=[day for day, known in past if known and known[1].signed_at is None],
        unsubmitted=[
            day
            for day, known in past
            if known and known[1].signed_at is not None and known[1].submitted_at is None
        ],
        undrafted=[day for day, known in past if not known],
        missing=missing,
    )


def gateways(
    store: CampusStore, settings: CampusSettings
) -> list[tuple[str, str, GatewayHeard | None]]:
    """Every gateway by campus and name that must be heard or ever was, with what was heard."""
    heard = {(gateway.campus, gateway.gateway): gateway for gateway in store.heard()}
    expected = {
        (name, gateway) for name, campus in settings.campuses.items() for gateway in campus.gateways
    }
    return [(*names, heard.get(names)) for names in sorted({*expected, *heard})]


def silent_gateways(
    store: CampusStore, settings: CampusSettings
) -> list[tuple[str, str, GatewayHeard | None]]:
    """The gateways that were not heard for `[escalation] silent_after_min`."""
    since = store.clock() - settings.escalation.silent_after_min * 60
    return [row for row in gateways(store, settings) if row[2] is None or row[2].heard_at < since]
