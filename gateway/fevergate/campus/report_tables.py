"""A day's report as tables, and the names of its figures and states."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import msgspec

from fevergate.campus.given_names import CampusNames
from fevergate.campus.report import CampusDay, DayReport, FeverDay, Figures
from fevergate.people.roll import DayRoll
from fevergate.settings.names import Names
from fevergate.texts.translations import N_
from fevergate.web_common.tables import Cell, Rows, Say, Table, celsius, label_of, local_time

STATES = {
    "reported": N_("reported"),
    "partial": N_("in part"),
    "uncovered": N_("no kiosk watched"),
    "missing": N_("MISSING"),
}
FIGURES = (
    *(N_("People screened"), N_("Fevers"), N_("Confirmed"), N_("Released")),
    *(N_("Outstanding"), N_("Retries"), N_("Minutes watched"), N_("Minutes faulty")),
    N_("Minutes sent late"),
)
ROLL = {
    "expected": N_("Expected"),
    "measured": N_("Measured"),
    "excused": N_("Excused"),
    "unmeasured": N_("Not measured"),
    "fevers": N_("Fevers by hand"),
}
"""Titles of the figures of a list of people, by field of `DayRoll`; shown only if there is a list.
"""

TABLES = {
    "campuses": (N_("By campus"), N_("Campus"), N_("State")),
    "gates": (N_("By gate"), N_("Campus"), N_("Gate")),
    "kiosks": (N_("By kiosk"), N_("Campus"), N_("Gate"), N_("Kiosk")),
    "fevers": (
        *(N_("Fevers"), N_("Time"), N_("Campus"), N_("Gate"), N_("Kiosk"), N_("Record")),
        *(N_("Body °C (axillary equivalent)"), N_("Threshold °C"), N_("Red light")),
        *(N_("Acknowledged"), N_("After (s)"), N_("Second measurement °C")),
        *(N_("Where measured"), N_("Outcome"), N_("Closed")),
    ),
}
"""Title of each table and its first columns; the columns of `FIGURES` follow, except for fevers.

The table of fevers has the columns of a gateway's log as far as its summaries contain them, without
the guards' names."""

NOT_ON_PAPER = (N_("Threshold °C"), N_("Red light"))
"""Columns of the fevers for which the page and the paper have no room."""


@dataclass(frozen=True)
class ReportTables:
    """Tables of reports in one language, with the local times of a zone; `names` reads the names of
    gates and kiosks."""

    zone: ZoneInfo
    language: str
    say: Say
    names: Callable[[], CampusNames] = dict[str, Names]

    def place(self, names_by_campus: CampusNames, title: str, campus: str, fever: FeverDay) -> str:
        """Where a fever was seen: the campus's `title`, then the gate and kiosk as in
        `names_by_campus`."""
        names = names_by_campus.get(campus, Names())
        return " · ".join((title, names.gate(fever.gate), names.kiosk(fever.kiosk)))

    def title(self, campus: CampusDay) -> str:
        return campus.title_en if self.language == "en" else campus.title

    def table(self, name: str, report: DayReport) -> Table:
        """The table `name`, one of `TABLES`."""
        if name == "fevers":
            return self._fevers(report)
        say = self.say
        rows: list[list[Cell]] = []
        names_by_campus = self.names()
        for campus in report.campuses:
            title, names = self.title(campus), names_of(names_by_campus, campus)
            if name == "campuses":
                rows.append(
                    [
                        *(title, say(STATES[campus.state]), *_figures(campus.figures)),
                        *(roll_cells(campus.roll) if report.roll else ()),
                    ]
                )
            elif name == "gates":
                rows += (
                    [title, names.gate(gate), *_figures(figures)]
                    for gate, figures in campus.gates().items()
                )
            else:
                rows += (
                    [title, names.gate(k.gate), names.kiosk(k.kiosk), *_figures(k.figures)]
                    for k in campus.kiosks
                )
        head, *columns = TABLES[name]
        columns += FIGURES
        if name == "campuses":
            together: list[Cell] = [say("Together"), "", *_figures(report.total)]
            if report.anywhere:
                empty_figures = _figures(None)
                rows.append(
                    [say("People of no campus"), "", *empty_figures, *roll_cells(report.anywhere)]
                )
            if report.roll:
                columns += ROLL.values()
                together += roll_cells(report.roll)
            rows.append(together)
        return Table(say(head), [say(column) for column in columns], rows)

    def _fevers(self, report: DayReport) -> Table:
        say, names_by_campus = self.say, self.names()
        is_struck = any(fever.struck for campus in report.campuses for fever in campus.fevers)
        rows: list[list[Cell]] = [
            [
                *self._fever_row(self.title(campus), names_of(names_by_campus, campus), fever),
                *(["✕" if fever.struck else ""] if is_struck else []),
            ]
            for campus in report.campuses
            for fever in campus.fevers
        ]
        head, *columns = TABLES["fevers"]
        if is_struck:
            columns.append(N_("Struck"))
        # This stands in the table as well, since a CSV file has no other place for it.
        empty: list[Cell] = [""] * (len(columns) - 5)
        rows += [
            ["", self.title(campus), "", "", say("%d more, not listed") % campus.unlisted, *empty]
            for campus in report.campuses
            if campus.unlisted
        ]
        return Table(say(head), [say(column) for column in columns], rows, _on_paper(columns))

    def found(
        self,
        titles: Callable[[str], str],
        count: int,
        read: Callable[[], Iterator[tuple[str, FeverDay]]],
    ) -> Table:
        """A table of `count` fevers. `read` yields each with its campus; `titles` returns a
        campus's title."""
        names_by_campus, no_names = self.names(), Names()
        head, *columns = TABLES["fevers"]

        def rows() -> Iterator[list[Cell]]:
            for campus, fever in read():
                yield self._fever_row(titles(campus), names_by_campus.get(campus, no_names), fever)

        titles_said = [self.say(column) for column in columns]
        return Table(self.say(head), titles_said, Rows(count, rows), _on_paper(columns))

    def _fever_row(self, title: str, names: Names, fever: FeverDay) -> list[Cell]:
        say = self.say
        return [
            *(local_time(fever.at, self.zone), title),
            *(names.gate(fever.gate), names.kiosk(fever.kiosk)),
            *(fever.identity, celsius(fever.body_c), fever.threshold_c),
            local_time(fever.raised_at, self.zone),
            local_time(fever.acknowledged_at, self.zone),
            None if fever.delay_s is None else round(fever.delay_s, 1),
            celsius(fever.clinical_c),
            *(label_of(fever.clinical_site, say), label_of(fever.outcome, say)),
            "✓" if fever.closed else "",
        ]


def _on_paper(columns: list[str]) -> list[int]:
    return [number for number, column in enumerate(columns) if column not in NOT_ON_PAPER]


def names_of(names_by_campus: CampusNames, campus: CampusDay) -> Names:
    """Names of a campus's gates and kiosks from `names_by_campus`; empty if it has none."""
    return names_by_campus.get(campus.campus, Names())


def _figures(figures: Figures | None) -> list[Cell]:
    return [None] * len(FIGURES) if figures is None else [*msgspec.structs.astuple(figures)]


def roll_cells(roll: DayRoll | None) -> list[Cell]:
    """Figures of a list of people, in the order of `ROLL`."""
    return [None if roll is None else getattr(roll, name) for name in ROLL]
