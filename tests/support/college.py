"""A college: a gateway's list of people with its marks, its roll and its presences."""

from contextlib import ExitStack, closing
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from people_helpers import Clock, entry, gateway_people

from fevergate.errors import MarkError
from fevergate.people.changes import PeopleChanges
from fevergate.people.marks import (
    Marks,
    NewMark,
)
from fevergate.people.presences import CardPresences
from fevergate.people.roll_keeper import RollKeeper
from fevergate.storage.store import Store

ZONE = ZoneInfo("Asia/Shanghai")


class College:
    """A gateway's list of people, its marks and its roll, with a clock that tests set."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock(datetime(2026, 11, 27, 9, tzinfo=ZONE).timestamp())
        self._stack = ExitStack()
        self.store = self._stack.enter_context(gateway_people(folder, self.clock))
        self.changes = PeopleChanges(self.store)
        self.marks = Marks(self.store.statements, self.store.vault, ZONE)
        self.roll = RollKeeper(self.store.statements, ZONE)
        self.readings = self._stack.enter_context(closing(Store(folder / "fevergate.db")))
        self.take_anew()

    def take_anew(self) -> None:
        """Make a new `CardPresences`, as the pages do after a restart."""
        database = self.readings.path
        self.presences = CardPresences(self.store.statements, database, ZONE, 30)

    def passes(self, number: str, verdict: str = "normal", at: float | None = None, **of) -> None:
        """Let a person tap a card at a kiosk; the verdict `retry` means that the measurement
        failed."""
        select = "select coalesce(max(seq), 0) + 1 from presences"
        (seq,) = self.readings.db.execute(select).fetchone()
        person = of.get("person") or self.person(number)
        with self.readings.transaction():
            self.readings.db.execute(
                "insert into presences values ('north-1', 1, ?, ?, 'north', ?, ?)",
                (seq, self.clock.at if at is None else at, person, verdict),
            )

    @property
    def today(self) -> date:
        return self.roll.today()

    def person(self, number: str) -> int:
        person = self.store.by_number(number)
        assert person
        return person.person

    def enter(self, number: str, day: date | None = None, units=None, **fields) -> None:
        mark = NewMark(person=self.person(number), **fields)
        self.marks.enter(day or self.today, [mark], "Chen", units=units)

    def numbers(self, state: str, day: date | None = None, units=None) -> list[str]:
        people = self.roll.people(day or self.today, state, units)  # type: ignore[arg-type]
        names = self.store.people(row.person for row in people)
        return [names[row.person].number for row in people]

    def close(self) -> None:
        self._stack.close()


def listed(college: College, *numbers: str, **fields) -> None:
    college.changes.replace([entry(number, **fields) for number in numbers])


def why(college: College, *arguments, **options) -> tuple[str, str]:
    """Enter a mark that must be refused; return the person's number and the reason."""
    with pytest.raises(MarkError) as refused:
        college.enter(*arguments, **options)
    return college.store.people([refused.value.person])[refused.value.person].number, (
        refused.value.reason
    )
