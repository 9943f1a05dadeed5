"""Reads who was at a gate: presences of people with a card or a visitor's pass."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlite_utils import Database


class Passage(NamedTuple):
    """The times (Unix time, s) at which a person was at a gate, in order."""

    person: int
    at: list[float]


def passages(database: Database, people: Sequence[int], begin: float) -> dict[int, list[float]]:
    """Times (Unix time, s) from `begin` on at which each of `people` was measured at any gate, in
    order. Somebody who was not measured is left out."""
    times = dict[int, list[float]]()
    if people:
        places = ", ".join("?" * len(people))
        rows = database.execute(
            "select person, at from presences"  # noqa: S608 - question marks
            f" where person in ({places}) and at >= ? and verdict != 'retry' order by at",
            (*people, begin),
        )
        for person, at in rows:
            times.setdefault(person, []).append(at)
    return times


def passed_between(
    database: Database, gate: str, begin: float, end: float, but: int | None = None
) -> list[Passage]:
    """Everybody but the person `but` who was at a gate from `begin` to `end` (Unix time, s, both
    included), in order of the first time there."""
    by_person = dict[int, Passage]()
    for person, at in database.execute(_BETWEEN, (begin, end, gate, but)):
        by_person.setdefault(person, Passage(person, [])).at.append(at)
    return list(by_person.values())


def person_of(database: Database, kiosk: str, boot: int, seq: int) -> int | None:
    """The person of a reading, by number in the list; None for a reading without a card."""
    row = database.execute(
        "select person from presences where kiosk = ? and boot = ? and seq = ?", (kiosk, boot, seq)
    ).fetchone()
    return row[0] if row else None


def count_measured(database: Database, gate: str, begin: float, end: float) -> tuple[int, int]:
    """How many measurements at a gate ended as normal or fever from `begin` to `end` (Unix time, s,
    both included), and of how many the person is known."""
    span = {"gate": gate, "begin": begin, "end": end}
    return database.execute(_MEASURED, span).fetchone()


_BETWEEN = """
    select person, at from presences
    where at between ? and ? and gate = ? and person is not ? order by at, person"""
_MEASURED = """
    select count(*), count(p.person) from readings r left join presences p using (kiosk, boot, seq)
    where r.gate = :gate and r.verdict != 'retry' and (r.at between :begin and :end
        or r.at is null and r.received_at between :begin and :end)"""
