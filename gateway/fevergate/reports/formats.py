"""The fever log as a table for the terminal, as CSV for a spreadsheet, as JSON for a program."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import TextIO
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fevergate.reports.fever_log import Day, Fever, WholeDay
from fevergate.reports.rescreen import Rescreened
from fevergate.storage.strikes import Strike, of_fever
from fevergate.texts.translations import LABELS, N_, Say, translator

MAX_SHOWN = 1000
"""Fevers in the terminal's table; CSV and JSON have all."""

TIME, GATE, KIOSK = N_("Time"), N_("Gate"), N_("Kiosk")
SKIN_C, BODY_C = N_("Skin °C"), N_("Body, axillary equivalent, °C")
BEFORE, NOW = N_("Verdict before"), N_("Verdict now")
STRUCK = N_(
    "{kiosk} {begin} to {end} does not count: {people} people, {fevers} fever(s), struck by"
    " {by} at {at} ({reason})."
)
TAKEN_BACK = N_(
    "{kiosk} {begin} to {end} counts again: struck by {by} at {at} ({reason}), taken back by"
    " {undone_by} at {undone_at} ({undone_reason})."
)

CSV_COLUMNS = (
    *("date", "campus", "gate", "kiosk", "boot", "seq", "at", "dated"),
    *("skin_c", "body_c", "threshold_c", "ambient_c"),
    *("raised_at", "acknowledged_at", "acknowledged_by", "delay_s"),
    *("struck_at", "struck_by", "struck_because"),
)


def _clock(at: float | None, zone: ZoneInfo, form: str = "%H:%M:%S") -> str:
    return "" if at is None else datetime.fromtimestamp(at, zone).strftime(form)


def _iso(at: float | None, zone: ZoneInfo) -> str:
    return "" if at is None else datetime.fromtimestamp(at, zone).isoformat(timespec="seconds")


def _degrees(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def json_parts(whole: WholeDay, indent: int = 0) -> Iterator[bytes]:
    """The log as JSON, keys as in `fever_log.Day`; its fevers one by one."""
    rest = _json(whole.day, indent)
    for name, fevers in (("fevers", whole.fevers), ("struck", whole.struck)):
        # A quotation mark within a text is escaped: this matches the key alone.
        head, empty, rest = rest.partition(b'"%s":%s[]' % (name.encode(), b" " * (indent > 0)))
        yield head + empty[:-1]
        outer, inner = (b"\n" + b" " * indent * depth if indent else b"" for depth in (1, 2))
        between = b""
        for fever in fevers:
            yield between + inner + _json(fever, indent).replace(b"\n", inner)
            between = b","
        yield (outer if between else b"") + b"]"
    yield rest


def _json(value: object, indent: int) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=indent or -1)


def write_csv(whole: WholeDay, zone: ZoneInfo, out: TextIO) -> None:
    """Write the log as CSV: a header, and a row for each fever, struck ones last.

    Times are local, with their UTC offset.
    """
    day = whole.day
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for fever in chain(whole.fevers, whole.struck):
        struck = of_fever(day.strikes, fever.kiosk, fever.at)
        delay = "" if fever.delay_s is None else f"{fever.delay_s:.1f}"
        writer.writerow(
            harmless(value)
            for value in (
                *(day.date, day.campus, fever.gate, fever.kiosk, fever.boot, fever.seq),
                *(_iso(fever.at, zone), int(fever.dated), fever.skin_c, fever.body_c),
                *(fever.threshold_c, fever.ambient_c, _iso(fever.raised_at, zone)),
                *(_iso(fever.acknowledged_at, zone), fever.acknowledged_by or "", delay),
                *(("", "", "") if struck is None else _struck(struck, zone)),
            )
        )


def _struck(strike: Strike, zone: ZoneInfo) -> tuple[str, str, str]:
    return _iso(strike.at, zone), strike.by, strike.reason


