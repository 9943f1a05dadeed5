"""`fevergate log`: a day's fevers, counts and coverage."""

import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import click

from fevergate.command_line.options import (
    DayParam,
    FiniteRange,
    day_of,
    language_option,
    settings_option,
)
from fevergate.command_line.terminal import console
from fevergate.errors import NothingFoundError
from fevergate.reports import formats
from fevergate.reports.fever_log import read_whole_day
from fevergate.reports.rescreen import Rules, rescreen
from fevergate.settings.gateway import load_gateway
from fevergate.storage import clock_memory
from fevergate.storage.connection import open_reader
from fevergate.storage.coverage_bits import day_bounds
from fevergate.web.log_sheet import day_table
from fevergate.web.log_table import log_table, without_persons
from fevergate.web_common.exports import write_csv
from kiosk.estimate import SITES


@click.command("log")
@click.option(
    "--date", "day", type=DayParam(), default="today", show_default=True, help="Day to show."
)
@click.option("--campus", help="Fail unless this is the gateway's campus.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="Form of the output.",
)
@language_option
@click.option(
    "--rescreen",
    "again",
    is_flag=True,
    help="Decide the day's scans again with the options below, and show what would change.",
)
@click.option(
    "--threshold", type=FiniteRange(35, 40), help="Threshold for --rescreen, °C (axillary)."
)
@click.option("--site", type=click.Choice(sorted(SITES)), help="Part of the face, for --rescreen.")
@click.option(
    "--baseline",
    type=click.Choice(["recorded", "off"]),
    default="recorded",
    show_default=True,
    help="Baseline of the crowd, for --rescreen: as recorded, or none.",
)
@click.option(
    "--confirm-scans", type=click.IntRange(0, 3), help="Scans that confirm, for --rescreen."
)
@settings_option("gateway.toml")
def log_command(
    day: date | timedelta,
    campus: str | None,
    form: str,
    language: str | None,
    again: bool,
    threshold: float | None,
    site: str | None,
    baseline: Literal["recorded", "off"],
    confirm_scans: int | None,
    settings_path: Path,
) -> None:
    """Show the fever log of a day: fevers, counts by kiosk, and coverage.

    Each fever is listed with time, place, temperatures, and who acknowledged it and when. A day
    without a fever is a report of zero only if kiosks watched; the log shows which, and for how
    long.

    \b
      fevergate log
      fevergate log --date yesterday
      fevergate log --date 2026-11-23 --format csv > fevers.csv
      fevergate log --rescreen --threshold 37.1
    """
    settings = load_gateway(settings_path)
    rules = Rules(threshold, site, baseline, confirm_scans)
    if rules != Rules() and not again:
        raise click.UsageError(
            "--threshold, --site, --baseline, --confirm-scans go with --rescreen"
        )
    if again and form == "csv":
        raise click.UsageError("--rescreen: expected --format table or json")
    if campus not in (None, settings.campus):
        raise NothingFoundError(f"campus {campus!r}: this gateway's campus is {settings.campus!r}")
    language = language or settings.language
    with open_reader(settings.path(settings.database)) as database:
        chosen = day_of(day, clock_memory.today(database, settings.zone))
        if again:
            begin, end = day_bounds(chosen, settings.zone)
            changed = rescreen(database, begin, end, rules)
            if form == "json":
                click.echo(formats.rescreened_as_json(changed))
            else:
                console().print(
                    formats.rescreened_as_table(
                        changed, settings.zone, language, settings.names(language)
                    )
                )
            return
        day_log = read_whole_day(database, settings, chosen)
        if form == "table":
            console().print(log_table(day_log, settings, language))
        elif form == "csv":
            table = day_table(day_log, without_persons(settings), settings, language)
            write_csv(table, sys.stdout.buffer)
        else:
            for part in formats.json_parts(day_log, indent=2):
                sys.stdout.write(part.decode())
            sys.stdout.write("\n")
