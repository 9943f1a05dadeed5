"""Formats the fever log as JSON for a program, and scans decided again as JSON and for the
terminal."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from fevergate.command_line.terminal import table
from fevergate.reports.day_in_words import IDS, local
from fevergate.reports.fever_log import WholeDay
from fevergate.reports.rescreen import Rescreened
from fevergate.settings.names import Names
from fevergate.texts.translations import N_, Say, translator
from fevergate.texts.word_tables import LABELS

MAX_SHOWN = 1000
"""Most scans in the terminal's table; JSON may have more."""

TIME, KIOSK = N_("Time"), N_("Kiosk")
SKIN_C, BODY_C = N_("Skin °C"), N_("Body °C (axillary equivalent)")
BEFORE, NOW = N_("Verdict before"), N_("Verdict now")
CLOCK = "%H:%M:%S"


def _degrees(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def json_parts(day_log: WholeDay, indent: int = 0) -> Iterator[bytes]:
    """The log as JSON, keys as in `fever_log.Day`; its fevers one by one."""
    text = _json(day_log.day, indent)
    for name, fevers in (("fevers", day_log.fevers), ("struck", day_log.struck)):
        # A quotation mark within a text is escaped: this matches the key alone.
        head, empty, text = text.partition(b'"%s":%s[]' % (name.encode(), b" " * (indent > 0)))
        yield head + empty[:-1]
        outer, inner = (b"\n" + b" " * indent * depth if indent else b"" for depth in (1, 2))
        between = b""
        for fever in fevers:
            yield between + inner + _json(fever, indent).replace(b"\n", inner)
            between = b","
        yield (outer if between else b"") + b"]"
    yield text


def _json(value: object, indent: int) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=indent or -1)


def rescreened_as_json(result: Rescreened) -> str:
    """The result as JSON, with keys as in `rescreen.Rescreened`."""
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
