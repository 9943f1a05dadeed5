"""Reads the cells of an uploaded list: XLSX, or CSV as Excel and others write it in China.

The kind of a file is recognised by its first bytes, not by its name.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from threading import Lock
from typing import Any

from fevergate.errors import ListFileError, ListProblem
from fevergate.people.sheet_size import MAX_COLUMNS, MAX_ROWS, check_sheets
from fevergate.texts.translations import N_, both

MAX_BYTES = 10_000_000
MAX_SHEETS = 50
"""Most sheets of a spreadsheet that are read: even a small file can have many, because several
sheets may refer to the same part of the file."""

WHOLE_DIGITS = 10**15
"""Numbers of this size or above have lost digits: a spreadsheet keeps only the first 15 digits."""

XLSX, XLS = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
"""First bytes of a spreadsheet: .xlsx (a ZIP archive), and .xls (before Excel 2007)."""

ENCODINGS = ("utf-8-sig", "gb18030")
WIDE = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""Encoding by byte order mark: UTF-16, which Excel calls "Unicode text"."""

DELIMITERS = ",\t;"

SHORTENED = "\0"
"""Prefix of a number's text if the number has lost digits (`WHOLE_DIGITS`); every column refuses
such a number."""

Rows = list[list[str]]


_READING = Lock()


@contextmanager
def only_reader(file: str) -> Iterator[None]:
    """Let no other thread of this process read a list meanwhile. The largest list takes some
    hundred MB of memory, and two would exceed the service's limit. Raises `ListFileError` if
    another thread is reading one."""
    if not _READING.acquire(blocking=False):
        raise whole(file, N_("another file is being read just now: try again in a minute"))
    try:
        yield
    finally:
        _READING.release()


def sheets(data: bytes, file: str, *, times: bool = False) -> Iterator[Rows]:
    """The rows of each sheet, all cells as text; row 1 of the file is at index 0. The time of day
    is read only with `times`; without it, a date with a time gives only the date. Raises
    `ListFileError`."""
    if len(data) > MAX_BYTES:
        raise whole(file, N_("expected at most {most} MB"), most=MAX_BYTES // 1_000_000)
    if data.startswith(XLS):
        raise whole(file, N_("expected CSV or XLSX; save it as one of these"))
    if data.startswith(XLSX):
        yield from _spreadsheet(data, file, _text_with_time if times else _text)
    else:
        yield _csv(data, file)


def whole(file: str, text: str, **values: object) -> ListFileError:
    """The error for a file as a whole."""
    return ListFileError(file, [ListProblem(0, "", both(text, **values))])


def _csv(data: bytes, file: str) -> Rows:
    text = _decoded(data, file)
    first = text.lstrip().partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return _bounded(([cell.strip() for cell in row] for row in rows), file)
    except csv.Error as error:
        problem = ListProblem(
            rows.line_num, "", both("not a row of a CSV file: {error}", error=error)
        )
        raise ListFileError(file, [problem]) from error


def _decoded(data: bytes, file: str) -> str:
    encodings = [WIDE[data[:2]]] if data[:2] in WIDE else ENCODINGS
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise whole(file, N_("expected CSV in UTF-8 or GB18030, or XLSX"))


def _spreadsheet(data: bytes, file: str, text: Callable[[Any], str]) -> Iterator[Rows]:
    import python_calamine  # not at the top: it takes memory, which only an uploaded list needs

    try:
        book = python_calamine.load_workbook(io.BytesIO(check_sheets(data, file)))
        for name in book.sheet_names[:MAX_SHEETS]:
            sheet = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            yield _bounded(([text(cell) for cell in row] for row in sheet), file)
    except ListFileError:
        raise
    except BaseException as error:
        # The library is written in Rust. An unexpected file can make it panic, and Python sees a
        # panic as a BaseException.
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
        raise whole(file, N_("cannot be read as a spreadsheet: {error}"), error=error) from error


def _bounded(rows: Iterable[list[str]], file: str) -> Rows:
    bounded: Rows = []
    for row in rows:
        if len(bounded) == MAX_ROWS:
            raise whole(file, N_("expected at most {most} rows"), most=MAX_ROWS)
        bounded.append(row[:MAX_COLUMNS])
    return bounded


def _text(cell: Any) -> str:
    """A cell of a spreadsheet as the spreadsheet program shows it; a date as YYYY-MM-DD."""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float | int):
        if cell != cell or abs(cell) >= WHOLE_DIGITS:
            return f"{SHORTENED}{cell}"
        return str(int(cell)) if cell == int(cell) else str(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell).strip()


def _text_with_time(cell: Any) -> str:
    """A cell as `_text` gives it, but with the time of day if it has one."""
    if isinstance(cell, datetime) and cell.time() != time():
        return cell.isoformat(" ", "minutes")
    if isinstance(cell, time):
        return f"{cell:%H:%M}"
    if isinstance(cell, timedelta):
        minutes = round(cell.total_seconds() / 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    return _text(cell)
