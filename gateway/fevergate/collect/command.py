"""Command line of `fevergate collect`."""

from __future__ import annotations

import re
from pathlib import Path

import click

from fevergate.command_line.options import settings_option
from fevergate.errors import CollectError
from fevergate.protocol.messages import NAME_PATTERN


class NameParam(click.ParamType[str]):
    """Command-line type of a collector's name."""

    name = "NAME"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(NAME_PATTERN, value):
            self.fail(f"{value!r}: expected [a-z0-9-], at most 32 characters", param, ctx)
        return value


@click.command("collect")
@click.option(
    "--name",
    type=NameParam(),
    required=True,
    envvar="FEVERGATE_COLLECTOR",
    show_envvar=True,
    help="This collector's own, and the same at each start: under it the broker keeps its share.",
)
@click.option(
    "--leave",
    is_flag=True,
    help="Store what still waits for this name, then give the name up for good.",
)
@settings_option("collect.toml")
@click.option("-v", "--verbose", is_flag=True, help="Log every connection, too.")
def collect_command(name: str, leave: bool, settings_path: Path, verbose: bool) -> None:
    """Raw readings of many campuses into PostgreSQL. Runs until stopped.

    For a province or a country, beside the gateways, which need none of it: each campus's readings
    reach one broker, and any number of collectors share them there (MQTT 5, $share). Start more of
    them when they fall behind; each reading is stored once, whoever gets it and however often.

    \b
      fevergate provision gateway ... --collect      a credential, and collect.toml to fill in
      fevergate collect --name 1                     one collector
      fevergate collect --name 2                     another: each gets half
      fevergate collect --name 2 --leave             one less, without losing its share

    A reading is acknowledged to the broker after PostgreSQL has committed it. While a collector
    or the database is away, what is its share waits at the broker, as long as its session lasts
    and its queue has room (mosquitto: session_days, max_queued_messages), and nobody else gets it:
    start it again under its name, or take it away with --leave.

    \b
    Tables: readings (a partition for each day), reading_keys (which reading is there, and under
    which day), boots (when each kiosk started), rejected (what nobody understood, and why).
      select campus, count(*) from readings where day = '2026-11-23' group by campus;
    """
    try:
        from fevergate.collect.collector import run
    except ImportError as error:
        raise CollectError(
            f"{error.name}: not installed; pip install 'fevergate[campus]'"
        ) from error
    from fevergate.settings.collector import load_collect
    from fevergate.system.logging_setup import set_up

    set_up(verbose)
    run(load_collect(settings_path), name, leave=leave)
