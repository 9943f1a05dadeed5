"""`fevergate`: the command line. Imports every room; no room imports it."""

import errno
import importlib
import sys
from pathlib import Path
from typing import Any

import click

from fevergate import __version__
from fevergate.command_line.options import settings_option
from fevergate.errors import FeverGateError, SettingsError

COMMANDS = {
    "acknowledge": "fevergate.operations.gate_commands:acknowledge_command",
    "backup": "fevergate.operations.backup_commands:backup_command",
    "broker": "fevergate.mosquitto.start_command:broker_command",
    "calibrate": "fevergate.kiosks.calibrate_command:calibrate_command",
    "campus": "fevergate.campus.app:campus_command",
    "clock": "fevergate.operations.clock_command:clock_command",
    "close": "fevergate.operations.close_command:close_command",
    "collect": "fevergate.collect.command:collect_command",
    "desk": "fevergate.operations.desk_person_command:desk_command",
    "doctor": "fevergate.operations.doctor_command:doctor_command",
    "duty": "fevergate.operations.duty_commands:duty_group",
    "evaluate": "fevergate.evaluation.command:evaluate_command",
    "flash": "fevergate.flash.command:flash_command",
    "lamps": "fevergate.operations.gate_commands:lamps_group",
    "log": "fevergate.web.log_command:log_command",
    "people": "fevergate.operations.people_learn_command:people_group",
    "provision": "fevergate.provision.command:provision_group",
    "restore": "fevergate.operations.backup_commands:restore_command",
    "strike": "fevergate.reports.strike_command:strike_command",
    "strike-token": "fevergate.campus.strike_command:strike_token_command",
    "status": "fevergate.operations.status_command:status_command",
    "settings": "fevergate.kiosks.settings_command:settings_command",
    "trace": "fevergate.operations.trace_command:trace_command",
    "update": "fevergate.kiosks.update_command:update_command",
    "web": "fevergate.web.app:web_command",
}
"""Module and function of each command. Imported only when the command is run: the gateway, which
runs for months, must not hold the libraries of the others in memory."""

EXTRAS = {"alembic": "campus", "esptool": "flash", "psycopg": "campus", "sqlalchemy": "campus"}
"""Optional modules, and the extra of the package that installs each."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class Commands(click.Group):
    """Its own commands and those of `COMMANDS`, which it imports on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, name = COMMANDS[cmd_name].partition(":")
        try:
            return getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            if error.name not in EXTRAS:
                raise
            return _not_installed(cmd_name, EXTRAS[error.name])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of that name; for a mistyped name the error suggests the nearest command."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(
                error.command_name, possibilities=self.list_commands(ctx), ctx=ctx
            ) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; if it imports a module whose extra is missing, raise `SettingsError`."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if error.name not in EXTRAS:
                raise
            raise SettingsError(_needs(EXTRAS[error.name])) from error


def _needs(extra: str) -> str:
    return f"needs more: pip install 'fevergate[{extra}]'"


def _not_installed(name: str, extra: str) -> click.Command:
    """Stand-in for a command whose extra is missing: it fails with what to install."""
    needed = _needs(extra)

    @click.command(name, context_settings={"ignore_unknown_options": True}, help=needed)
    @click.argument("arguments", nargs=-1)
    def command(arguments: tuple[str, ...]) -> None:
        raise SettingsError(f"fevergate {name} {needed}")

    return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fevergate")
def cli() -> None:
    """FeverGate: contactless fever screening at a campus gate.

    \b
    First time on a Raspberry Pi:
      fevergate provision gateway /etc/fevergate --campus east --gateway gw-east \\
          --gate north=north-1,north-2
      fevergate doctor  --settings /etc/fevergate/gateway.toml
      fevergate gateway --settings /etc/fevergate/gateway.toml

    \b
    Every day:
      fevergate log                      today's fevers, counts and coverage
      fevergate log --date 2026-11-23 --format csv > fevers.csv
      fevergate acknowledge north --by "Li Wei"

    A red light screens and does not diagnose: measure again with a clinical thermometer.
    """


@cli.command("gateway")
@settings_option("gateway.toml")
@click.option("-v", "--verbose", is_flag=True, help="Log each connection, too.")
def gateway_command(settings_path: Path, verbose: bool) -> None:
    """Run the gateway: light the lamps, store every reading, forward the summaries.

    Runs until stopped, usually as the service fevergate-gateway.
    """
    from fevergate.gateway.process import run
    from fevergate.settings.last_good import load_settings
    from fevergate.storage import skip_numpy  # noqa: F401 - before anything loads sqlite-utils
    from fevergate.system.logging_setup import set_up

    set_up(verbose)
    settings, wrong = load_settings(settings_path)
    run(settings, wrong=wrong)


def main() -> None:
    """Run the command line. A `FeverGateError` or a full disk ends it with one line on stderr and
    exit code 2."""
    try:
        cli()
    except FeverGateError as error:
        click.echo(f"fevergate: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        from fevergate.texts.translations import N_, side_by_side

        words = N_("there is no room on the disk: make room, then run the same command again.")
        click.echo(f"fevergate: {error.filename or '-'}: {side_by_side(words)}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
