"""A week, a month or another period over all campuses, beside the period before it."""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec
from msgspec import Struct

from fevergate.campus.day_rolls import together
from fevergate.campus.report import DayReport, Figures, State
from fevergate.campus.report_sheet import ReportText
from fevergate.campus.report_tables import FIGURES, ROLL, STATES, roll_cells
from fevergate.campus.report_versions import Reports
from fevergate.people.roll import DayRoll
from fevergate.texts.translations import N_, Say
from fevergate.web_common.dates import TITLES, Period
from fevergate.web_common.tables import Cell, Sheet, Table

PRESENT_DAYS = 2
"""Number of days, up to today, whose figures known now are used if no report is drafted yet."""


class PeriodSummary(Struct, kw_only=True):
    """The figures of a period by day and by campus. Each campus also has the number of days that it
    reported. The figures of the list of people are sums over the days."""

    period: Period
    days: list[DayReport]
    campuses: dict[str, tuple[str, str, Figures, int]]
    """Title, English title, figures and days reported, by campus."""
    total: Figures

    @property
    def fevers(self) -> int:
        """Number of fevers at kiosks, by hand and at the desk."""
        return sum(day.fevers for day in self.days)

    @property
    def roll(self) -> DayRoll | None:
        """The figures of the list of people; None without one."""
        return together(day.roll for day in self.days)

    def roll_of(self, campus: str) -> DayRoll | None:
        """The figures of a campus's list of people; None without one."""
        return together(
            of_day.roll for day in self.days for of_day in day.campuses if of_day.campus == campus
        )

    @property
    def complete_days(self) -> int:
        """Number of days on which every campus reported."""
        return sum(day.complete for day in self.days)


def summarize(reports: Reports, span: Period, today: date) -> PeriodSummary:
    """Sum up a period from the newest version of each day's report. Raises `CampusError`."""
    latest = {
        report.date: report
        for report, _ in reports.latest(span.begin.isoformat(), span.end.isoformat())
    }
    for back in range(PRESENT_DAYS):
        day = today - timedelta(days=back)
        if span.begin <= day <= span.end and day.isoformat() not in latest:
            latest[day.isoformat()] = reports.now(day.isoformat())
    summary = PeriodSummary(
        period=span, days=[latest[day] for day in sorted(latest)], campuses={}, total=Figures()
    )
    for report in summary.days:
        summary.total.add(report.total)
        for campus in report.campuses:
            *_, figures, reported = summary.campuses.get(campus.campus, ("", "", Figures(), 0))
            if campus.figures:
                figures.add(campus.figures)
            reported += campus.state == "reported"
            names = (campus.title, campus.title_en)
            summary.campuses[campus.campus] = (*names, figures, reported)
    return summary


def compared(reports: Reports, span: Period, before: Period, today: date) -> list[PeriodSummary]:
    """Return the summaries of a period, of as many first days of the period `before`, and, if that
    is longer, of all of `before`. Raises `CampusError`."""
    periods = dict.fromkeys((span, before.first(span.days), before))
    return [summarize(reports, period, today) for period in periods]


class SummaryText:
    """Texts and tables of summaries in one language; `text` writes the reports of single days."""

    def __init__(self, text: ReportText, language: str, say: Say) -> None:
        self._text = text
        self._language = language
        self._say = say

    def verdict(self, summary: PeriodSummary) -> tuple[str, str]:
        """Return a colour and a sentence. "No fever" is stated only if there are complete days."""
        say = self._say
        days = say("Complete days: %(complete)d of %(days)d.") % {
            "complete": summary.complete_days,
            "days": summary.period.days,
        }
        if summary.fevers:
            return "red", say("Fevers: %(count)s") % {"count": summary.fevers} + " · " + days
        if not summary.complete_days:
            return "amber", days
        text = say("No fever.") + " " + days
        if summary.roll and summary.roll.unmeasured:
            count = say("Not measured on a day: %(count)s.") % {"count": summary.roll.unmeasured}
            return "amber", f"{text} {count}"
        return "green", text

    def comparison(self, summaries: Sequence[PeriodSummary]) -> Table:
        """The figures of a period beside the figures of the period before."""
        say = self._say
        rows: list[list[Cell]] = [
            [say(title), *(getattr(summary.total, name) for summary in summaries)]
            for name, title in zip(Figures.__struct_fields__, FIGURES, strict=True)
        ]
        if any(summary.roll for summary in summaries):
            rows += (
                [say(title), *(getattr(summary.roll, name, None) for summary in summaries)]
                for name, title in ROLL.items()
            )
        days = (f"{summary.complete_days}/{summary.period.days}" for summary in summaries)
        rows.append([say("Complete days"), *days])
        columns = ["", *(str(summary.period) for summary in summaries)]
        return Table(say("Compared with the period before"), columns, rows)

    def by_campus(self, summary: PeriodSummary) -> Table:
        """The figures of each campus."""
        say = self._say
        rows: list[list[Cell]] = [
            [
                *(title_en if self._language == "en" else title, reported, *_figures(figures)),
                *(roll_cells(summary.roll_of(campus)) if summary.roll else ()),
            ]
            for campus, (title, title_en, figures, reported) in summary.campuses.items()
        ]
        columns = (N_("Campus"), N_("Days reported"), *FIGURES, *_roll_titles(summary))
        return Table(say("By campus"), [say(column) for column in columns], rows)

    def by_day(self, summary: PeriodSummary) -> Table:
        """The figures of each day that has a report."""
        say = self._say
        rows: list[list[Cell]] = [
            [
                *(date.fromisoformat(day.date), say(STATES[_state(day)]), *_figures(day.total)),
                *(roll_cells(day.roll) if summary.roll else ()),
            ]
            for day in summary.days
        ]
        columns = (N_("Date"), N_("State"), *FIGURES, *_roll_titles(summary))
        return Table(say("By day"), [say(column) for column in columns], rows)

    def sheet(self, summaries: Sequence[PeriodSummary], institution: str, fevers: Table) -> Sheet:
        """The report of a period as a document."""
        say, summary = self._say, summaries[0]
        state, sentence = self.verdict(summary)
        title = f"{institution} {say(TITLES[summary.period.kind])} {summary.period}"
        return Sheet(
            title=title.strip(),
            state=state,
            verdict=sentence,
            lines=[say("It screens and does not diagnose.")],
            tables=[
                self.comparison(summaries),
                self.by_campus(summary),
                self.by_day(summary),
                fevers,
            ],
        )


def _state(day: DayReport) -> State:
    return "reported" if day.complete else "partial"


def _figures(figures: Figures) -> list[Cell]:
    return [*msgspec.structs.astuple(figures)]


def _roll_titles(summary: PeriodSummary) -> tuple[str, ...]:
    return tuple(ROLL.values()) if summary.roll else ()
