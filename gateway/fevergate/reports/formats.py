"""The fever log as a table for the terminal, as CSV for a spreadsheet, as JSON for a program."""

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

from fevergate.command_line.terminal import table
from fevergate.reports.day_in_words import IDS, coverage, doubts, local, strikes, verdict
from fevergate.reports.fever_log import Day, Fever, WholeDay
from fevergate.reports.rescreen import Rescreened
from fevergate.settings.names import Names
from fevergate.storage.strikes import Strike, of_fever
from fevergate.texts.translations import LABELS, N_, Say, translator

MAX_SHOWN = 1000
"""Fevers in the terminal's table; CSV and JSON have all."""

TIME, GATE, KIOSK = N_("Time"), N_("Gate"), N_("Kiosk")
SKIN_C, BODY_C = N_("Skin °C"), N_("Body °C (axillary equivalent)")
BEFORE, NOW = N_("Verdict before"), N_("Verdict now")
CLOCK = "%H:%M:%S"

CSV_COLUMNS = (
    *("date", "campus", "gate", "kiosk", "boot", "seq", "at", "dated"),
    *("skin_c", "body_c", "threshold_c", "ambient_c"),
    *("raised_at", "acknowledged_at", "acknowledged_by", "delay_s"),
    *("struck_at", "struck_by", "struck_because"),
)


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


def harmless(value: object) -> object:
    """Quote a text that a spreadsheet would run as a formula (OWASP, CSV injection)."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


STYLES = {"red": "bold red", "green": "bold green", "amber": "bold yellow"}


def as_table(whole: WholeDay, zone: ZoneInfo, language: str, names: Names = IDS) -> RenderableType:
    """The log as a table for the terminal; `names` are those in `language`."""
    say = translator(language)
    day = whole.day
    state, sentence = verdict(day, say)
    parts: list[RenderableType] = [
        Text(
            f"{say('Fever log')}  {names.campus or day.campus}  {day.date}  ({day.timezone})",
            "bold",
        ),
        Text(sentence, STYLES[state]),
        Text(coverage(day, say, names)),
    ]
    remarks = [*strikes(day, say, names), *doubts(day, say, names)]
    if day.count:
        if waiting := whole.fevers.unacknowledged():
            parts.append(Text(say("Not seen to: {count}.", count=waiting), STYLES["red"]))
        parts.append(_fevers(whole.fevers.page(MAX_SHOWN), zone, say, names))
        if day.count > MAX_SHOWN:
            text = say(
                "These are the first {shown} of {count}; --format csv and json have all.",
                shown=MAX_SHOWN,
                count=day.count,
            )
            remarks.insert(0, text)
    parts.append(_kiosks(day, zone, say, names))
    parts += [Text(remark, STYLES["amber"]) for remark in remarks]
    no_diagnosis = say(
        "It screens and does not diagnose: a red light means measure again, clinically."
    )
    return Group(*parts, Text(no_diagnosis, "dim"))


def rescreened_as_json(result: Rescreened) -> str:
    """Keys as in `rescreen.Rescreened`."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2).decode()


def rescreened_as_table(
    result: Rescreened, zone: ZoneInfo, language: str, names: Names = IDS
) -> RenderableType:
    """The verdicts under other settings as a table for the terminal."""
    say = translator(language)
    counts = table(
        [say("Verdict")],
        (
            (say(LABELS[answer]), *_counts(result, answer))
            for answer in ("normal", "fever", "retry")
        ),
        [say(BEFORE), say(NOW)],
    )
    head = say(
        "{scans} scans decided again, {changed} would have been answered otherwise.",
        scans=result.scans,
        changed=result.changed_count,
    )
    parts: list[RenderableType] = [Text(head, "bold"), counts]
    if result.changed:
        rows = (
            (
                *(local(scan.at, zone, CLOCK), names.kiosk(scan.kiosk), f"{scan.boot}/{scan.seq}"),
                *(_degrees(scan.skin_c, 2), _degrees(scan.body_c, 2)),
                *(_answers(scan.before, say), _answers(scan.after, say)),
            )
            for scan in result.changed[:MAX_SHOWN]
        )
        left, right = [TIME, KIOSK, N_("Scan")], [SKIN_C, BODY_C, BEFORE, NOW]
        parts.append(table(map(say, left), rows, map(say, right)))
        if result.changed_count > MAX_SHOWN:
            text = say(
                "These are the first {shown} of {count}.",
                shown=MAX_SHOWN,
                count=result.changed_count,
            )
            parts.append(Text(text, "bold yellow"))
    return Group(*parts)


def _counts(result: Rescreened, answer: str) -> tuple[str, Text]:
    before, after = result.before.get(answer, 0), result.after.get(answer, 0)
    return str(before), Text(str(after), "bold" * (before != after))


def _answers(answers: list[tuple[str, str]], say: Say) -> str:
    return " → ".join(
        say(LABELS[answer]) + (f" ({reason})" if reason else "") for answer, reason in answers
    )


def _fevers(fevers: list[Fever], zone: ZoneInfo, say: Say, names: Names) -> Table:
    undated, unacknowledged = say(" (arrival time)"), Text(say("unacknowledged"), "bold red")
    rows = (
        (
            local(fever.at, zone, CLOCK) + ("" if fever.dated else undated),
            *(names.gate(fever.gate), names.kiosk(fever.kiosk)),
            *(Text(_degrees(fever.body_c), "bold red"), _degrees(fever.skin_c, 2)),
            *(_degrees(fever.threshold_c), _degrees(fever.ambient_c)),
            (fever.acknowledged_by or "") if fever.acknowledged_at else unacknowledged,
            "" if fever.delay_s is None else f"{fever.delay_s:.0f} s",
        )
        for fever in fevers
    )
    degrees = [BODY_C, SKIN_C, N_("Threshold °C"), N_("Air °C")]
    right = [*degrees, N_("Acknowledged by"), N_("After")]
    return table(map(say, [TIME, GATE, KIOSK]), rows, map(say, right))


def _kiosks(day: Day, zone: ZoneInfo, say: Say, names: Names) -> Table:
    uncovered = Text(say("not covered"), "bold yellow")
    rows = (
        (
            *(names.gate(kiosk.gate), names.kiosk(kiosk.kiosk), str(kiosk.normal)),
            Text(str(kiosk.fever), "bold red" if kiosk.fever else ""),
            str(kiosk.retry),
            f"{local(kiosk.first_at, zone, '%H:%M')}-{local(kiosk.last_at, zone, '%H:%M')}"
            if kiosk.first_at is not None
            else uncovered,
            *map(str, (kiosk.watched_minutes, kiosk.fault_minutes, kiosk.silences)),
        )
        for kiosk in day.kiosks
    )
    counts = [N_("Normal"), N_("Fever"), N_("Retry"), N_("In service")]
    minutes = [N_("Minutes watched"), N_("Minutes faulty"), N_("Silences")]
    return table(map(say, [GATE, KIOSK]), rows, map(say, counts + minutes))