def struck_line(strike: Strike, zone: ZoneInfo, say: Say) -> str:
    """One line on a strike: its hours, by whom and why, and who took it back."""
    times = {"begin": strike.begin, "end": strike.end, "at": strike.at}
    times["undone_at"] = strike.undone_at or 0.0
    clocks = {name: _clock(at, zone, "%Y-%m-%d %H:%M") for name, at in times.items()}
    clocks["end"] = {"00:00": "24:00"}.get(end := _clock(strike.end, zone, "%H:%M"), end)
    named = msgspec.structs.asdict(strike) | clocks
    text = STRUCK if strike.undone_at is None else TAKEN_BACK
    return say(text, **named)


def harmless(value: object) -> object:
    """Quote a text that a spreadsheet would run as a formula (OWASP, CSV injection)."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def as_table(whole: WholeDay, zone: ZoneInfo, language: str) -> RenderableType:
    """The log as a table for the terminal."""
    say = translator(language)
    day = whole.day
    if day.count:
        waiting = whole.fevers.unacknowledged()
        verdict = Text(
            say("{count} fever(s), {open} not seen to.", count=day.count, open=waiting), "bold red"
        )
    elif day.lit:
        verdict = Text(
            say(
                "Red lights of this day are for {count} fever(s) dated on another:"
                " no report of zero.",
                count=day.lit,
            ),
            "bold red",
        )
    elif day.covered:
        verdict = Text(
            say("Report of zero: no fever on this day. What was watched is below."), "bold green"
        )
    else:
        verdict = Text(say("No kiosk watched: this is not a report of zero."), "bold yellow")
    parts: list[RenderableType] = [
        Text(f"{say('Fever log')}  {day.campus}  {day.date}  ({day.timezone})", "bold"),
        verdict,
    ]
    if day.count:
        parts.append(_fevers(whole.fevers.page(MAX_SHOWN), zone, say))
        if day.count > MAX_SHOWN:
            text = say(
                "These are the first {shown} of {count}; --format csv and json have all.",
                shown=MAX_SHOWN,
                count=day.count,
            )
            parts.append(Text(text, "bold yellow"))
    parts.append(_kiosks(day, zone, say))
    if late := sum(kiosk.late_minutes for kiosk in day.kiosks):
        parts.append(
            Text(
                say("{minutes} of the minutes watched were told long after.", minutes=late),
                "bold yellow",
            )
        )
    parts += [Text(struck_line(strike, zone, say), "bold yellow") for strike in day.strikes]
    for doubt in day.clock:
        text = say(
            "From {begin} to {end} the gateway's clock was in doubt.",
            begin=_clock(doubt.begin, zone),
            end=_clock(doubt.end, zone),
        )
        parts.append(Text(text, "bold yellow"))
    for kiosk in day.unlike:
        text = say(
            "{kiosk} reads {difference:+.2f} °C beside {others} (limit {limit:.2f};"
            " median {median:.2f} of {people} people, {others_median:.2f} of"
            " {others_people}): check its lens, calibrate.",
            kiosk=kiosk.kiosk,
            others=", ".join(kiosk.others),
            difference=kiosk.difference_c,
            limit=kiosk.limit_c,
            people=kiosk.people,
            median=kiosk.median_c,
            others_people=kiosk.others_people,
            others_median=kiosk.others_median_c,
        )
        parts.append(
            Text(text + (say(" (or the other one)") if kiosk.alone else ""), "bold yellow")
        )
    for kiosk in day.blind:
        text = say(
            "{kiosk} saw {people} while {busiest} saw {most}: a covered lens, or a closed lane?",
            kiosk=kiosk.kiosk,
            people=kiosk.people,
            busiest=kiosk.busiest,
            most=kiosk.busiest_people,
        )
        parts.append(Text(text, "bold yellow"))
    parts.append(
        Text(
            say("It screens and does not diagnose: a red light means measure again, clinically."),
            "dim",
        )
    )
    return Group(*parts)


def rescreened_as_json(result: Rescreened) -> str:
    """Keys as in `rescreen.Rescreened`."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2).decode()


