"""A report as texts and tables, from which the page, CSV, XLSX, PDF and print are made."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from fevergate.texts.translations import N_, Say
from fevergate.texts.word_tables import LABELS


class Celsius(float):
    """A temperature in °C. People read it in tenths, as on a kiosk; a file keeps all stored
    digits."""


Cell = str | int | float | date | datetime | None
"""Value of a cell. In a spreadsheet a number, a date or a time (local, without a zone) becomes a
cell of that type, and a text stays text even if it looks like a number."""

FIELDS = {
    "fevers": N_("Fever"),
    "kiosks": N_("Kiosk"),
    "covered": N_("Coverage"),
    "zero": N_("Report of zero"),
    "roll": N_("List of people"),
    "expected": N_("Expected"),
    "measured": N_("Measured"),
    "excused": N_("Excused"),
    "unmeasured": N_("Not measured"),
    "normal": N_("Normal"),
    "fever": N_("Fever"),
    "retry": N_("Retry"),
    "watched_minutes": N_("Minutes watched"),
    "fault_minutes": N_("Minutes faulty"),
    "silences": N_("Silences"),
    "clinical_c": N_("Second measurement °C"),
    "clinical_site": N_("Where measured"),
    "outcome": N_("Outcome"),
    "closed": N_("Closed"),
    "acknowledged_at": N_("Acknowledged"),
    "acknowledged_by": N_("Acknowledged by"),
    "body_c": N_("Body °C (axillary equivalent)"),
    "skin_c": N_("Skin °C"),
    "threshold_c": N_("Threshold °C"),
    "raised_at": N_("Red light"),
    "at": N_("Time"),
    "gate": N_("Gate"),
    "first_at": N_("First"),
    "last_at": N_("Last"),
    "late_minutes": N_("Minutes sent late"),
    "struck": N_("Struck"),
    "begin": N_("From"),
    "end": N_("To"),
    "people": N_("People"),
    "by": N_("Struck by"),
    "reason": N_("Why"),
    "undone_at": N_("Taken back"),
    "undone_by": N_("Taken back by"),
    "undone_reason": N_("Why"),
}
"""Titles of the fields of a signed report."""


class Rows:
    """The `count` rows of a table, which `read` makes one by one, so that a long table takes little
    memory; they can be iterated again."""

    def __init__(self, count: int, read: Callable[[], Iterator[list[Cell]]]) -> None:
        self._count = count
        self._read = read

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[list[Cell]]:
        return self._read()


class Table(NamedTuple):
    """A titled table; each row is as long as `columns`. Times are local."""

    title: str
    columns: list[str]
    rows: list[list[Cell]] | Rows
    narrow: list[int] | None = None
    """Indexes of the columns shown on paper, page and terminal, which have room for few; None:
    all."""

    def shown(self) -> "Table":
        """The table with only the columns in `narrow`."""
        if self.narrow is None:
            return self
        numbers = self.narrow

        def rows() -> Iterator[list[Cell]]:
            return ([row[number] for number in numbers] for row in self.rows)

        columns = [self.columns[number] for number in numbers]
        return Table(self.title, columns, Rows(len(self.rows), rows))


class Sheet(NamedTuple):
    """A report, such as a day's log: its text and its tables."""

    title: str
    state: str
    """`red`, `green` or `amber`."""
    verdict: str
    lines: list[str]
    tables: list[Table]
    signed: Sequence[str] = ()
    to_sign: tuple[str, ...] = ()
    """Titles of the lines to be filled in by hand on paper, such as signature and date."""
    day: date | None = None
    """The day that the report is about: times of this day are printed without their date."""


def celsius(value_c: float | None) -> Celsius | None:
    """A temperature (°C) as a cell."""
    return None if value_c is None else Celsius(value_c)


def local_time(at: float | None, zone: ZoneInfo) -> datetime | None:
    """A Unix time (s) as a cell: local, in whole seconds."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, zone).replace(tzinfo=None, microsecond=0)


def cell_text(value: Cell, day: date | None = None) -> str:
    """A cell as people read it; a time of `day` without its date."""
    match value:
        case None:
            return ""
        case datetime():
            return value.strftime("%H:%M:%S" if value.date() == day else "%Y-%m-%d %H:%M:%S")
        case Celsius():
            return f"{value:.1f}"
        case float():
            return f"{value:.2f}".removesuffix("0")
    return str(value)


def folded(text: str) -> str:
    """A text for comparing: one case, no full-width characters, no spaces."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def label_of(value: str, say: Say) -> str:
    """The translated label of a value, or the value itself."""
    return say(LABELS[value]) if value in LABELS else value
