"""`fevergate strike-token`: lists, strikes and restores rows received with a stolen token."""

from datetime import datetime
from pathlib import Path

import click
from msgspec.structs import asdict

from fevergate.campus.clock import CampusClock
from fevergate.campus.database import CampusDatabase
from fevergate.campus.replaced import ReplacedRows, replaced_rows
from fevergate.campus.report import TokenStrike
from fevergate.campus.settings import CampusSettings, load_campus
from fevergate.campus.strikes import TokenStrikeWriter, read_strikes
from fevergate.command_line.options import settings_option
from fevergate.errors import NothingFoundError, StrikeError
from fevergate.reports.day_in_words import minute
from fevergate.texts.translations import N_, side_by_side, translator

REASONS = {
    "by": N_("--by: expected 1 to {detail} characters that can be printed"),
    "reason": N_("--because: expected 1 to {detail} characters that can be printed"),
    "nothing": N_(
        "{detail}: no rows that count were received with such a token since then; `fevergate"
        " strike-token` without arguments lists those that were"
    ),
    "token": N_("{detail}: several tokens begin like this; give more of it"),
    "in_use": N_(
        "{detail}: this token is in use; run `fevergate provision revoke` first, then give the"
        " gateway its new token"
    ),
    "struck": N_("these rows were struck before, by strike {detail}"),
    "not_struck": N_("{detail}: there is no such strike, or it was undone before"),
    "often": N_("there are {detail} strikes, the most that is allowed"),
}
"""Message for each reason of a `StrikeError`."""

ROWS = N_(
    "{token}  epoch {epoch}: {rows} rows ({fevers} fevers), came {first} to {last},"
    " of {first_day} to {last_day}"
)
STRUCK = N_("{id}  struck: {token} (epoch {epoch}) since {since}; {by}, {at}: {reason}")
UNDONE = N_(
    "{id}  counts again: {token} (epoch {epoch}) since {since}; {undone_by}, {undone_at}:"
    " {undone_reason}"
)


@click.command("strike-token")
@click.argument("token", required=False, metavar="[GATEWAY/TOKEN]")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]),
    help="When the token was stolen (local time); rows received since then are struck.",
)
@click.option("--epoch", help="Strike one epoch only, as listed; - is the epoch without a name.")
@click.option("--by", help="Your name; the report shows it.")
@click.option("--because", "reason", help="Reason; the report shows it. Do not name a person.")
@click.option("--undo", type=int, metavar="NUMBER", help="Restore the rows of this strike.")
@settings_option("campus.toml")
def strike_token_command(
    token: str | None,
    since: datetime | None,
    epoch: str | None,
    by: str | None,
    reason: str | None,
    undo: int | None,
    settings_path: Path,
) -> None:
    """Remove rows from the reports that were sent with a gateway's stolen token.

    First revoke the stolen token (`fevergate provision revoke`), make a new one (`fevergate
    provision campus`), and install it on the gateway. The gateway sends its last 62 days again,
    and these replace what was received before.

    Without an argument, this command lists the replaced tokens of which rows still count: rows
    older than 62 days, rows of a storage card that was replaced, and rows of the thief. Name a
    token as GATEWAY/TOKEN to strike the rows that were received with it after --since. Every day
    concerned gets a new report that shows the strike. A signed report keeps its signature; the new
    version has to be signed again. Nothing is deleted: --undo restores the rows.

    \b
      fevergate strike-token
      fevergate strike-token gw-east/3fa91c22 --since 2026-11-20 --by "Li Wei" --because "stolen"
      fevergate strike-token --undo 1 --by "Li Wei" --because "was the old card"
    """
    settings = load_campus(settings_path)
    try:
        with CampusDatabase(settings.url) as database:
            if token is None and undo is None:
                _list(database, settings)
                return
            if by is None or reason is None:
                raise click.UsageError("expected --by and --because")
            register = TokenStrikeWriter(
                database, settings, CampusClock(database, settings).now, by=by, reason=reason
            )
            if undo is not None:
                if token or since or epoch:
                    raise click.UsageError("--undo: expected with --by and --because alone")
                click.echo(_struck(register.take_back(undo), settings))
                return
            gateway, _, digest = (token or "").partition("/")
            if not digest or since is None:
                raise click.UsageError("expected GATEWAY/TOKEN and --since")
            at = since.replace(tzinfo=settings.zone).timestamp()
            name = "" if epoch == "-" else epoch
            click.echo(_struck(register.strike(gateway, digest, name, at), settings))
    except StrikeError as error:
        raise NothingFoundError(side_by_side(REASONS[error.reason], detail=error.detail)) from error


def _list(database: CampusDatabase, settings: CampusSettings) -> None:
    rows, strikes = replaced_rows(database, settings), read_strikes(database)
    for row in rows:
        click.echo(_rows(row, settings))
    for strike in strikes:
        click.echo(_struck(strike, settings))
    if not rows and not strikes:
        say = translator(settings.language)
        click.echo(say("nothing is held by a token that was replaced"))


def _rows(rows: ReplacedRows, settings: CampusSettings) -> str:
    times = {"first": rows.first_at, "last": rows.last_at}
    values = asdict(rows) | {name: minute(at, settings.zone) for name, at in times.items()}
    for name in ("epoch", "first_day", "last_day"):
        values[name] = values[name] or "-"
    values["token"] = f"{rows.gateway}/{rows.token[:8]}"
    return translator(settings.language)(ROWS, **values)


def _struck(strike: TokenStrike, settings: CampusSettings) -> str:
    say, values = translator(settings.language), asdict(strike)
    for name in ("since", "at", "undone_at"):
        values[name] = minute(values[name], settings.zone)
    values["token"] = f"{strike.gateway}/{strike.token[:8]}"
    values["epoch"] = say("any") if strike.epoch is None else strike.epoch or "-"
    return say(STRUCK if strike.undone_at is None else UNDONE, **values)
