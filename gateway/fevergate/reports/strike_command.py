"""`fevergate strike`: strikes a revoked kiosk's rows from a day, or takes a strike back."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import click

from fevergate.command_line.options import settings_option
from fevergate.errors import NothingFoundError, StrikeError
from fevergate.reports.formats import struck_line
from fevergate.reports.log_command import DayParam
from fevergate.settings.gateway import load_gateway
from fevergate.storage.strikes import StrikeRequest, strike, take_back
from fevergate.texts.translations import translator

REASONS = {
    "by": "--by: expected 1 to {detail} characters that can be printed",
    "reason": "--because: expected 1 to {detail} characters that can be printed",
    "hours": "--from, --to: expected whole hours, the first before the last; got {detail}",
    "future": "--date, --from: {detail} has not come so far",
    "nothing": "kiosk {detail!r}: has no rows in that time",
    "struck": "kiosk {detail!r}: that time is struck already; `fevergate log` shows by whom",
    "not_struck": "kiosk {detail!r}: nothing of that day is struck",
    "often": "that kiosk's day was struck {detail} times, which is the most",
    "trusted": "kiosk {detail!r}: its credential of that time was not revoked, so that its rows are"
    " its own; `fevergate provision revoke` first, or --not-revoked",
    "revoked_file": "{detail}: expected what `provision revoke` wrote",
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
@click.argument("kiosk")
@click.option("--date", "day", type=DayParam(), required=True, help="From which day.")
@click.option(
    "--from", "begin", type=HourParam(), default="00:00", help="Only from this full hour on."
)
@click.option("--to", "end", type=HourParam(), default="24:00", help="Only up to this full hour.")
@click.option("--by", required=True, help="Who strikes them; shown in the log.")
@click.option("--because", "reason", required=True, help="Why; shown in the log. No person's name.")
@click.option("--undo", is_flag=True, help="Take back what was struck from that day.")
@click.option("--not-revoked", "trusted", is_flag=True, help="Also of one that was not revoked.")
@settings_option("gateway.toml")
def strike_command(
    kiosk: str,
    day: date,
    begin: int,
    end: int,
    by: str,
    reason: str,
    undo: bool,
    trusted: bool,
    settings_path: Path,
) -> None:
    """Strike the rows of a revoked KIOSK from a day: they no longer count, and stay in sight.

    People, fevers and minutes of those hours are in no figure any more, neither here nor at the
    campus server, which is told the day again. The log shows what was struck, by whom and why, and
    a signature of before shows as changed. Nothing is deleted. Whole hours, for counts are kept by
    the hour. A red light that is on stays on until a guard acknowledges it.

    \b
      fevergate strike north-2 --date 2026-11-23 --by "Li Wei" --because "stolen"
      fevergate strike north-2 --date 2026-11-23 --from 07:00 --to 12:00 --by ... --because ...
      fevergate strike north-2 --date 2026-11-23 --undo --by ... --because "wrong kiosk"
    """
    settings = load_gateway(settings_path)
    request = StrikeRequest(
        kiosk=kiosk, day=day, by=by, reason=reason, begin=begin, end=end, trusted=trusted
    )
    if undo and (begin, end) != (0, 24):
        raise click.UsageError("--undo: takes back all of that day; expected no --from, --to")
    try:
        strikes = take_back(settings, request) if undo else [strike(settings, request)]
    except StrikeError as error:
        raise NothingFoundError(REASONS[error.reason].format(detail=error.detail)) from error
    for changed in strikes:
        click.echo(struck_line(changed, settings.zone, translator(settings.language)))
