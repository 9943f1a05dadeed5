"""Command line of `fevergate collect`."""

import re
from pathlib import Path

import click

from fevergate.command_line.options import settings_option
from fevergate.protocol.messages import NAME_PATTERN


def _check_name(_context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not re.fullmatch(NAME_PATTERN, value):
        raise click.BadParameter(
            f"{value!r}: expected [a-z0-9-], at most 32 characters", param=parameter
        )
    return value


@click.command("collect")
@click.option(
    "--name",
    metavar="NAME",
    callback=_check_name,
    required=True,
    envvar="FEVERGATE_COLLECTOR",
    show_envvar=True,
    help="Name of this collector, the same at each start: the broker keeps its messages under it.",
)
@click.option(
    "--leave",
    is_flag=True,
    help="Store the messages that wait for this name, then remove the name at the broker.",
)
@settings_option("collect.toml")
@click.option("-v", "--verbose", is_flag=True, help="Log each connection, too.")
def collect_command(name: str, leave: bool, settings_path: Path, verbose: bool) -> None:
    """Store the raw readings of many campuses in PostgreSQL. Runs until stopped.

    For a province or a country; gateways do not need it. All campuses forward their readings to one
    broker, and any number of collectors share them (MQTT 5 shared subscription). Start another
    collector if they fall behind. Each reading is stored once, however often it is delivered.

    \b
      fevergate provision gateway ... --collect      makes a credential and collect.toml
      fevergate collect --name 1                     one collector
      fevergate collect --name 2                     a second one; each gets half
      fevergate collect --name 2 --leave             removes it without losing its messages

    A reading is acknowledged to the broker after PostgreSQL has committed it. While a collector or
    the database is down, the broker keeps that collector's messages, within mosquitto's limits
    session_days and max_queued_messages; no other collector gets them. Start it again under its
    name, or remove it with --leave.

    \b
    Tables: readings (one partition a day), reading_keys (which readings are stored, and the day
    of each), boots (start of each kiosk), rejected (invalid messages, with the reason).
      select campus, count(*) from readings where day = '2026-11-23' group by campus;
    """
    from fevergate.collect.collector import run
    from fevergate.settings.collector import load_collect
    from fevergate.system.logging_setup import set_up

    set_up(verbose)
    run(load_collect(settings_path), name, leave=leave)
