"""The columns of a list of fevers, which are the same on pages, in `fevergate log` and in files."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from fevergate.protocol.alarm_messages import BUTTON
from fevergate.reports.fevers import Fever, identity_of
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.strikes import Strike, of_fever
from fevergate.texts.translations import N_, Say, translator
from fevergate.web.follow_ups import Followed, FollowUp
from fevergate.web_common.tables import Cell, Rows, Table, celsius, label_of, local_time


class FeverRow(NamedTuple):
    """All that one row of the list is made of."""

    settings: GatewaySettings
    language: str
    say: Say
    fever: Fever
    after: FollowUp
    strike: Strike | None = None


class FeverColumn(NamedTuple):
    """A column: `title` is untranslated, `read` makes its cell of a row."""

    title: str
    read: Callable[[FeverRow], Cell]
    narrow: bool = False
    """Whether it is also shown where there is little room: on a page, in the terminal, on paper."""


def _local(at: float | None, row: FeverRow) -> Cell:
    return local_time(at, row.settings.zone)


def _delay(row: FeverRow) -> Cell:
    return None if row.fever.delay_s is None else round(row.fever.delay_s, 1)


def _acknowledged_by(row: FeverRow) -> Cell:
    if row.fever.acknowledged_at is None:
        return row.say(N_("not acknowledged"))
    by = row.fever.acknowledged_by or ""
    return row.say(N_("button at the gate")) if by == BUTTON else by


FEVER_COLUMNS = (
    FeverColumn(N_("Time"), lambda row: _local(row.fever.at, row), narrow=True),
    FeverColumn(
        N_("Time source"), lambda row: row.say(N_("Kiosk") if row.fever.dated else N_("arrival"))
    ),
    FeverColumn(N_("Campus"), lambda row: row.settings.campus_title(row.language)),
    FeverColumn(
        N_("Gate"), lambda row: row.settings.gate_title(row.fever.gate, row.language), narrow=True
    ),
    FeverColumn(
        N_("Kiosk"),
        lambda row: row.settings.kiosk_title(row.fever.kiosk, row.language),
        narrow=True,
    ),
    FeverColumn(N_("Record"), lambda row: "/".join(map(str, identity_of(row.fever)))),
    FeverColumn(
        N_("Body °C (axillary equivalent)"), lambda row: celsius(row.fever.body_c), narrow=True
    ),
    FeverColumn(N_("Skin °C"), lambda row: celsius(row.fever.skin_c)),
    FeverColumn(N_("Threshold °C"), lambda row: row.fever.threshold_c),
    FeverColumn(N_("Air °C"), lambda row: celsius(row.fever.ambient_c)),
    FeverColumn(N_("Red light"), lambda row: _local(row.fever.raised_at, row)),
    FeverColumn(N_("Acknowledged"), lambda row: _local(row.fever.acknowledged_at, row)),
    FeverColumn(N_("Acknowledged by"), _acknowledged_by, narrow=True),
    FeverColumn(N_("After (s)"), _delay, narrow=True),
    FeverColumn(
        N_("Second measurement °C"), lambda row: celsius(row.after.clinical_c), narrow=True
    ),
    FeverColumn(
        N_("Where measured"), lambda row: label_of(row.after.clinical_site, row.say), narrow=True
    ),
    FeverColumn(N_("Outcome"), lambda row: label_of(row.after.outcome, row.say), narrow=True),
    FeverColumn(N_("Closed"), lambda row: "✓" if row.after.closed else "", narrow=True),
)

PERSONAL_COLUMNS = (
    FeverColumn(N_("Person's name"), lambda row: row.after.person, narrow=True),
    FeverColumn(N_("Class or unit"), lambda row: row.after.unit, narrow=True),
    FeverColumn(N_("Telephone"), lambda row: row.after.phone, narrow=True),
    FeverColumn(N_("Note"), lambda row: row.after.note, narrow=True),
)
"""Columns that identify a person: only in a separate document."""

NOT_BESIDE_NAMES = (N_("Acknowledged by"), N_("After (s)"), N_("Where measured"), N_("Closed"))
"""Columns that a document with names has no room for on paper."""

STRUCK_COLUMN = FeverColumn(
    N_("Struck"),
    lambda row: f"{row.strike.by}: {row.strike.reason}" if row.strike else "",
    narrow=True,
)


NARROW_COLUMNS = tuple(column for column in FEVER_COLUMNS if column.narrow)


def fever_table(
    settings: GatewaySettings,
    language: str,
    count: int,
    read: Callable[[], Iterator[Followed]],
    *,
    personal: bool = False,
    strikes: Sequence[Strike] = (),
) -> Table:
    """A table of `count` fevers with their follow-ups, which `read` yields one by one. `personal`
    adds names and telephone numbers; `strikes` adds by whom a fever was struck, and why."""
    say = translator(language)
    columns = [
        column._replace(narrow=False) if personal and column.title in NOT_BESIDE_NAMES else column
        for column in FEVER_COLUMNS
    ]
    if personal:
        columns += PERSONAL_COLUMNS
    if strikes:
        columns.append(STRUCK_COLUMN)

    def rows() -> Iterator[list[Cell]]:
        for fever, after in read():
            strike = of_fever(strikes, fever.kiosk, fever.at)
            row = FeverRow(settings, language, say, fever, after or FollowUp(), strike)
            yield [column.read(row) for column in columns]

    return Table(
        say("Fevers"),
        [say(column.title) for column in columns],
        Rows(count, rows),
        [number for number, column in enumerate(columns) if column.narrow],
    )
