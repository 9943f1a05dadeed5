"""`fevergate trace`: who passed the same gate as somebody with a fever."""

import sys
from contextlib import closing
from io import BytesIO
from pathlib import Path

import click

from fevergate.command_line.options import language_option, settings_option
from fevergate.command_line.terminal import FittedTable, console
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.errors import ExportError, NothingFoundError, TraceError
from fevergate.mosquitto.broker_files import set_owners
from fevergate.operations.people_commands import user
from fevergate.people.schema import migrations
from fevergate.people.store import DATABASE, PeopleStore
from fevergate.registers.declarations import load_registers
from fevergate.registers.entries import Entries
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.storage.connection import open_reader
from fevergate.storage.statements import SqliteStatements
from fevergate.system.atomic_file import write_private
from fevergate.texts.translations import N_, translator
from fevergate.texts.word_tables import ERRORS
from fevergate.web.trace import MOST_MINUTES, Trace, Tracer, TraceRequest
from fevergate.web.trace_sheet import trace_sheet
from fevergate.web_common.exports import write_csv, write_xlsx
from fevergate.web_common.store import WebStore
from fevergate.web_common.tables import Sheet, cell_text

LEAST = (N_("Visits"), N_("Times"), N_("Last"), N_("Number"), N_("Kind"))
"""Columns that a narrow terminal leaves out, the first before the others."""


@click.command("trace")
@click.argument("record", metavar="KIOSK/BOOT/SEQ")
@click.option(
    "--minutes",
    type=int,
    default=10,
    show_default=True,
    help=f"Minutes before and after the fever, 1 to {MOST_MINUTES}.",
)
@click.option(
    "--reason", default="", help="Reason, required; kept in the audit. Do not name a person."
)
@click.option(
    "--xlsx",
    "xlsx",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a spreadsheet that only you can read.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print the rows as CSV.")
@language_option
@settings_option("gateway.toml")
def trace_command(
    record: str,
    minutes: int,
    reason: str,
    xlsx: Path | None,
    as_csv: bool,
    language: str | None,
    settings_path: Path,
) -> None:
    """List who passed the same gate within some minutes of a fever, and visitors inside then.

    KIOSK/BOOT/SEQ names the fever's record; `fevergate log --format json` shows all three. People
    are known by their cards, visitors by their pass or by their entry in the register; nobody else
    is listed. The list
    shows who passed the same gate, not who was near whom. Times at which people passed are kept for
    30 days ([retention] persons_days).

    A trace without --reason is refused. The audit records every trace, also a refused one.

    \b
      fevergate trace north-1/7/4711 --reason "confirmed at the clinic"
      fevergate trace north-1/7/4711 --minutes 30 --reason "..." --xlsx trace.xlsx
      fevergate trace north-1/7/4711 --reason "..." --csv > trace.csv
    """
    if xlsx and as_csv:
        raise click.UsageError("--csv, --xlsx: expected one of them")
    settings = load_gateway(settings_path)
    language = language or settings.language
    try:
        trace = _trace(settings, TraceRequest(record=record, minutes=minutes, reason=reason))
    except TraceError as error:
        raise NothingFoundError(translator(language)(ERRORS[error.reason])) from error
    finally:
        set_owners(settings_path.absolute().parent)
    sheet = trace_sheet(trace, settings, language)
    if as_csv:
        write_csv(sheet.tables[0], sys.stdout.buffer)
    elif xlsx:
        _write(sheet, xlsx)
        click.echo(sheet.verdict)
    else:
        _print(sheet, language)


def _trace(settings: GatewaySettings, trace_request: TraceRequest) -> Trace:
    path, vault = settings.path(settings.database), Vault(settings.path(KEY))
    with (
        closing(SqliteStatements(settings.path(DATABASE), migrations)) as lists,
        closing(WebStore(settings.path(settings.web.database))) as pages,
    ):
        tracer = Tracer(
            lambda: open_reader(path),
            PeopleStore(lists, vault),
            Entries(pages, vault, load_registers(settings.folder)),
            pages,
            settings.retention.persons_days,
            pages.clock,
        )
        return tracer.trace(trace_request, user())


def _write(sheet: Sheet, path: Path) -> None:
    content = BytesIO()
    write_xlsx(sheet, content)
    try:
        write_private(path, content.getvalue())
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror}") from error


def _print(sheet: Sheet, language: str) -> None:
    screen, say = console(), translator(language)
    screen.print(sheet.title, style="bold", markup=False)
    for line in (sheet.verdict, *sheet.lines):
        screen.print(line, markup=False)
    table = sheet.tables[0]
    if len(table.rows):
        rows = [[cell_text(value) for value in row] for row in table.rows]
        left_out = say("The terminal is too narrow for: {columns}. --csv has every column.")
        least = [say(title) for title in LEAST]
        screen.print(FittedTable(table.columns, rows, (), least, left_out))
