"""`fevergate clock`: shows whether the gateway believes its clock, and confirms it."""

import time
from datetime import datetime
from pathlib import Path

import click
import msgspec
from sqlite_utils import Database

from fevergate.clock.judge import WAYS_OUT, ClockState
from fevergate.command_line.options import json_option, language_option, settings_option
from fevergate.errors import NothingFoundError
from fevergate.settings.gateway import load_gateway
from fevergate.storage import clock_memory
from fevergate.storage.connection import connect, open_reader
from fevergate.texts.translations import LANGUAGES, N_, Pair, both

REASONS = {
    "running on": N_("it went on from the last time that was believed"),
    "synchronised": N_("network time keeps it"),
    "agreed": N_("the kiosks have agreed with it for three hours"),
    "confirmed": N_("a person said so"),
    "waited": N_("the doubt has lasted for a day"),
    "unset": N_("it was never set"),
    "back": N_("it is before the time that was believed last"),
    "ahead": N_("it is far ahead of the time that was believed last"),
}
"""Reasons why the clock is believed or in doubt."""


@click.command("clock")
@click.option(
    "--right", is_flag=True, help="Confirm that this machine's clock is right. Check it first."
)
@json_option
@language_option
@settings_option("gateway.toml")
def clock_command(right: bool, as_json: bool, language: str | None, settings_path: Path) -> None:
    """Show whether the gateway believes its clock, and why.

    While the clock is in doubt, the gateway continues from the last time that it believed, sends no
    time to the kiosks and closes no day. The command prints what ends the doubt. --right ends it
    within a minute.

    \b
      fevergate clock
      fevergate clock --right
    """
    settings = load_gateway(settings_path)
    path = settings.path(settings.database)
    with open_reader(path) as reader:
        state = clock_memory.last_state(reader)
    if state is None:
        raise NothingFoundError(f"{path}: no gateway has run yet")
    if right:
        with Database(connect(path, read_only=False)) as writer:
            clock_memory.confirm_clock(writer)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(state), indent=1).decode())
        return
    column = LANGUAGES.index(language or settings.language)
    now = datetime.fromtimestamp(time.time(), settings.zone).strftime("%Y-%m-%d %H:%M:%S")
    click.echo(f"{now}  {in_words(state)[column]}")
    if not state.believed and not right:
        click.echo(f"→ {both(WAYS_OUT[state.why])[column]}")
    if right:
        click.echo(both("the gateway accepts it within a minute")[column])


def in_words(state: ClockState) -> Pair:
    """Whether the clock is believed, and why."""
    why = both(REASONS[state.why])
    if state.believed:
        return both("believed: {why}", why=why)
    off_h = state.off_s / 3600
    return both(
        "in doubt: {why}; the gateway goes by a time {off_h:.1f} h before the machine's",
        why=why,
        off_h=off_h,
    )
