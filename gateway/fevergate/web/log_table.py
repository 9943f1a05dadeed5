"""The fever log in the terminal, with the columns that the page and the files have."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import islice

import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from fevergate.command_line.terminal import FittedTable
from fevergate.protocol.messages import Identity
from fevergate.reports.fever_log import WholeDay
from fevergate.reports.fevers import Fever, identity_of
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.connection import read_rows
from fevergate.texts.translations import N_, Say, translator
from fevergate.web import follow_ups
from fevergate.web.follow_ups import IMPERSONAL, Followed, FollowUp
from fevergate.web.log_sheet import sheet
from fevergate.web_common.tables import Table, cell_text

MAX_SHOWN = 1000
"""Fevers in the terminal's table; CSV and JSON have all."""

STYLES = {"red": "bold red", "green": "bold green", "amber": "bold yellow"}
LEAST = (
    *(N_("Where measured"), N_("Closed"), N_("After (s)"), N_("Silences"), N_("Minutes faulty")),
    *(N_("Retry"), N_("Second measurement °C"), N_("Outcome"), N_("Acknowledged by"), N_("Last")),
)
"""Columns that a narrow terminal leaves out, the first before the others."""


def without_persons(settings: GatewaySettings) -> Callable[[Iterable[Fever]], Iterator[Followed]]:
    """Reads fevers' follow-ups without what identifies a person, which needs no key. Raises
    `StoreError`."""
    path = settings.path(settings.web.database)

    def followed(fevers: Iterable[Fever]) -> Iterator[Followed]:
        rest = iter(fevers)
        while part := list(islice(rest, follow_ups.AT_ONCE)):
            identities = msgspec.json.encode([list(identity_of(fever)) for fever in part]).decode()
            follow_up_of = {
                Identity(row["kiosk"], row["boot"], row["seq"]): msgspec.convert(
                    {name: row[name] for name in IMPERSONAL}, FollowUp, strict=False
                )
                for row in read_rows(path, _SELECT, identities)
            }
            yield from ((fever, follow_up_of.get(identity_of(fever))) for fever in part)

    return followed


def log_table(day_log: WholeDay, settings: GatewaySettings, language: str) -> RenderableType:
    """The log as tables for the terminal."""
    say = translator(language)
    followed = without_persons(settings)
    open_cases = sum(not (after and after.closed) for _, after in followed(day_log.fevers))
    report = sheet(day_log, followed, [], settings, language, open_cases=open_cases)
    day = day_log.day
    parts: list[RenderableType] = [
        Text(f"{report.title}  ({day.timezone})", "bold"),
        Text(report.verdict, STYLES[report.state]),
    ]
    if day.count and (waiting := day_log.fevers.unacknowledged()):
        parts.append(Text(say("Not acknowledged: {count}.", count=waiting), STYLES["red"]))
    if day.count > MAX_SHOWN:
        text = say(
            "These are the first {shown} of {count}; --format csv and json have all.",
            shown=MAX_SHOWN,
            count=day.count,
        )
        parts.append(Text(text, STYLES["amber"]))
    parts += [_terminal(table, report.day, say) for table in report.tables if len(table.rows)]
    plain = 1 + bool(day.roll)
    parts += [Text(line) for line in report.lines[:plain]]
    remarks = report.lines[plain:-1]
    parts += [Text(remark, STYLES["amber"]) for remark in remarks]
    no_diagnosis = say(
        "It screens and does not diagnose: a red light means measure again, clinically."
    )
    return Group(*parts, Text(no_diagnosis, "dim"))


def _terminal(table: Table, day: date | None, say: Say) -> FittedTable:
    narrow = table.shown()
    rows = [[cell_text(value, day) for value in row] for row in islice(narrow.rows, MAX_SHOWN)]
    numbers = {
        title
        for title, *column in zip(narrow.columns, *islice(narrow.rows, MAX_SHOWN), strict=True)
        if all(value is None or isinstance(value, int | float) for value in column)
    }
    left_out = say("The terminal is too narrow for: {columns}. --format csv has every column.")
    return FittedTable(narrow.columns, rows, numbers, [say(title) for title in LEAST], left_out)


_SELECT = f"""
    select kiosk, boot, seq, {", ".join(IMPERSONAL)}
    from json_each(?) as wanted join follow_ups
        on kiosk = wanted.value ->> 0 and boot = wanted.value ->> 1 and seq = wanted.value ->> 2"""  # noqa: S608 - field names
