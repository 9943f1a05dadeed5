"""`tools/province`: plays a month of faulty colleges that report to one campus server, in minutes.

Every day's report, as drafted and in its final version, is compared with the true figures of each
college.
"""

import argparse
import logging
import random
import sys
import tempfile
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from fevergate.campus.report import DayReport
from fevergate.errors import FeverGateError
from harness.campus import CampusHost, SimulatedClock, days_from
from harness.client import fetched, sign_in
from harness.figures import percentile, show
from scenarios.college import College, Term, colleges, wrong

ZONE = ZoneInfo("Asia/Shanghai")
LOOKS = 40
PASSWORD = "a long enough password"  # noqa: S105 - of an invented person


def play(
    host: CampusHost, colleges: list[College], days: list[str], chance: random.Random
) -> tuple[list[str], int]:
    """Play all days; returns the differences found and the number of deliveries."""
    problems: list[str] = []
    term = Term(host, colleges, chance)
    for number, day in enumerate(days):
        term.play(day, number)
        report, day_problems = _compare(host, colleges, day, drafted=True)
        problems += day_problems
        print(
            f"{day}: {report.total.screened} people, {len(report.missing)} missing", file=sys.stderr
        )
    term.end(days_from(days[-1], 6)[5])
    for _ in range(3):
        host.tick()
    for day in days:
        problems += _compare(host, colleges, day, drafted=False)[1]
    return problems, term.deliveries


def _compare(
    host: CampusHost, colleges: list[College], day: str, *, drafted: bool
) -> tuple[DayReport, list[str]]:
    """Return the newest report of a day and its differences from the true figures."""
    ((report, _),) = host.server.reports.latest(day, day)
    by_name = {campus.campus: campus for campus in report.campuses}
    texts = [wrong(college, by_name[college.name], day, drafted=drafted) for college in colleges]
    return report, [text for text in texts if text]


def look(host: CampusHost, day: str) -> dict[str, float]:
    """Measure the response time (ms) of a day's page and files, and the page's size (kB)."""
    accounts = host.server.accounts
    accounts.begin(accounts.invite(), "Chen Jing", PASSWORD)
    times: dict[str, list[float]] = {}
    size: dict[str, int] = {}
    with host.client() as client:
        sign_in(client, "Chen Jing", PASSWORD)
        client.cookies.set("fevergate-language", "zh")
        for kind in (*(LOOKS * ["", ".json", ".csv"]), ".pdf"):
            took_ms, answer = fetched(client, f"/reports/{day}{kind}")
            times.setdefault(kind, []).append(took_ms)
            size[kind] = len(answer.content)
    return {
        "page_p50_ms": percentile(times[""], 50),
        "page_p95_ms": percentile(times[""], 95),
        "page_kb": round(size[""] / 1000, 1),
        "json_p95_ms": percentile(times[".json"], 95),
        "pdf_ms": round(times[".pdf"][0], 1),
    }


def main() -> int:
    """Run `tools/province`; exit code 1 if a report differs from the true figures."""
    parser = argparse.ArgumentParser(
        prog="tools/province",
        description="Plays colleges that report to one campus server over HTTPS for some days. Some"
        " are cut off, report late, twice or out of order, have wrong clocks, go silent for a while"
        " or for good, or send nonsense. The draft and the final version of every day's report are"
        " compared with the true figures.",
    )
    parser.add_argument("--colleges", type=int, default=80, help="number of colleges (%(default)s)")
    parser.add_argument("--days", type=int, default=30, help="number of days (%(default)s)")
    parser.add_argument("--first", default="2026-09-01", help="the first day (%(default)s)")
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of people and faults (%(default)s)"
    )
    parser.add_argument(
        "--database", default="campus.db", help="a file, or the URL of an empty PostgreSQL database"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON line")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311 - no secret
    days = days_from(arguments.first, arguments.days)
    clock = SimulatedClock(arguments.first, ZONE)
    province = colleges(arguments.colleges, days, chance)
    gateways = {college.name: [college.gateway] for college in province}
    logging.getLogger("fevergate.forwarding.http_sender").disabled = True  # refusals are intended
    began = time.monotonic()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="fevergate-province-") as folder,
            CampusHost(Path(folder), gateways, clock, arguments.database) as host,
        ):
            problems, deliveries = play(host, province, days, chance)
            played_s = time.monotonic() - began
            versions = sum(len(host.server.reports.versions(day)) for day in days)
            people = sum(day.screened for college in province for day in college.truth.values())
            unmeasured = sum(
                roll.unmeasured for college in province for roll in college.rolls.values()
            )
            summary = {
                "colleges": len(province),
                "days": len(days),
                "people": people,
                "unmeasured": unmeasured,
                "deliveries": deliveries,
                "reports": len(days),
                "versions": versions,
                "wrong": len(problems),
                "played_s": round(played_s, 1),
                **look(host, days[len(days) // 2]),
            }
    except FeverGateError as error:
        print(f"tools/province: {error}", file=sys.stderr)
        return 2
    for problem in problems[:20]:
        print(problem, file=sys.stderr)
    show(summary, arguments.json)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
