"""Reads a roster from a file: who is on duty where, from when to when; mistakes by row and column.

A row has a name, a gate (at a campus server a campus; empty: all), and either two local times, or a
date and two times of day. A shift that would end at or before its begin ends the day after.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from fevergate.errors import ListFileError, ListProblem
from fevergate.people.list_table import sheets, whole
from fevergate.registers.duty import OnDuty
from fevergate.settings.values import is_person_name
from fevergate.texts.translations import N_, Pair, both

COLUMNS = {
    "name": ("值班员", "值班人", "值班人员", "姓名", "name", "on duty"),
    "gate": ("校门", "岗位", "门岗", "gate", "校区", "campus"),
    "date": ("日期", "值班日期", "date"),
    "from": ("开始", "开始时间", "上岗时间", "从", "from", "begin"),
    "to": ("结束", "结束时间", "下岗时间", "至", "to", "end"),
}
"""Names of each column, any of which may head it."""

ALL = ("", "全部", "所有", "所有校门", "所有校区", "all")
"""Words that stand for all gates."""

HEADER_ROWS = 10
MOST_SHIFTS = 5000
MOST_PROBLEMS = 20

_DATE = r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
_CLOCK = r"(\d{1,2})[:：](\d{2})(?:[:：]\d{2})?"
_MOMENT = re.compile(rf"{_DATE}(?:[T ]+{_CLOCK})?", re.ASCII)
_TIME_OF_DAY = re.compile(_CLOCK, re.ASCII)


class DutyRules(Struct, frozen=True, kw_only=True):
    """The zone of a roster's times, and the ids of gates by the names that it may give them."""

    zone: ZoneInfo
    gates: Mapping[str, str]


class _BadCell(ValueError):  # noqa: N818 - it never leaves this module
    def __init__(self, column: str, expected: Pair) -> None:
        super().__init__(expected[1])
        self.column = column
        self.expected = expected


def read_roster(data: bytes, file: str, rules: DutyRules) -> list[OnDuty]:
    """Read a roster: CSV (UTF-8, GB18030) or the first sheet of a spreadsheet with its columns.

    Raises `ListFileError` with at most `MOST_PROBLEMS` problems.
    """
    for rows in sheets(data, file, times=True):
        for place, header in enumerate(rows[:HEADER_ROWS]):
            columns = _columns(header)
            if {"name", "from", "to"} <= columns.keys():
                titles = {field: header[column].strip() for field, column in columns.items()}
                return _shifts(rows[place + 1 :], place + 2, columns, titles, file, rules)
    names = "、".join(COLUMNS[field][0] for field in ("name", "from", "to"))
    raise whole(file, N_("expected the columns {names} in one of the first rows"), names=names)


def _columns(header: list[str]) -> dict[str, int]:
    """The column of each field, from a row of column names."""
    names = {name: field for field, usual_names in COLUMNS.items() for name in usual_names}
    places: dict[str, int] = {}
    for place, cell in enumerate(header):
        if field := names.get(cell.strip().casefold()):
            places.setdefault(field, place)
    return places


def _shifts(
    rows: list[list[str]],
    first: int,
    columns: dict[str, int],
    titles: dict[str, str],
    file: str,
    rules: DutyRules,
) -> list[OnDuty]:
    problems: list[ListProblem] = []
    shifts: list[OnDuty] = []
    for row, cells in enumerate(rows, first):
        if not any(cells):
            continue
        values = {
            field: cells[place].strip() if place < len(cells) else ""
            for field, place in columns.items()
        }
        try:
            shifts.append(_shift(values, rules))
        except _BadCell as error:
            problems.append(
                ListProblem(row, titles.get(error.column, error.column), error.expected)
            )
            if len(problems) >= MOST_PROBLEMS:
                break
    if problems:
        raise ListFileError(file, problems)
    if not shifts:
        raise whole(file, N_("the roster is empty: there is no row below the column names"))
    if len(shifts) > MOST_SHIFTS:
        raise whole(file, N_("expected at most {most} rows"), most=MOST_SHIFTS)
    return shifts


def _shift(values: Mapping[str, str], rules: DutyRules) -> OnDuty:
    name, gate = values["name"], values.get("gate", "")
    if not is_person_name(name):
        raise _BadCell("name", both("expected a name of 1 to 32 visible characters"))
    if gate.casefold() not in ALL and gate not in rules.gates:
        gates = "、".join(rules.gates)
        raise _BadCell("gate", both("expected one of {gates}, or empty for all", gates=gates))
    begin, begin_day = _moment("from", values)
    end, end_day = _moment("to", values)
    if end <= begin and "date" in values and not end_day and not begin_day:
        end += timedelta(days=1)
    if end <= begin:
        raise _BadCell("to", both("expected a time after the begin"))
    return OnDuty(
        name=name,
        gate="" if gate.casefold() in ALL else rules.gates[gate],
        begin=begin.replace(tzinfo=rules.zone).timestamp(),
        end=end.replace(tzinfo=rules.zone).timestamp(),
    )


def _moment(field: str, values: Mapping[str, str]) -> tuple[datetime, bool]:
    """The local time in a cell, and whether the cell itself has the date."""
    cell = values[field]
    date = _MOMENT.fullmatch(values.get("date", ""))
    try:
        if (match := _TIME_OF_DAY.fullmatch(cell)) and "date" in values:
            if not date:
                raise _BadCell("date", both("expected a date such as 2026-11-27"))
            return _local(*date.groups()[:3], *match.groups()), False
        if match := _MOMENT.fullmatch(cell):
            return _local(*(group or "0" for group in match.groups())), True
    except (ValueError, OverflowError) as error:
        if isinstance(error, _BadCell):
            raise
    raise _BadCell(
        field, both("expected a time such as 2026-11-27 20:00, or with a date column 20:00")
    )


def _local(year: str, month: str, day: str, hour: str, minute: str) -> datetime:
    """A local time; 24:00 is the end of its day. Raises `ValueError`."""
    if not 2000 <= int(year) < 3000:
        raise ValueError(year)
    if int(hour) == 24 and int(minute) == 0:
        return datetime(int(year), int(month), int(day)) + timedelta(days=1)
    return datetime(int(year), int(month), int(day), int(hour), int(minute))
