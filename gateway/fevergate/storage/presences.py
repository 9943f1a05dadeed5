"""Reads who was at a gate: presences of people with a card or a visitor's pass."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlite_utils import Database


class Passage(NamedTuple):
    """Somebody's presences at a gate near a time: when each was (Unix time, s), in order."""

    person: int
    at: list[float]


def passages(database: Database, people: Sequence[int], begin: float) -> dict[int, list[float]]:
    """Times (Unix time, s) from `begin` on at which people were measured at any gate, in order."""
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
    """Who was at a gate from `begin` to `end` (Unix time, s, both included), by the first time;
    without the person `but`."""
    by_person = dict[int, Passage]()
    for person, at in database.execute(_BETWEEN, (begin, end, gate, but)):
        by_person.setdefault(person, Passage(person, [])).at.append(at)
    return list(by_person.values())


def person_of(database: Database, kiosk: str, boot: int, seq: int) -> int | None:
    """Whose a reading is; None for one without a card."""
    row = database.execute(
        "select person from presences where kiosk = ? and boot = ? and seq = ?", (kiosk, boot, seq)
    ).fetchone()
    return row[0] if row else None


def count_measured(database: Database, gate: str, begin: float, end: float) -> tuple[int, int]:
    """How many measurements ended with a verdict at a gate from `begin` to `end` (Unix time, s,
    both included), and how many of them have a person."""
    span = {"gate": gate, "begin": begin, "end": end}
    return database.execute(_MEASURED, span).fetchone()


_BETWEEN = """
    select person, at from presences
    where at between ? and ? and gate = ? and person is not ? order by at, person"""
_MEASURED = """
    select count(*), count(p.person) from readings r left join presences p using (kiosk, boot, seq)
    where r.gate = :gate and r.verdict != 'retry' and (r.at between :begin and :end
        or r.at is null and r.received_at between :begin and :end)"""
