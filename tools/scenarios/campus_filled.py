"""A campus server with three weeks of reports, for screenshots and tests of its pages."""

import random
from pathlib import Path
from zoneinfo import ZoneInfo

from harness.browser import PASSWORD
from harness.campus import CampusHost, SimulatedClock, days_from
from scenarios.college import College, Term

TITLES = {
    "east": ("东校区", "East campus"),
    "north": ("北校区", "North campus"),
    "south": ("南校区", "South campus"),
    "west": ("西校区", "West campus"),
}
FIRST, DAYS = "2026-11-02", 21
ADMINISTRATOR = "陈静"
SIGNED = 19
"""Number of days, from the first on, whose reports are signed and submitted."""


def filled(folder: Path) -> CampusHost:
    """A server for four campuses over three weeks; one is late, one is cut off for some days.

    Use it in a `with` statement and call `play`, which fills it and leaves its clock on the morning
    after the last day."""
    clock = SimulatedClock(FIRST, ZoneInfo("Asia/Shanghai"))
    return CampusHost(folder, {name: [f"gw-{name}"] for name in TITLES}, clock, titles=TITLES)


def play(host: CampusHost) -> str:
    """Fill the server; returns the last day."""
    chance = random.Random(3)  # noqa: S311 - no secret
    days = days_from(FIRST, DAYS)
    campuses = [College(name, {"late"} if name == "north" else set()) for name in TITLES]
    campuses[-1].cut = {days[8], days[9], days[-1]}
    accounts = host.server.accounts
    accounts.begin(accounts.invite(), ADMINISTRATOR, PASSWORD)
    term = Term(host, campuses, chance)
    for number, day in enumerate(days):
        term.play(day, number)
        if number < SIGNED:
            host.server.reports.sign(day, 1, ADMINISTRATOR)
            host.server.reports.submit(day, 1, ADMINISTRATOR, "省教育厅")
    term.close()
    return days[-1]
