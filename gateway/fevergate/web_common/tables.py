"""A report as words and tables, whatever it is written as: page, CSV, XLSX, PDF or paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from fevergate.protocol.campus_messages import StruckSpan
from fevergate.reports.tree_diff import Difference
from fevergate.texts.translations import LABELS, N_

Cell = str | int | float | None
Say = Callable[[str], str]
T = TypeVar("T")

FIELDS = {
    "fevers": N_("Fever"),
    "kiosks": N_("Kiosk"),
    "covered": N_("Coverage"),
    "zero": N_("Report of zero"),
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
    "at": N_("Time"),
    "gate": N_("Gate"),
    "first_at": N_("First"),
    "last_at": N_("Last"),
    "late_minutes": N_("Minutes told late"),
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
"""What is signed of a day, as people call it."""


class Rows(Generic[T]):
    """Rows that are made as they are read: a flood's are not all there at once."""

    def __init__(self, of: Sequence[T], make: Callable[[T], list[Cell]]) -> None:
        self._of = of
        self._make = make

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[list[Cell]]:
        return map(self._make, self._of)


class Table(NamedTuple):
    """Titles and rows of one length; times are the campus's own."""

    title: str
    columns: list[str]
    rows: list[list[Cell]] | Rows[Any]


class Sheet(NamedTuple):
    """A day's log, or another report: what it says in words, and its tables."""

    name: str
    """For a file, ASCII."""
    title: str
    state: str
    """`red`, `green` or `amber`."""
    verdict: str
    lines: list[str]
    tables: list[Table]
    signed: list[str]


def struck_in_words(one: StruckSpan, kiosk: str, zone: ZoneInfo, say: Say) -> str:
    """Hours that do not count, or count again: by whom and why."""
    end = local(one.end, zone, "%H:%M")
    names = {
        "kiosk": kiosk,
        "begin": local(one.begin, zone, "%H:%M"),
        "end": "24:00" if end == "00:00" else end,
        "people": one.people,
        "fevers": one.fevers,
        "by": one.by,
        "at": local(one.at, zone, "%Y-%m-%d %H:%M"),
        "reason": one.reason,
        "undone_by": one.undone_by,
        "undone_at": local(one.undone_at, zone, "%Y-%m-%d %H:%M"),
        "undone_reason": one.undone_reason,
    }
    if one.undone_at is None:
        text = say(
            "Struck, in no figure: %(kiosk)s from %(begin)s to %(end)s, %(people)d people,"
            " %(fevers)d fevers; by %(by)s at %(at)s: %(reason)s."
        )
    else:
        text = say(
            "Counts again: %(kiosk)s from %(begin)s to %(end)s, struck by %(by)s at %(at)s"
            " (%(reason)s), taken back by %(undone_by)s at %(undone_at)s: %(undone_reason)s."
        )
    return text % names


def in_words(one: Difference, names: Mapping[str, str], say: Say) -> tuple[str, str, str]:
    """A difference as people read it: what, before, now; `names` of the parts of its way."""
    what = " · ".join(say(names[word]) if word in names else word for word in one.what.split())
    values = {"True": "✓", "False": "-"} | {key: say(text) for key, text in LABELS.items()}
    return what, values.get(one.before, one.before), values.get(one.now, one.now)


def local(at: float | None, zone: ZoneInfo, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """UTC seconds as the campus's clocks show them."""
    return "" if at is None else datetime.fromtimestamp(at, zone).strftime(form)


def label_of(value: str, say: Say) -> str:
    """A value as people call it."""
    return say(LABELS[value]) if value in LABELS else value
