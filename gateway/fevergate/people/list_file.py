"""Reads a file with a list of people. A file with any mistake is refused as a whole; every mistake
is reported with its row and column."""

from collections.abc import Iterable

from msgspec import Struct

from fevergate.errors import ListFileError, ListProblem
from fevergate.people import list_columns
from fevergate.people.changes import ListEntry
from fevergate.people.list_columns import REQUIRED, BadCell, ListRules
from fevergate.people.list_table import Rows, sheets, whole
from fevergate.texts.translations import LANGUAGES, N_, both, translator

HEADER_ROWS = 10
"""The column names are in one of this many first rows; a title may be above them."""

MOST_PROBLEMS = 20
MOST_QUOTED = 200
"""Most characters of a file that an error quotes."""


class ListFile(Struct, frozen=True, kw_only=True):
    """The people in a file. `doubled`: numbers of the rows that are left out because they repeat an
    earlier row exactly. `ignored`: titles of columns that were not read."""

    entries: list[ListEntry]
    doubled: list[int]
    ignored: list[str]


def read_list(data: bytes, file: str, rules: ListRules) -> ListFile:
    """Read a list: a CSV file (UTF-8, GB18030), or a spreadsheet's first sheet that has the columns
    of a list.

    Raises `ListFileError` with at most `MOST_PROBLEMS` problems.
    """
    first: Rows = []
    for rows in sheets(data, file):
        for place, header in enumerate(rows[:HEADER_ROWS]):
            if {"number", "name"} <= list_columns.columns(header, rules)[0].keys():
                return _RowReader(file, header, place + 1, rules).read(rows[place + 1 :])
        first = first or rows
    raise _no_header(file, first, rules)


def in_words(problem: ListProblem, language: str) -> str:
    """A problem as a sentence in a language, with its row and column."""
    say = translator(language)
    expected = problem.expected[LANGUAGES.index(language)]
    if not problem.row:
        return expected
    if not problem.column:
        return say(N_("row {row}: {expected}"), row=problem.row, expected=expected)
    return say(
        N_("row {row}, column {column}: {expected}"),
        row=problem.row,
        column=problem.column,
        expected=expected,
    )


class _RowReader:
    """Reads the rows below a header, and collects their problems; `row` is the number of the
    header's row."""

    def __init__(self, file: str, header: list[str], row: int, rules: ListRules) -> None:
        self._file = file
        self._header = header
        self._row = row
        self._rules = rules
        self._places, twice, self._ignored = list_columns.columns(header, rules)
        self._problems = [
            ListProblem(row, name, both("two columns of this meaning; expected one"))
            for name in twice
        ]
        needed = REQUIRED if rules.kind else (*REQUIRED, "kind")
        for field in needed:
            if field not in self._places:
                column = self._title(field)
                self._problems.append(ListProblem(row, column, both("this column is missing")))
        if self._problems:
            raise self._error()

    def read(self, rows: Iterable[list[str]]) -> ListFile:
        by_number: dict[str, tuple[int, ListEntry]] = {}
        by_card: dict[str, int] = {}
        doubled: list[int] = []
        for row, cells in enumerate(rows, self._row + 1):
            if not any(cells):
                continue
            entry = self._entry(row, cells)
            if len(self._problems) >= MOST_PROBLEMS:
                raise self._error()
            if entry is None:
                continue
            before = by_number.setdefault(entry.number.casefold(), (row, entry))
            if before[0] != row:
                if before[1] == entry:
                    doubled.append(row)
                else:
                    self._twice(row, "number", before[0])
            elif entry.card and by_card.setdefault(entry.card.casefold(), row) != row:
                self._twice(row, "card", by_card[entry.card.casefold()])
        if self._problems:
            raise self._error()
        if not by_number:
            raise whole(self._file, N_("the list is empty: there is no row below the column names"))
        entries = [entry for _, entry in by_number.values()]
        return ListFile(entries=entries, doubled=doubled, ignored=self._ignored)

    def _entry(self, row: int, cells: list[str]) -> ListEntry | None:
        """The entry of a row; None if a cell is wrong. Each wrong cell adds a problem."""
        values, wrong = {}, False
        for field in list_columns.USUAL:
            place = self._places.get(field, len(cells))
            cell = cells[place] if place < len(cells) else ""
            try:
                values[field] = list_columns.value(field, cell, self._rules)
            except BadCell as error:
                wrong = True
                self._problems.append(ListProblem(row, self._title(field), error.expected))
        values["class_"] = values.pop("class", "")
        return None if wrong else ListEntry(**values)

    def _twice(self, row: int, field: str, before: int) -> None:
        text = both("row {before} has it, too, with other values; expected it once", before=before)
        self._problems.append(ListProblem(row, self._title(field), text))

    def _title(self, field: str) -> str:
        return list_columns.title(field, self._header, self._places, self._rules)

    def _error(self) -> ListFileError:
        return ListFileError(self._file, self._problems[:MOST_PROBLEMS])


def _no_header(file: str, rows: Rows, rules: ListRules) -> ListFileError:
    """The error for a file whose first rows contain no column names."""
    names = [list_columns.title(field, [], {}, rules) for field in ("number", "name")]
    first_row = "、".join(filter(None, next(filter(any, rows), [])[:8]))[:MOST_QUOTED]
    return whole(
        file,
        N_(
            "expected the column names {names} in one of the first {rows} rows; the first says:"
            " {there}"
        ),
        names="、".join(names),
        rows=HEADER_ROWS,
        there=first_row or "-",
    )