def rescreened_as_table(result: Rescreened, zone: ZoneInfo, language: str) -> RenderableType:
    """The verdicts under other settings as a table for the terminal."""
    say = translator(language)
    counts = Table()
    counts.add_column(say("Verdict"))
    for title in (BEFORE, NOW):
        counts.add_column(say(title), justify="right")
    for verdict in ("normal", "fever", "retry"):
        before, after = result.before.get(verdict, 0), result.after.get(verdict, 0)
        counts.add_row(
            say(LABELS[verdict]), str(before), Text(str(after), "bold" * (before != after))
        )
    head = say(
        "{scans} scans decided again, {changed} would have been answered otherwise.",
        scans=result.scans,
        changed=result.changed_count,
    )
    parts: list[RenderableType] = [Text(head, "bold"), counts]
    if result.changed:
        table = Table()
        for title in (TIME, KIOSK, N_("Scan"), SKIN_C, BODY_C, BEFORE, NOW):
            table.add_column(say(title), justify="right" if title.endswith("°C") else "left")
        for scan in result.changed[:MAX_SHOWN]:
            table.add_row(
                _clock(scan.at, zone),
                Text(scan.kiosk),
                f"{scan.boot}/{scan.seq}",
                _degrees(scan.skin_c, 2),
                _degrees(scan.body_c, 2),
                _answers(scan.before, say),
                _answers(scan.after, say),
            )
        parts.append(table)
        if result.changed_count > MAX_SHOWN:
            text = say(
                "These are the first {shown} of {count}.",
                shown=MAX_SHOWN,
                count=result.changed_count,
            )
            parts.append(Text(text, "bold yellow"))
    return Group(*parts)


def _answers(answers: list[tuple[str, str]], say: Say) -> Text:
    shown = [
        say(LABELS[verdict]) + (f" ({reason})" if reason else "") for verdict, reason in answers
    ]
    return Text(" → ".join(shown))


def _fevers(fevers: list[Fever], zone: ZoneInfo, say: Say) -> Table:
    table = Table()
    for title in (TIME, GATE, KIOSK, BODY_C, SKIN_C, N_("Threshold °C"), N_("Ambient °C")):
        table.add_column(say(title), justify="right" if title.endswith("°C") else "left")
    table.add_column(say("Acknowledged by"))
    table.add_column(say("After"), justify="right")
    undated = say(" (arrival time)")
    for fever in fevers:
        table.add_row(
            _clock(fever.at, zone) + ("" if fever.dated else undated),
            Text(fever.gate),
            Text(fever.kiosk),
            Text(_degrees(fever.body_c), "bold red"),
            _degrees(fever.skin_c, 2),
            _degrees(fever.threshold_c),
            _degrees(fever.ambient_c),
            Text(fever.acknowledged_by or "")
            if fever.acknowledged_at
            else Text(say("unacknowledged"), "bold red"),
            "" if fever.delay_s is None else f"{fever.delay_s:.0f} s",
        )
    return table


def _kiosks(day: Day, zone: ZoneInfo, say: Say) -> Table:
    table = Table()
    for title in (GATE, KIOSK):
        table.add_column(say(title))
    for title in (
        *(LABELS["normal"], LABELS["fever"], LABELS["retry"], N_("In service")),
        *(N_("Minutes watched"), N_("Minutes faulty"), N_("Silences")),
    ):
        table.add_column(say(title), justify="right")
    for kiosk in day.kiosks:
        service = (
            f"{_clock(kiosk.first_at, zone, '%H:%M')}-{_clock(kiosk.last_at, zone, '%H:%M')}"
            if kiosk.first_at is not None
            else Text(say("not covered"), "bold yellow")
        )
        table.add_row(
            Text(kiosk.gate),
            Text(kiosk.kiosk),
            str(kiosk.normal),
            Text(str(kiosk.fever), "bold red" if kiosk.fever else ""),
            str(kiosk.retry),
            service,
            str(kiosk.watched_minutes),
            str(kiosk.fault_minutes),
            str(kiosk.silences),
        )
    return table
