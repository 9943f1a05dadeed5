"""`tools/province`: plays a month of faulty colleges that report to one campus server, in minutes.

Every day's report, as drafted and in its final version, is compared with the true figures of each
college.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import ssl
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from zoneinfo import ZoneInfo

import httpx

from fevergate.campus.report import CampusDay
from fevergate.errors import FeverGateError
from fevergate.forwarding.http_sender import SummarySender
from harness.campus import CampusHost, SimulatedClock, days_from
from scenarios.college import College, colleges, forward, live, wrong

ZONE = ZoneInfo("Asia/Shanghai")
LOOKS = 40
PASSWORD = "a long enough password"  # noqa: S105 - of an invented person


def play(
    host: CampusHost,
    some: list[College],
    days: list[str],
    clock: SimulatedClock,
    chance: random.Random,
) -> tuple[list[str], int]:
    """Play all days; returns the differences found and the number of deliveries."""
    senders = {
        one.name: SummarySender(
            host.gateway_settings(one.name, one.gateway, {"gate": ["kiosk-1"]}),
            lambda one=one: clock() + (3600 if "clock" in one.faults else 0),
        )
        for one in some
    }
    problems: list[str] = []
    deliveries = 0
    for number, day in enumerate(days):
        after = days_from(day, 2)[1]
        clock.set(after, "06:00")
        for one in some:
            live(one, day, number, clock, chance)
            if day not in one.cut:
                deliveries += forward(one, senders[one.name], after, chance)
        clock.set(after, "07:01")
        host.tick()
        ((report, _),) = host.server.reports.latest(day, day)
        problems += _compare(some, report.campuses, day, drafted=True)
        print(
            f"{day}: {report.total.screened} people, {len(report.missing)} missing", file=sys.stderr
        )
    clock.set(days_from(days[-1], 6)[5], "06:00")
    for one in some:
        if "silent" not in one.faults:
            deliveries += forward(one, senders[one.name], days_from(days[-1], 6)[5], chance)
    for _ in range(3):
        host.tick()
    for day in days:
        ((report, _),) = host.server.reports.latest(day, day)
        problems += _compare(some, report.campuses, day, drafted=False)
    for sender in senders.values():
        sender.close()
    return problems, deliveries


def _compare(some: list[College], found: list[CampusDay], day: str, *, drafted: bool) -> list[str]:
    by_name = {one.campus: one for one in found}
    said = [wrong(one, by_name[one.name], day, drafted=drafted) for one in some]
    return [text for text in said if text]


def look(host: CampusHost, day: str) -> dict[str, float]:
    """Measure the response time (ms) of a day's page and files, and the page's size (kB)."""
    accounts = host.server.accounts
    accounts.begin(accounts.invite(), "Chen Jing", PASSWORD)
    took: dict[str, list[float]] = {}
    context = ssl.create_default_context(cafile=str(host.folder / "ca.crt"))
    with httpx.Client(base_url=host.url, verify=context, timeout=60) as client:
        form = {"name": "Chen Jing", "password": PASSWORD}
        client.post("/sign-in", data=form, headers={"origin": host.url})
        client.cookies.set("fevergate-language", "zh")
        kb = 0.0
        for _ in range(LOOKS):
            for kind in ("", ".json", ".csv"):
                began = time.perf_counter()
                answer = client.get(f"/reports/{day}{kind}").raise_for_status()
                took.setdefault(kind, []).append((time.perf_counter() - began) * 1000)
                kb = kb or len(answer.content) / 1000
        began = time.perf_counter()
        client.get(f"/reports/{day}.pdf").raise_for_status()
        pdf_ms = (time.perf_counter() - began) * 1000
    of = quantiles(took[""], n=100, method="inclusive")
    return {
        "page_p50_ms": round(of[49], 1),
        "page_p95_ms": round(of[94], 1),
        "page_kb": round(kb, 1),
        "json_p95_ms": round(quantiles(took[".json"], n=100, method="inclusive")[94], 1),
        "pdf_ms": round(pdf_ms, 1),
    }


def main() -> int:
    """Run `tools/province`; exit code 1 if a report differs from the true figures."""
    parser = argparse.ArgumentParser(
        prog="tools/province",
        description="Colleges report to one campus server, over HTTPS, for some days: cut off,"
        " late, twice, in disorder, with wrong clocks, asleep, silent for ever, talking nonsense."
        " Every day's report is held to what really was, as it was drafted and in the end.",
    )
    parser.add_argument("--colleges", type=int, default=80, help="how many (%(default)s)")
    parser.add_argument("--days", type=int, default=30, help="how long (%(default)s)")
    parser.add_argument("--first", default="2026-09-01", help="the first day (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other people")
    parser.add_argument(
        "--database", default="campus.db", help="a file, or a PostgreSQL URL of an empty database"
    )
    parser.add_argument("--json", action="store_true", help="the summary as one JSON line")
    given = parser.parse_args()
    chance = random.Random(given.seed)  # noqa: S311 - no secret
    days = days_from(given.first, given.days)
    clock = SimulatedClock(given.first, ZONE)
    some = colleges(given.colleges, days, chance)
    logging.getLogger("fevergate.forwarding.http_sender").disabled = True  # refusals are intended
    began = time.monotonic()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="fevergate-province-") as folder,
            CampusHost(
                Path(folder), {one.name: [one.gateway] for one in some}, clock, given.database
            ) as host,
        ):
            problems, deliveries = play(host, some, days, clock, chance)
            played_s = time.monotonic() - began
            versions = sum(len(host.server.reports.versions(day)) for day in days)
            summary = {
                "colleges": len(some),
                "days": len(days),
                "people": sum(one.screened for it in some for one in it.truth.values()),
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
    if given.json:
        print(json.dumps(summary), flush=True)
    else:
        for name, value in summary.items():
            print(f"{name:12} {value}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
