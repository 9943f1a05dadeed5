"""A trace as text and one table: for the page, the terminal, CSV and XLSX."""

from collections.abc import Callable

from fevergate.settings.gateway import GatewaySettings
from fevergate.texts.translations import N_, Say, translator
from fevergate.web.trace import Trace, TracedPerson
from fevergate.web_common.list_words import KIND_NAMES
from fevergate.web_common.tables import Cell, Sheet, Table, local_time

PASSED, INSIDE = N_("passed the same gate"), N_("visitor, inside then")
CAUTION = N_(
    "It says who passed the same gate, not who was near whom. Whoever had no card and no pass is"
    " not in it."
)


def trace_sheet(trace: Trace, settings: GatewaySettings, language: str) -> Sheet:
    """A trace in one language."""
    say = translator(language)
    gate, kiosk = (
        settings.gate_title(trace.gate, language),
        settings.kiosk_title(trace.kiosk, language),
    )
    at = local_time(trace.at, settings.zone)
    return Sheet(
        title=say(
            "{gate}: who passed within {minutes} min of {at}",
            gate=gate,
            minutes=trace.minutes,
            at=at,
        ),
        state="amber",
        verdict=say(
            "Passed the same gate: {passed}; visitors inside then: {inside}",
            passed=len(trace.passed),
            inside=len(trace.inside),
        ),
        lines=[
            say(
                "The fever: {record}, {kiosk}, {whose}",
                record=trace.record,
                kiosk=kiosk,
                whose=_whose(trace, say),
            ),
            say(
                "Of {measured} measurements there in this time {known} have a card or pass.",
                known=trace.known,
                measured=trace.measured,
            ),
            say(CAUTION),
            say("Why it was asked: {reason}", reason=trace.reason),
            say("Times are those of %s.") % settings.timezone,
        ],
        tables=[_table(trace, settings, say)],
    )


def _whose(trace: Trace, say: Say) -> str:
    if trace.whose is None:
        return say("without a card")
    fields = [trace.whose.name, trace.whose.unit, trace.whose.number]
    return say(", ").join(filter(None, fields)) or say("no name is kept")


def _table(trace: Trace, settings: GatewaySettings, say: Say) -> Table:
    def local(at: float | None) -> Cell:
        return local_time(at, settings.zone)

    columns: list[tuple[str, Callable[[TracedPerson], Cell]]] = [
        (N_("Seen"), lambda row: say(PASSED if row.passed else INSIDE)),
        (N_("First"), lambda row: local(row.passed[0] if row.passed else row.opened_at)),
        (N_("Last"), lambda row: local(row.passed[-1] if row.passed else row.closed_at)),
        (N_("Times"), lambda row: len(row.passed)),
        (N_("Minutes after the fever"), _minutes),
        (N_("Kind"), lambda row: _kind(row, say)),
        (N_("Name"), lambda row: row.name),
        (N_("Class or unit"), lambda row: " ".join(filter(None, (row.unit, row.class_)))),
        (N_("Number"), lambda row: row.number),
        (N_("Telephone"), lambda row: row.telephone),
        (N_("Visits"), lambda row: row.visits),
    ]
    rows = [[read(row) for _, read in columns] for row in (*trace.passed, *trace.inside)]
    return Table(say("Passed the same gate"), [say(title) for title, _ in columns], rows)


def _kind(row: TracedPerson, say: Say) -> str:
    if row.visitor:
        return say("visitor")
    return say(KIND_NAMES[row.kind]) if row.kind in KIND_NAMES else row.kind


def _minutes(row: TracedPerson) -> Cell:
    return None if row.nearest_s is None else round(row.nearest_s / 60, 1)
