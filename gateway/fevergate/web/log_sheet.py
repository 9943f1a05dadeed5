"""Makes the report of a day's fever log: its sentences and the tables of all exports."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import chain
from zoneinfo import ZoneInfo

from fevergate.reports.day_in_words import (
    coverage,
    doubts,
    local,
    roll,
    strikes,
    to_treat,
    verdict,
)
from fevergate.reports.fever_log import Day, KioskDay, WholeDay
from fevergate.reports.fevers import Fever
from fevergate.settings.gateway import GatewaySettings
from fevergate.settings.names import Names
from fevergate.storage.strikes import Strike
from fevergate.texts.translations import N_, Say, translator
from fevergate.web.fever_columns import fever_table
from fevergate.web.follow_ups import Followed
from fevergate.web.sign_offs import SignOff
from fevergate.web_common.tables import Cell, Sheet, Table, local_time

KIOSK_COLUMNS = (
    *(N_("Gate"), N_("Kiosk"), N_("Normal"), N_("Fever"), N_("Retry"), N_("First")),
    *(N_("Last"), N_("Minutes watched"), N_("Minutes faulty"), N_("Silences")),
)
STRIKE_COLUMNS = (
    *(N_("Kiosk"), N_("From"), N_("To"), N_("People"), N_("Fevers"), N_("Struck by"), N_("At")),
    *(N_("Why"), N_("Taken back by"), N_("At"), N_("Why")),
)


def day_table(
    day_log: WholeDay,
    followed: Callable[[Iterable[Fever]], Iterator[Followed]],
    settings: GatewaySettings,
    language: str,
    *,
    personal: bool = False,
) -> Table:
    """All fevers of a day, struck ones last; `followed` gives their follow-ups, `personal` adds
    names and telephone numbers."""

    def read() -> Iterator[Followed]:
        return chain(followed(day_log.fevers), ((fever, None) for fever in day_log.struck))

    count = day_log.day.count + (count_struck := len(day_log.struck))
    strikes = day_log.day.strikes if count_struck else []
    return fever_table(settings, language, count, read, personal=personal, strikes=strikes)


def sheet(
    day_log: WholeDay,
    followed: Callable[[Iterable[Fever]], Iterator[Followed]],
    signed: Sequence[SignOff],
    settings: GatewaySettings,
    language: str,
    *,
    personal: bool = False,
    open_cases: int = 0,
) -> Sheet:
    """The log in one language; `open_cases`: how many of its follow-ups are open.

    With `personal` it is a separate document, to be kept locked away: only the fevers, with names
    and telephone numbers.
    """
    day, zone, say = day_log.day, settings.zone, translator(language)
    state, sentence = verdict(day, say)
    times = say("Times are those of %s.") % day.timezone
    fevers = day_table(day_log, followed, settings, language, personal=personal)
    campus, names = settings.campus_title(language), settings.names(language)
    if personal:
        title = say("Fever log with names")
        return Sheet(
            title=f"{title} {campus} {day.date}",
            state=state,
            verdict=sentence,
            lines=[
                say("It names people: keep it locked away, and destroy it after use."),
                times,
            ],
            tables=[fevers],
            to_sign=(say("Received by"), say("Date")),
            day=date.fromisoformat(day.date),
        )
    return Sheet(
        title=f"{say('Fever log')} {campus} {day.date}",
        state=state,
        verdict=sentence,
        lines=[
            coverage(day, say, names),
            *roll(day, say),
            *to_treat(open_cases, say),
            *doubts(day, say, names),
            *strikes(day, say, names),
            times,
        ],
        tables=[
            fevers,
            coverage_table(day, settings, language),
            *_strike_table(day, zone, say, names),
        ],
        signed=[_signature(sign_off, zone, say) for sign_off in signed],
        to_sign=(say("On duty"), say("Checked by"), say("Date")),
        day=date.fromisoformat(day.date),
    )


def coverage_table(day: Day, settings: GatewaySettings, language: str) -> Table:
    """What each kiosk saw, and for how long it watched."""
    say = translator(language)
    columns = [say(name) for name in KIOSK_COLUMNS]
    return Table(
        say("Coverage"), columns, [_kiosk_row(kiosk, settings, language) for kiosk in day.kiosks]
    )


def _kiosk_row(day: KioskDay, settings: GatewaySettings, language: str) -> list[Cell]:
    return [
        *(settings.gate_title(day.gate, language), settings.kiosk_title(day.kiosk, language)),
        *(day.normal, day.fever, day.retry),
        *(local_time(day.first_at, settings.zone), local_time(day.last_at, settings.zone)),
        *(day.watched_minutes, day.fault_minutes, day.silences),
    ]


def _strike_table(day: Day, zone: ZoneInfo, say: Say, names: Names) -> list[Table]:
    if not day.strikes:
        return []
    rows = [_strike_row(strike, zone, names) for strike in day.strikes]
    return [Table(say("Struck"), [say(name) for name in STRIKE_COLUMNS], rows)]


def _strike_row(strike: Strike, zone: ZoneInfo, names: Names) -> list[Cell]:
    return [
        *(names.kiosk(strike.kiosk), local_time(strike.begin, zone), local_time(strike.end, zone)),
        *(strike.people, strike.fevers),
        *(strike.by, local_time(strike.at, zone), strike.reason),
        *(strike.undone_by, local_time(strike.undone_at, zone), strike.undone_reason),
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
