"""Plays a day with a list of people, some of whom stay away until the next day.

The list is imported at the campus server, and the gateway copies it from there. The people who came
are entered through the tutors' API. Then the night passes: every program is restarted with its
clock on the next morning, and the rest are entered or excused. Only then may zero be stated, which
means no fever and nobody unmeasured.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count, islice
from typing import Any

import httpx

from fevergate.campus.assemble import assemble
from fevergate.campus.database import CampusDatabase
from fevergate.campus.report import DayReport
from fevergate.campus.settings import load_campus
from fevergate.storage.coverage_bits import HOUR_S, day_bounds
from fevergate.web_common.accounts import MAX_UNITS
from harness.client import sign_in, wait_until_up
from harness.errors import HarnessError
from harness.made_up_list import Rows, as_csv, made_up
from harness.system import SETTLE_S, System
from harness.worker import wait_until

AWAY_SHARE = 0.1
"""Share of the people on the list who stay away."""

MORNING_S = 8 * HOUR_S
"""Time of the next day, after midnight, at which the rest are entered."""

CLINICAL_C = 36.5
IMPORT_S = 300
API_PAGE, AT_ONCE = 1000, 200
"""People on a page of the API, and people entered in one call."""


@dataclass
class ListedFigures:
    """Figures that `--list` adds to the summary. `zero` and `zero_after`: whether the gateway's log
    and the campus report state zero for the day, before and after the rest were entered or
    excused."""

    expected: int
    measured: int
    excused: int
    unmeasured: int
    stayed_away: int
    zero: bool
    zero_after: bool

    @property
    def problems(self) -> list[str]:
        """A line for each figure that is not as required."""
        wrong = []
        if self.unmeasured != self.stayed_away:
            wrong.append(f"{self.stayed_away} stayed away, {self.unmeasured} are unmeasured")
        if self.zero:
            wrong.append("zero is stated while somebody is unmeasured")
        if not self.zero_after:
            wrong.append("zero is not stated although nobody is left")
        return wrong


def import_list(system: System, rows: Rows) -> None:
    """Import a list at the campus server, and start the gateway's pages, which copy it. Raises
    `HarnessError` if the import fails."""
    file = system.folder / "list.csv"
    file.write_bytes(as_csv(rows))
    command = (sys.executable, "-m", "fevergate.cli", "people", "import", str(file))
    campus = ("--settings", str(system.folder / "campus.toml"))
    result = subprocess.run([*command, *campus], capture_output=True, text=True, timeout=IMPORT_S)
    if result.returncode:
        raise HarnessError(f"fevergate people import: {result.stderr.strip()}")
    system.start_web(log=system.folder / "web.log")


def stays_away(people: int) -> int:
    """Number of people who stay away, of `people` on the list."""
    return max(1, round(people * AWAY_SHARE))


class ListedDay:
    """The list on a day that a `System` plays; call `begin` before the people come and `end`
    after."""

    def __init__(self, system: System, people: int) -> None:
        self._system = system
        self._count = people
        self._tutors: list[dict[str, str]] = []
        self._zone = system.settings.zone
        self.day: date = datetime.now(self._zone).date()

    def begin(self) -> None:
        """Import the list, and wait until the gateway has it."""
        system, rows = self._system, made_up(self._count)
        import_list(system, rows)
        system.administrator()
        units = sorted({row[4] for row in rows})
        for begin in range(0, len(units), MAX_UNITS):
            name = f"tutor {begin // MAX_UNITS + 1}"
            account = system.account(name, "tutor", units[begin : begin + MAX_UNITS])
            self._tutors.append(account)
        with self._signed_in() as tutors:
            wait_until(
                lambda: sum(map(self._expected, tutors)) == self._count,
                SETTLE_S,
                "the gateway has copied the list",
            )

    def end(self) -> ListedFigures:
        """Enter the people who came, let the night pass, enter the rest; returns the figures."""
        left = stays_away(self._count)
        with self._signed_in() as tutors:
            for client, people in self._people(tutors):
                marks = [{"person": person, "clinical_c": CLINICAL_C} for person in people]
                absent = max(0, min(left, len(marks)))
                left -= absent
                self._enter(client, marks[: len(marks) - absent])
        self._night_passes()
        with self._signed_in() as tutors:
            wait_until(lambda: self._told(tutors), SETTLE_S, "the campus report has the day")
            figures = self._figures(tutors)
            zero = self._zero(tutors)
            for client, people in self._people(tutors):
                half = len(people) // 2
                late = [{"person": person, "clinical_c": CLINICAL_C} for person in people[:half]]
                excused = [{"person": person, "excused": "at home"} for person in people[half:]]
                self._enter(client, late + excused)
            wait_until(lambda: self._told(tutors), SETTLE_S, "the campus report has the rest")
            return ListedFigures(
                **figures,
                stayed_away=stays_away(self._count),
                zero=zero,
                zero_after=self._zero(tutors),
            )

    def _night_passes(self) -> None:
        """Restart every program on the next morning; the kiosks stay off."""
        system = self._system
        for board in system.boards:
            board.stop()
        for worker in (system.web, system.gateway, system.campus_server):
            worker.stop()
        _, end = day_bounds(self.day, self._zone)
        system.ahead_s = end + MORNING_S - time.time()
        system.campus_server = system.start_campus(log=system.folder / "campus.log")
        system.run_gateway()
        system.start_web(log=system.folder / "web.log")

    def _told(self, tutors: Sequence[httpx.Client]) -> bool:
        """Whether the campus report is complete and has the gateway's figures."""
        report = self._report()
        roll = report.roll
        reported = roll and {name: getattr(roll, name) for name in self._figures(tutors)}
        return report.complete and reported == self._figures(tutors)

    def _zero(self, tutors: Sequence[httpx.Client]) -> bool:
        """Whether the gateway's log and the campus report state zero; they must agree."""
        with self._system.signed_in() as administrator:
            answer = administrator.get("/api/v1/log", params={"date": str(self.day)})
            log = answer.raise_for_status().json()["log"]
        report = self._report()
        if log["zero"] != report.zero:
            raise HarnessError(f"zero: {log['zero']} at the gateway, {report.zero} at the campus")
        return report.zero

    def _report(self) -> DayReport:
        settings = load_campus(self._system.folder / "campus.toml")
        now = time.time() + self._system.ahead_s
        with CampusDatabase(settings.url) as database, database.read() as connection:
            return assemble(connection, settings, str(self.day), now)

    @contextmanager
    def _signed_in(self) -> Iterator[list[httpx.Client]]:
        """A signed-in client for each tutor."""
        clients = [self._system.client() for _ in self._tutors]
        try:
            for client, account in zip(clients, self._tutors, strict=True):
                wait_until_up(client)
                sign_in(client, **account)
            yield clients
        finally:
            for client in clients:
                client.close()

    def _people(self, tutors: Sequence[httpx.Client]) -> Iterator[tuple[httpx.Client, list[int]]]:
        """Each tutor's client, with the people of its units who are not measured yet."""
        for client in tutors:
            people: list[int] = []
            for page in count(1):
                query = {"date": str(self.day), "page": page}
                answer = client.get("/api/v1/roll/people", params=query).raise_for_status()
                people += (row["person"] for row in answer.json())
                if len(answer.json()) < API_PAGE:
                    break
            yield client, people

    def _enter(self, client: httpx.Client, marks: list[dict[str, Any]]) -> None:
        rest = iter(marks)
        while part := list(islice(rest, AT_ONCE)):
            body = {"date": str(self.day), "marks": part}
            client.post("/api/v1/roll/marks", json=body).raise_for_status()

    def _expected(self, client: httpx.Client) -> int:
        return (self._roll(client) or {}).get("expected", 0)

    def _roll(self, client: httpx.Client) -> dict[str, int] | None:
        answer = client.get("/api/v1/roll", params={"date": str(self.day)})
        return answer.raise_for_status().json()["figures"]

    def _figures(self, tutors: Sequence[httpx.Client]) -> dict[str, int]:
        names = ("expected", "measured", "excused", "unmeasured")
        rolls = [self._roll(client) or {} for client in tutors]
        return {name: sum(roll.get(name, 0) for roll in rolls) for name in names}
