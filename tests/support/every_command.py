"""Every command of `fevergate`, by its name."""

import click

from fevergate.cli import cli

_CONTEXT = click.Context(cli)
COMMANDS = {
    name: command
    for name in cli.list_commands(_CONTEXT)
    if (command := cli.get_command(_CONTEXT, name))
}
