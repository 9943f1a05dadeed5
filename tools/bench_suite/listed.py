"""Fills a gateway's list with made-up people, and marks them for a month."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from zoneinfo import ZoneInfo

from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.people.changes import ListEntry, PeopleChanges
from fevergate.people.marks import MAX_MARKS, Marks, NewMark
from fevergate.people.roll_keeper import RollKeeper
from fevergate.people.schema import migrations
from fevergate.people.store import DATABASE, PeopleStore
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.statements import SqliteStatements
from harness.figures import progress
from harness.made_up_list import made_up

DAYS = 30
AWAY_SHARE = 0.01
"""Share of the people on the list who are not measured on a day."""


@contextmanager
def people_store(
    settings: GatewaySettings, clock: Callable[[], float] = time.time
) -> Iterator[PeopleStore]:
    """Open a gateway's store of people outside the gateway's process."""
    with closing(SqliteStatements(settings.path(DATABASE), migrations, clock)) as statements:
        yield PeopleStore(statements, Vault(settings.path(KEY)))


class Listed:
    """A list of `people` people, of whom all but a few were measured by hand on each of `DAYS`
    days, including today. `unit`: one unit on the list."""

    def __init__(self, settings: GatewaySettings, people: int) -> None:
        rows = made_up(people)
        self.unit = rows[-1][4]
        self._now = 0.0
        with people_store(settings, lambda: self._now) as store:
            self._fill(store, settings.zone, rows)

    def _fill(self, store: PeopleStore, zone: ZoneInfo, rows: list[tuple[str, ...]]) -> None:
        statements, began = store.statements, time.time()
        self._now = began - (DAYS - 1) * DAY_S
        PeopleChanges(store).replace(
            [
                ListEntry(number=row[0], name=row[1], kind="student", unit=row[4], card=row[6])
                for row in rows
            ]
        )
        marks, keeper = Marks(statements, store.vault, zone), RollKeeper(statements, zone)
        chance = random.Random(1)  # noqa: S311 - no secret
        for number in range(DAYS):
            progress(f"marks of day {number + 1} of {DAYS}")
            self._now = began - (DAYS - 1 - number) * DAY_S
            keeper.close_days(DAYS)
            people = [row.person for row in keeper.people(keeper.today(), "unmeasured")]
            chance.shuffle(people)
            people = people[: round(len(people) * (1 - AWAY_SHARE))]
            for begin in range(0, len(people), MAX_MARKS):
                part = [
                    NewMark(person=person, clinical_c=36.5)
                    for person in people[begin : begin + MAX_MARKS]
                ]
                marks.enter(keeper.today(), part, "bench")
