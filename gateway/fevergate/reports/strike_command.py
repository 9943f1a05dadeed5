"""`fevergate strike`: strikes a revoked kiosk's rows from a day, or takes a strike back."""

import re
from datetime import date, timedelta
from pathlib import Path

import click

from fevergate.command_line.options import DayParam, day_of, settings_option
from fevergate.errors import NothingFoundError, StrikeError
from fevergate.reports.day_in_words import struck_in_words
from fevergate.settings.gateway import load_gateway
from fevergate.settings.shell_completion import complete_kiosk
from fevergate.storage import clock_memory
from fevergate.storage.connection import open_reader
from fevergate.storage.strikes import StrikeRequest, strike, take_back
from fevergate.texts.translations import N_, side_by_side, translator

REASONS = {
    "by": N_("--by: expected 1 to {detail} characters that can be printed"),
    "reason": N_("--because: expected 1 to {detail} characters that can be printed"),
    "hours": N_("--from, --to: expected whole hours, the first before the last; got {detail}"),
    "future": N_("--date, --from: {detail} is in the future"),
    "nothing": N_("kiosk {detail!r}: has no rows in that time"),
    "struck": N_("kiosk {detail!r}: that time was struck before; `fevergate log` shows by whom"),
    "not_struck": N_("kiosk {detail!r}: nothing of that day is struck"),
    "often": N_("that kiosk's day was struck {detail} times, the most that is allowed"),
    "trusted": N_(
        "kiosk {detail!r}: the credential that it used then was not revoked; run `fevergate"
        " provision revoke` first, or add --not-revoked"
    ),
    "revoked_file": N_("{detail}: expected lines that `fevergate provision revoke` wrote"),
}
"""Message of a `StrikeError` on the command line, by its reason."""


class HourParam(click.ParamType[int]):
    """A full hour as HH:00; 24:00 is the day's end."""

    name = "HH:00"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        if re.fullmatch(r"([01]\d|2[0-4]):00", value, re.ASCII) is None:
            self.fail(f"{value!r}: expected a full hour as HH:00, such as 07:00", param, ctx)
        return int(value[:2])


@click.command("strike")
@click.argument("kiosk", shell_complete=complete_kiosk)
@click.option(
    "--date", "day", type=DayParam(), required=True, help="Day of the rows, in local time."
)
@click.option(
    "--from", "begin", type=HourParam(), default="00:00", show_default=True, help="First full hour."
)
@click.option(
    "--to", "end", type=HourParam(), default="24:00", show_default=True, help="End, a full hour."
)
@click.option("--by", required=True, help="Your name; the log shows it.")
@click.option(
    "--because", "reason", required=True, help="Reason; the log shows it. Do not name a person."
)
@click.option("--undo", is_flag=True, help="Restore the rows of that day that were struck.")
@click.option(
    "--not-revoked",
    "trusted",
    is_flag=True,
    help="Strike the rows even if the kiosk's credential was not revoked.",
)
@settings_option("gateway.toml")
def strike_command(
    kiosk: str,
    day: date | timedelta,
    begin: int,
    end: int,
    by: str,
    reason: str,
    undo: bool,
    trusted: bool,
    settings_path: Path,
) -> None:
    """Remove the rows of a stolen KIOSK from the figures of one day.

    Use this after `fevergate provision revoke`, if the kiosk reported invented readings before its
    credential was revoked. The people, fevers and minutes of those hours no longer count, neither
    here nor at the campus server, which receives the day again. Counts are kept by the hour, so
    only whole hours can be struck.

    Nothing is deleted: the log shows what was struck, by whom and why, and --undo restores it. A
    report that was signed before is shown as changed. A red light stays on until it is
    acknowledged.

    \b
      fevergate strike north-2 --date 2026-11-23 --by "Li Wei" --because "stolen"
      fevergate strike north-2 --date 2026-11-23 --from 07:00 --to 12:00 \\
          --by "Li Wei" --because "stolen at seven"
      fevergate strike north-2 --date 2026-11-23 --undo --by "Li Wei" --because "wrong kiosk"
    """
    settings = load_gateway(settings_path)
    with open_reader(settings.path(settings.database)) as reader:
        chosen = day_of(day, clock_memory.today(reader, settings.zone))
    request = StrikeRequest(
        kiosk=kiosk, day=chosen, by=by, reason=reason, begin=begin, end=end, trusted=trusted
    )
    if undo and (begin, end) != (0, 24):
        raise click.UsageError("--undo: takes back all of that day; expected no --from, --to")
    try:
        strikes = take_back(settings, request) if undo else [strike(settings, request)]
    except StrikeError as error:
        raise NothingFoundError(side_by_side(REASONS[error.reason], detail=error.detail)) from error
    for changed in strikes:
        say = translator(settings.language)
        click.echo(struck_in_words(changed, kiosk, settings.zone, say))
