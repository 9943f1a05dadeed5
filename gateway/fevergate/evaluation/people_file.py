"""Reads a CSV file of people's measured skin temperatures, and checks every field.

The columns are the same as in the group 1 file described in the project's data notes (Wang et al.
2023, PhysioNet, doi 10.13026/3bhc-9065).
"""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fevergate.errors import PeopleFileError

SITES = ("canthus", "face_max", "forehead", "forehead_max")
ROUNDS = 4
_SKIN_RANGE_C = (10.0, 50.0)
_AMBIENT_RANGE_C = (-40.0, 60.0)


@dataclass(frozen=True)
class Person:
    """One person: the skin's temperature in one to four rounds, the room's temperature, and the
    mouth's if known (°C). `at` is the local time of the measurement, if the file states it.
    """

    subject: str
    rounds_c: tuple[float, ...]
    ambient_c: float
    oral_c: float | None = None
    at: datetime | None = None


def load_people(
    path: str | Path, site: str = "canthus", camera: str = "FLIR", limit: int | None = None
) -> list[Person]:
    """The people of one camera in the order of the file, at most `limit`. People without a value
    for the site are left out.

    Raises `PeopleFileError` naming file, line, column and what was expected there.
    """
    path = Path(path)
    if site not in SITES:
        raise PeopleFileError(f"site: expected one of {', '.join(SITES)}, not {site!r}")
    people: list[Person] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for person in _read(path, csv.DictReader(file, strict=True), site, camera):
                if limit is not None and len(people) >= limit:
                    break
                people.append(person)
    except OSError as error:
        raise PeopleFileError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise PeopleFileError(f"{path}: expected UTF-8 text") from error
    return people


def _read(path: Path, reader: "csv.DictReader[str]", site: str, camera: str) -> Iterator[Person]:
    rounds = [f"{site}_{number}" for number in range(1, ROUNDS + 1)]
    try:
        columns = reader.fieldnames or ()
        for column in ("subject", "camera", "ambient_c", "oral_c", *rounds):
            if column not in columns:
                raise PeopleFileError(f"{path}, line 1: expected a column {column!r}")
        for row in reader:
            place = f"{path}, line {reader.line_num}"
            if None in row:
                raise PeopleFileError(
                    f"{place}, column {len(columns) + 1}: expected {len(columns)} fields"
                )
            if missing := [column for column in columns if row[column] is None]:
                raise PeopleFileError(
                    f"{place}, column {missing[0]}: missing, expected {len(columns)} fields"
                )
            if row["camera"] != camera:
                continue
            values = [_number(place, row, column, _SKIN_RANGE_C) for column in rounds]
            rounds_c = tuple(value for value in values if value is not None)
            if not rounds_c:
                continue
            ambient_c = _number(place, row, "ambient_c", _AMBIENT_RANGE_C)
            if ambient_c is None:
                raise PeopleFileError(f"{place}, column ambient_c: expected °C, found nothing")
            if not row["subject"]:
                raise PeopleFileError(f"{place}, column subject: expected a name, found nothing")
            oral_c = _number(place, row, "oral_c", _SKIN_RANGE_C)
            at = _time(place, row.get("time", ""))
            yield Person(row["subject"], rounds_c, ambient_c, oral_c, at)
    except csv.Error as error:
        # The inner reader has the number of the broken line, the outer one of the last whole row.
        line = reader.reader.line_num
        raise PeopleFileError(f"{path}, line {line}: expected CSV: {error}") from error


def _time(place: str, text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        # The zone does not matter: only the time between two people is used.
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError as error:
        raise PeopleFileError(
            f"{place}, column time: expected ISO 8601 such as 2017-02-07T09:30:00, found {text!r}"
        ) from error


def _number(
    place: str, row: dict[str, str], column: str, allowed: tuple[float, float]
) -> float | None:
    text = row[column].strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not allowed[0] <= value <= allowed[1]:
        raise PeopleFileError(
            f"{place}, column {column}: expected °C from {allowed[0]:g} to {allowed[1]:g}, "
            f"found {text!r}"
        )
    return value
