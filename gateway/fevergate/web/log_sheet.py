"""Makes the report of a day's fever log: its sentences and the tables of all exports."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from fevergate.reports.day_in_words import IDS, coverage, doubts, local, strikes, verdict
from fevergate.reports.fever_log import Day, Fever, KioskDay, WholeDay, identity_of
from fevergate.settings.names import Names
from fevergate.storage.strikes import Strike, of_fever
from fevergate.texts.translations import N_
from fevergate.web.follow_ups import PERSONAL, Followed, FollowUp
from fevergate.web.sign_offs import SignOff
from fevergate.web_common.tables import (
    Cell,
    Rows,
    Say,
    Sheet,
    Table,
    label_of,
)

FEVER_COLUMNS = (
    *(N_("Time"), N_("Campus"), N_("Gate"), N_("Kiosk"), N_("Record")),
    *(N_("Body °C (axillary equivalent)"), N_("Skin °C"), N_("Threshold °C"), N_("Air °C")),
    *(N_("Red light"), N_("Acknowledged"), N_("Acknowledged by"), N_("After (s)")),
    *(N_("Second measurement °C"), N_("Where measured"), N_("Outcome"), N_("Closed")),
)
PERSONAL_COLUMNS = (N_("Person's name"), N_("Class or unit"), N_("Telephone"), N_("Note"))
KIOSK_COLUMNS = (
    *(N_("Gate"), N_("Kiosk"), N_("Normal"), N_("Fever"), N_("Retry"), N_("First")),
    *(N_("Last"), N_("Minutes watched"), N_("Minutes faulty"), N_("Silences")),
)


STRIKE_COLUMNS = (
    *(N_("Kiosk"), N_("From"), N_("To"), N_("People"), N_("Fevers"), N_("Struck by"), N_("At")),
    *(N_("Why"), N_("Taken back by"), N_("At"), N_("Why")),
)


def sheet(
    whole: WholeDay,
    followed: Callable[[Iterable[Fever]], Iterator[Followed]],
    signed: Sequence[SignOff],
    zone: ZoneInfo,
    say: Say,
    *,
    personal: bool,
    names: Names = IDS,
) -> Sheet:
    """The log in one language; `followed` gives the fevers' follow-ups, `personal` adds names and
    telephone numbers; `names` are those of campus, gates and kiosks."""
    day = whole.day
    state, sentence = verdict(day, say)
    count_struck = len(whole.struck)
    columns = FEVER_COLUMNS + (PERSONAL_COLUMNS if personal else ())
    if count_struck:
        columns += (N_("Struck"),)

    def rows() -> Iterator[list[Cell]]:
        for fever, after in followed(whole.fevers):
            row = _fever_row(day.campus, fever, after, zone, say, names, personal=personal)
            yield [*row, ""] if count_struck else row
        for fever in whole.struck:  # listed last, each marked
            row = _fever_row(day.campus, fever, None, zone, say, names, personal=personal)
            yield [*row, _struck_by(day, fever)]

    fevers = Rows(day.count + count_struck, rows)
    return Sheet(
        title=f"{say('Fever log')} {names.campus or day.campus} {day.date}",
        state=state,
        verdict=sentence,
        lines=[
            coverage(day, say, names),
            *doubts(day, say, names),
            *strikes(day, say, names),
            say("Times are those of %s.") % day.timezone,
        ],
        tables=[
            Table(say("Fevers"), [say(name) for name in columns], fevers),
            Table(
                say("Coverage"),
                [say(name) for name in KIOSK_COLUMNS],
                [_kiosk_row(kiosk, zone, names) for kiosk in day.kiosks],
            ),
            *_strike_table(day, zone, say, names),
        ],
        signed=[_signature(sign_off, zone, say) for sign_off in signed],
    )


def fever_table(
    campus: str,
    count: int,
    read: Callable[[], Iterator[Followed]],
    zone: ZoneInfo,
    say: Say,
    *,
    personal: bool,
    names: Names = IDS,
) -> Table:
    """A table of `count` fevers with their follow-ups, which `read` reads one by one."""
    columns = FEVER_COLUMNS + (PERSONAL_COLUMNS if personal else ())

    def rows() -> Iterator[list[Cell]]:
        for fever, after in read():
            yield _fever_row(campus, fever, after, zone, say, names, personal=personal)

    return Table(say("Fevers"), [say(name) for name in columns], Rows(count, rows))


def _fever_row(
    campus: str,
    fever: Fever,
    follow_up: FollowUp | None,
    zone: ZoneInfo,
    say: Say,
    names: Names,
    *,
    personal: bool,
) -> list[Cell]:
    after = follow_up or FollowUp()
    delay = fever.delay_s
    row: list[Cell] = [
        local(fever.at, zone) + ("" if fever.dated else f" ({say('arrival')})"),
        *(names.campus or campus, names.gate(fever.gate), names.kiosk(fever.kiosk)),
        "/".join(map(str, identity_of(fever))),
        *(fever.body_c, fever.skin_c, fever.threshold_c, fever.ambient_c),
        *(local(fever.raised_at, zone), local(fever.acknowledged_at, zone)),
        *(fever.acknowledged_by or "", None if delay is None else round(delay, 1)),
        *(after.clinical_c, label_of(after.clinical_site, say), label_of(after.outcome, say)),
        "✓" if after.closed else "",
    ]
    if personal:
        row += [getattr(after, name) for name in PERSONAL]
    return row


def _kiosk_row(day: KioskDay, zone: ZoneInfo, names: Names) -> list[Cell]:
    return [
        *(names.gate(day.gate), names.kiosk(day.kiosk), day.normal, day.fever, day.retry),
        *(local(day.first_at, zone, "%H:%M:%S"), local(day.last_at, zone, "%H:%M:%S")),
        *(day.watched_minutes, day.fault_minutes, day.silences),
    ]


def _struck_by(day: Day, fever: Fever) -> str:
    struck = of_fever(day.strikes, fever.kiosk, fever.at)
    return f"{struck.by}: {struck.reason}" if struck else ""


def _strike_table(day: Day, zone: ZoneInfo, say: Say, names: Names) -> list[Table]:
    if not day.strikes:
        return []
    rows = [_strike_row(strike, zone, names) for strike in day.strikes]
    return [Table(say("Struck"), [say(name) for name in STRIKE_COLUMNS], rows)]


def _strike_row(strike: Strike, zone: ZoneInfo, names: Names) -> list[Cell]:
    return [
        *(names.kiosk(strike.kiosk), local(strike.begin, zone), local(strike.end, zone)),
        *(strike.people, strike.fevers),
        *(strike.by, local(strike.at, zone), strike.reason),
        *(strike.undone_by, local(strike.undone_at, zone), strike.undone_reason),
    ]


def _signature(sign_off: SignOff, zone: ZoneInfo, say: Say) -> str:
    text = say("Signed off by %(by)s at %(at)s, SHA-256 %(hash)s.") % {
        "by": sign_off.by,
        "at": local(sign_off.at, zone),
        "hash": sign_off.sha256,
    }
    if not sign_off.genuine:
        return text + " " + say("The record of this signature was tampered with.")
    if sign_off.differences:
        return text + " " + say("Changed since, in %d places.") % len(sign_off.differences)
    return text + " " + say("Unchanged since.")
