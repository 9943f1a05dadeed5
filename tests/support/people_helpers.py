"""A made-up list of people, in the store of a gateway or of a campus server."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from fevergate.campus.database import CampusDatabase
from fevergate.campus.statements import CampusStatements
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.people.changes import ListEntry
from fevergate.people.schema import migrations
from fevergate.people.store import PeopleStore
from fevergate.storage.statements import SqliteStatements

NOW = 1_800_000_000.0
"""Unix time (s) at which the clock begins."""


class Clock:
    """A clock that is set by hand."""

    def __init__(self, at: float = NOW) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def entry(number: str = "2023001", name: str = "王小明", **other: Any) -> ListEntry:
    """An entry of the list: one person."""
    values: dict[str, Any] = {
        "kind": "student",
        "unit": "计应2301",
        "card": f"C{number}",
        "telephone": "138001",
    }
    return ListEntry(number=number, name=name, **values | other)


@contextmanager
def gateway_people(folder: Path, clock: Callable[[], float]) -> Iterator[PeopleStore]:
    """A gateway's store of people."""
    with closing(SqliteStatements(folder / "people.db", migrations, clock)) as statements:
        yield PeopleStore(statements, Vault(folder / KEY))


def campus_people(folder: Path, database: CampusDatabase, clock: Clock) -> PeopleStore:
    """A campus server's store of people."""
    return PeopleStore(CampusStatements(database, clock), Vault(folder / KEY))
