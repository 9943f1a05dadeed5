"""A day's report as sentences and tables, for the page and the exported files."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from fevergate.campus.given_names import CampusNames
from fevergate.campus.report import CampusDay, DayReport, FeverDay, Figures, StruckRows
from fevergate.campus.report_versions import Version
from fevergate.people.roll import DayRoll, in_words
from fevergate.reports.day_in_words import local, struck_in_words
from fevergate.reports.tree_diff import Difference
from fevergate.settings.names import Names
from fevergate.texts.translations import N_
from fevergate.web_common.tables import (
    FIELDS,
    Cell,
    Rows,
    Say,
    Sheet,
    Table,
    difference_in_words,
    label_of,
    local_time,
)

STATES = {
    "reported": N_("reported"),
    "partial": N_("in part"),
    "uncovered": N_("nobody watched"),
    "missing": N_("MISSING"),
}
FIGURES = (
    *(N_("People screened"), N_("Fevers"), N_("Confirmed"), N_("Released")),
    *(N_("Outstanding"), N_("Retries"), N_("Minutes watched"), N_("Minutes faulty")),
    N_("Minutes told late"),
)
ROLL = {
    "expected": N_("Expected"),
    "measured": N_("Measured"),
    "excused": N_("Excused"),
    "unmeasured": N_("Not measured"),
    "fevers": N_("Fevers by hand"),
}
"""Titles of the figures of a list of people, by field of `DayRoll`; shown only where there is a
list."""

PARTS = FIELDS | {
    "roll": N_("List of people"),
    "anywhere": N_("People of no campus"),
    "roll_silent": N_("Gateway"),
    "total": N_("Together"),
    "state": N_("State"),
    "silent": N_("Gateway"),
    "contradictions": N_("Contradiction"),
    "rows_struck": N_("Replaced token"),
    "token": N_("Token"),
    "since": N_("Since"),
    "stated": N_("Stated"),
    "held": N_("Held"),
    "unlisted": N_("Not listed"),
}
"""Displayed names of the parts of a difference's path."""

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
"""Title of each table and its columns, before those of `FIGURES`; the fevers' have none, and are
those of a gateway's log as far as its summaries have them, without the guards' names."""

NOT_ON_PAPER = (N_("Threshold °C"), N_("Red light"))
"""Columns of the fevers for which the page and the paper have no room."""


GAPS = {
    "missing": N_("Missing, no figures: %s."),
    "partial": N_("Not all said, figures so far: %s."),
    "uncovered": N_("Nobody watched, no report of zero: %s."),
}
"""Sentence on the campuses of a state."""


