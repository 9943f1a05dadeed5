"""The report of a week, a month or another period, beside the period before it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date

from sqlite_utils import Database

from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.coverage_bits import day_bounds
from fevergate.texts.translations import N_, Say
from fevergate.texts.word_tables import LABELS
from fevergate.web.fever_columns import fever_table
from fevergate.web.fever_search import OPEN, FeverQuery, FeverSearch
from fevergate.web.follow_ups import OUTCOMES, Followed
from fevergate.web.overview import Counts, Overview
from fevergate.web_common.dates import TITLES, Period
from fevergate.web_common.tables import Cell, Sheet, Table


class PeriodSums(Counts, kw_only=True):
    """Figures of a period: people by verdict; `watched_days`: days on which any kiosk watched;
    `watched_minutes`: sum over all kiosks. `outcomes`: fevers of kiosks by outcome, `OPEN` if not
    closed; `by_hand`: fevers measured by hand or at the desk."""

    period: Period
    by_hand: int = 0
    watched_days: int = 0
    watched_minutes: int = 0
    outcomes: Counter[str]

    def rows(self, *, by_hand: bool) -> Iterator[tuple[str, Cell]]:
        """Each figure with its name; `by_hand` includes the figure of fevers by hand."""
        yield N_("People screened"), self.normal + self.fever
        yield N_("Fevers"), self.fever + self.by_hand
        if by_hand:
            yield N_("Of these by hand or at the desk"), self.by_hand
        for outcome in (OPEN, *OUTCOMES[1:]):
            yield LABELS[outcome], self.outcomes[outcome]
        yield N_("Retries"), self.retry
        yield N_("Days watched"), f"{self.watched_days}/{self.period.days}"
        yield N_("Minutes watched"), self.watched_minutes


def read_comparison(
    reader: Database,
    settings: GatewaySettings,
    search: FeverSearch,
    span: Period,
    before: Period,
    gate: str,
    by_hand: Callable[[date, date], int],
) -> list[PeriodSums]:
    """The sums of a period, of as many first days of the period before, and of that whole period if
    it is longer. An empty `gate` means all; `by_hand` counts the fevers between two days that no
    kiosk measured, which belong to no gate."""
    sums = list[PeriodSums]()
    for period in dict.fromkeys((span, before.first(span.days), before)):
        sums.append(_sums(reader, settings, search, period, gate))
        sums[-1].by_hand = 0 if gate else by_hand(period.begin, period.end)
    return sums


def _sums(
    reader: Database, settings: GatewaySettings, search: FeverSearch, span: Period, gate: str
) -> PeriodSums:
    kiosks = [kiosk for place in settings.gates if place.name == gate for kiosk in place.kiosks]
    begin, end = day_bounds(span.begin, settings.zone, span.end)
    sums = PeriodSums(
        period=span, outcomes=search.outcomes(FeverQuery(begin=begin, end=end, gate=gate))
    )
    for normal, fever, retry, minutes in reader.execute(
        "select sum(normal), sum(fever), sum(retry), sum(watched_minutes) from days"
        " where date between ? and ? and (? = '' or kiosk in (select value from json_each(?)))"
        " group by date",
        (span.begin.isoformat(), span.end.isoformat(), gate, json.dumps(kiosks)),
    ):
        sums.add(normal, fever, retry)
        sums.watched_days += minutes > 0
        sums.watched_minutes += minutes
    return sums


def period_verdict(
    overview: Overview, say: Say, *, has_list: bool = False, by_hand: int = 0
) -> tuple[str, str]:
    """Colour and sentence of a period. "No fever" is stated only for days on which a kiosk watched.
    With a list of people (`has_list`), which says who should have been measured, zero is not
    reported. Fevers measured by hand or at the desk (`by_hand`) count like those of kiosks."""
    fevers = overview.total.fever + by_hand
    unwatched = [day.date for day in overview.days if not day.watched]
    watched = len(overview.days) - len(unwatched)
    if fevers:
        return "red", say("Fevers: %(count)s") % {"count": fevers}
    if not watched:
        return "amber", say("No kiosk watched: this is not a report of zero.")
    if not unwatched:
        if has_list:
            return "green", say(
                "No fever, and each day was watched; each day's log says who was measured."
            )
        return "green", say("Report of zero: no fever, and each day was watched.")
    return "green", say("No fever; days that were watched: {watched}.", watched=watched)


def fevers_by_hand(count: int, say: Say) -> list[str]:
    """A sentence on the fevers that were measured by hand or at the desk."""
    if not count:
        return []
    return [say("Fevers measured by hand or at the desk: {count}.", count=count)]


def unwatched_days(overview: Overview, say: Say) -> list[str]:
    """A sentence on the days on which no kiosk watched."""
    dates = [date.fromisoformat(day.date) for day in overview.days if not day.watched]
    if not dates:
        return []
    return [say("Not watched: {dates}.", dates=", ".join(map(str, _spans(dates))))]


def _spans(dates: Sequence[date]) -> list[Period]:
    """Successive days as periods."""
    spans: list[Period] = []
    for day in dates:
        if spans and (day - spans[-1].end).days == 1:
            spans[-1] = Period(spans[-1].begin, day)
        else:
            spans.append(Period(day, day))
    return spans


def comparison_table(sums: Sequence[PeriodSums], say: Say) -> Table:
    """Table of a period's figures beside those of the period before."""
    columns = ["", *(str(summary.period) for summary in sums)]
    by_hand = any(summary.by_hand for summary in sums)
    rows: list[list[Cell]] = [
        [say(row[0][0]), *(value for _, value in row)]
        for row in zip(*(summary.rows(by_hand=by_hand) for summary in sums), strict=True)
    ]
    return Table(say("Compared with the period before"), columns, rows)


def report_sheet(
    overview: Overview,
    sums: Sequence[PeriodSums],
    tables: Sequence[Table],
    fevers: tuple[int, Callable[[], Iterator[Followed]]],
    settings: GatewaySettings,
    language: str,
    say: Say,
    *,
    has_list: bool = False,
    by_hand: int = 0,
) -> Sheet:
    """The report of a period as a document, with `tables` before its fevers."""
    span = sums[0].period
    state, sentence = period_verdict(overview, say, has_list=has_list, by_hand=by_hand)
    place = settings.campus_title(language)
    if overview.gate:
        place += f" · {settings.gate_title(overview.gate, language)}"
    count, read = fevers
    return Sheet(
        title=f"{say(TITLES[span.kind])} · {place} · {span}",
        state=state,
        verdict=sentence,
        lines=[
            *fevers_by_hand(by_hand, say),
            *unwatched_days(overview, say),
            say("Times are those of %s.") % settings.timezone,
        ],
        tables=[
            comparison_table(sums, say),
            *tables,
            fever_table(settings, language, count, read),
        ],
    )