class ReportText:
    """Says reports in one language, with the local times of a zone; `names` reads those of gates
    and kiosks."""

    def __init__(
        self,
        zone: ZoneInfo,
        language: str,
        say: Say,
        names: Callable[[], CampusNames] = dict[str, Names],
    ) -> None:
        self._names = names
        self._zone = zone
        self._language = language
        self._say = say

    def verdict(self, report: DayReport) -> tuple[str, str]:
        """Colour (`red`, `green` or `amber`) and sentence of a report. Zero fevers are stated only
        by a complete report."""
        say, total = self._say, report.total
        values = {"campuses": len(report.campuses), "people": total.screened}
        listed = f" {in_words(report.roll, say)}" if report.roll else ""
        if report.zero:
            return "green", (
                say(
                    "Report of zero: all %(campuses)d campuses reported, %(people)d people, no"
                    " fever."
                )
                % values
                + listed
            )
        if report.watched and report.unmeasured:
            values["unmeasured"] = report.unmeasured
            return "amber", (
                say(
                    "Zero, with %(unmeasured)d not measured: all %(campuses)d campuses reported,"
                    " %(people)d people, no fever."
                )
                % values
                + listed
            )
        text = say(
            "Fevers: %(fevers)d; confirmed %(confirmed)d, released %(released)d,"
            " outstanding %(outstanding)d; %(people)d people screened."
        ) % (msgspec.structs.asdict(total) | {"people": total.screened})
        text += listed
        if report.complete and not report.watched:
            return "red", text
        return ("red" if report.fevers else "amber"), text + " " + say("Not complete: see below.")

    def gaps(self, report: DayReport) -> list[str]:
        """Sentences on campuses that are missing, partial or uncovered, and on contradictions."""
        say, named, sentences = self._say, self._names(), []
        for state, sentence in GAPS.items():
            names = [self.title(campus) for campus in report.campuses if campus.state == state]
            if names:
                sentences.append(say(sentence) % ", ".join(names))
        sentences += [
            say("%(campus)s: not told who was measured, no report of zero: %(gateways)s.")
            % {"campus": self.title(campus), "gateways": ", ".join(campus.roll_silent)}
            for campus in report.campuses
            if campus.roll_silent
        ]
        sentences += [
            say("%(campus)s: %(count)d more fevers are counted, but not listed.")
            % {"campus": self.title(campus), "count": campus.unlisted}
            for campus in report.campuses
            if campus.unlisted
        ]
        return sentences + [
            say("%(campus)s, %(kiosk)s: stated %(stated)d people, its hours have %(held)d.")
            % (
                msgspec.structs.asdict(contradiction)
                | {
                    "campus": self.title(campus),
                    "kiosk": _of(named, campus).kiosk(contradiction.kiosk),
                }
            )
            for campus in report.campuses
            for contradiction in campus.contradictions
        ]

    def struck(self, report: DayReport) -> list[str]:
        """A sentence on each strike of the day, here or at a gateway, and on those taken back."""
        sentences, named = [], self._names()
        for campus in report.campuses:
            kiosk = _of(named, campus).kiosk
            words = [
                struck_in_words(h, kiosk(h.kiosk), self._zone, self._say) for h in campus.struck
            ]
            words += map(self._rows_in_words, campus.rows_struck)
            sentences += [f"{self.title(campus)}: {text}" for text in words]
        return sentences

    def _rows_in_words(self, rows: StruckRows) -> str:
        """Sentence on struck rows of a replaced token, or on taking that back: by whom and why."""
        say = self._say
        values: dict[str, Any] = msgspec.structs.asdict(rows) | {"token": rows.token[:8]}
        for name in ("since", "at", "undone_at"):
            values[name] = local(values[name], self._zone, "%Y-%m-%d %H:%M")
        if rows.undone_at is None:
            text = say(
                "Struck, in no figure: what came since %(since)s by the replaced token %(token)s of"
                " %(gateway)s, %(people)d people, %(fevers)d fevers; by %(by)s at %(at)s:"
                " %(reason)s."
            )
        else:
            text = say(
                "Counts again: what came since %(since)s by the replaced token %(token)s of"
                " %(gateway)s, struck by %(by)s at %(at)s (%(reason)s), taken back by %(undone_by)s"
                " at %(undone_at)s: %(undone_reason)s."
            )
        return text % values

    def state(self, campus: CampusDay) -> str:
        """What a campus said of the day."""
        return self._say(STATES[campus.state])

    def place(self, named: CampusNames, title: str, campus: str, fever: FeverDay) -> str:
        """Where a fever was seen; `title` is the campus's, `named` has the names of the rest."""
        names = named.get(campus, Names())
        return " · ".join((title, names.gate(fever.gate), names.kiosk(fever.kiosk)))

    def title(self, campus: CampusDay) -> str:
        return campus.title_en if self._language == "en" else campus.title

    def sheet(self, report: DayReport, version: Version) -> Sheet:
        """The whole document of a version."""
        say = self._say
        institution = (report.title_en if self._language == "en" else "") or report.title
        head = say("Daily report of fever screening")
        if report.zero:
            head += " " + say("(report of zero)")
        state, verdict = self.verdict(report)
        about = say("Version %(version)d of %(at)s. Times are those of %(zone)s.") % {
            "version": version.version,
            "at": local(version.made_at, self._zone),
            "zone": report.timezone,
        }
        return Sheet(
            title=f"{institution} {head} {report.date}".strip(),
            state=state,
            verdict=verdict,
            lines=[
                *self.gaps(report),
                *self.struck(report),
                about,
                say("It screens and does not diagnose."),
            ],
            tables=[self.table(name, report) for name in TABLES],
            signed=self.signatures(version),
            to_sign=(say("Signature"), say("Date"), say("Seal")),
            day=date.fromisoformat(report.date),
        )

    def table(self, name: str, report: DayReport) -> Table:
        """The table `name`, one of `TABLES`."""
        if name == "fevers":
            return self._fevers(report)
        say = self._say
        rows: list[list[Cell]] = []
        named = self._names()
        for campus in report.campuses:
            title, names = self.title(campus), _of(named, campus)
            if name == "campuses":
                rows.append(
                    [
                        *(title, say(STATES[campus.state]), *_figures(campus.figures)),
                        *(roll_cells(campus.roll) if report.roll else ()),
                    ]
                )
            elif name == "gates":
                rows += (
                    [title, names.gate(gate), *_figures(of)] for gate, of in campus.gates().items()
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
                none = _figures(None)
                rows.append([say("People of no campus"), "", *none, *roll_cells(report.anywhere)])
            if report.roll:
                columns += ROLL.values()
                together += roll_cells(report.roll)
            rows.append(together)
        return Table(say(head), [say(column) for column in columns], rows)

    def _fevers(self, report: DayReport) -> Table:
        say, named = self._say, self._names()
        is_struck = any(fever.struck for campus in report.campuses for fever in campus.fevers)
        rows: list[list[Cell]] = [
            [
                *self._fever_row(self.title(campus), _of(named, campus), fever),
                *(["✕" if fever.struck else ""] if is_struck else []),
            ]
            for campus in report.campuses
            for fever in campus.fevers
        ]
        head, *columns = TABLES["fevers"]
        if is_struck:
            columns.append(N_("Struck"))
        # In the table, too: a CSV has no other place to say it.
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
        """A table of `count` fevers that `read` reads one by one with their campuses, whose titles
        `titles` has."""
        named, none = self._names(), Names()
        head, *columns = TABLES["fevers"]

        def rows() -> Iterator[list[Cell]]:
            for campus, fever in read():
                yield self._fever_row(titles(campus), named.get(campus, none), fever)

        titles_said = [self._say(column) for column in columns]
        return Table(self._say(head), titles_said, Rows(count, rows), _on_paper(columns))

    def _fever_row(self, title: str, names: Names, fever: FeverDay) -> list[Cell]:
        say = self._say
        return [
            *(local_time(fever.at, self._zone), title),
            *(names.gate(fever.gate), names.kiosk(fever.kiosk)),
            *(fever.identity, fever.body_c, fever.threshold_c),
            local_time(fever.raised_at, self._zone),
            local_time(fever.acknowledged_at, self._zone),
            None if fever.delay_s is None else round(fever.delay_s, 1),
            fever.clinical_c,
            *(label_of(fever.clinical_site, say), label_of(fever.outcome, say)),
            "✓" if fever.closed else "",
        ]

    def signatures(self, version: Version) -> list[str]:
        """Lines on who signed and submitted a version, and its hash."""
        say = self._say
        lines = [f"SHA-256 {version.sha256}"]
        if not version.genuine:
            lines.append(say("The record of this signature was tampered with."))
        signed = {"by": version.signed_by, "at": local(version.signed_at, self._zone)}
        submitted = {
            "to": version.submitted_to or "-",
            "by": version.submitted_by,
            "at": local(version.submitted_at, self._zone),
        }
        return [
            *lines,
            say("Signed by %(by)s at %(at)s.") % signed if signed["at"] else say("Not signed."),
            say("Submitted to %(to)s by %(by)s at %(at)s.") % submitted
            if submitted["at"]
            else say("Not submitted."),
        ]

    def corrections(self, version: Version, report: DayReport) -> list[tuple[str, str, str]]:
        """Differences of a version to the one before: (what, before, now), for display."""
        say = self._say
        titles = {campus.campus: self.title(campus) for campus in report.campuses}
        figures = dict(zip(Figures.__struct_fields__, FIGURES, strict=True))
        corrections = []
        for difference in version.differences:
            names, way = dict(PARTS), difference.what.split()
            if way[0] == "campuses":
                title = titles.get(way[1], way[1])
                names[title] = title
                way = [title, *way[2:]]
            way = [word for word in way if word != "figures"]
            # Some figures share a name with a branch of the tree.
            titles_of = ROLL if {"roll", "anywhere"} & set(way) else figures
            if way[-1] in titles_of:
                names[way[-1]] = titles_of[way[-1]]
            short = Difference(
                what=" ".join(way),
                before=say(STATES.get(difference.before, difference.before)),
                now=say(STATES.get(difference.now, difference.now)),
            )
            corrections.append(difference_in_words(short, names, say))
        return corrections


def _on_paper(columns: list[str]) -> list[int]:
    return [number for number, column in enumerate(columns) if column not in NOT_ON_PAPER]


def _of(named: CampusNames, campus: CampusDay) -> Names:
    return named.get(campus.campus, Names())


def _figures(figures: Figures | None) -> list[Cell]:
    if figures is None:
        return [None] * len(FIGURES)
    return [getattr(figures, name) for name in Figures.__struct_fields__]


def roll_cells(roll: DayRoll | None) -> list[Cell]:
    """Figures of a list of people, in the order of `ROLL`."""
    return [None if roll is None else getattr(roll, name) for name in ROLL]
