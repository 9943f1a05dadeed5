"""`fevergate lamps`: what can be done with a gate's lamps from outside the gateway."""

from __future__ import annotations

from pathlib import Path

import click

from fevergate.errors import PinsError
from fevergate.options import settings_option


@click.group("lamps")
def lamps_group() -> None:
    """Put the gates' lamps at rest."""


@lamps_group.command("rest")
@settings_option("gateway.toml")
def rest_command(settings_path: Path) -> None:
    """Make the lamps' pins inputs, which leaves amber. The gateway's unit runs it at each end.

    It works beside a gateway that was killed, and without its settings; a pin that a program holds
    is left alone, and said. Exit 2 where a pin could not be made an input.
    """
    from fevergate.at_rest import make_inputs, output_pins

    refused = make_inputs(output_pins(settings_path))
    if refused:
        raise PinsError("; ".join(f"GPIO {pin}: {why}" for pin, why in refused.items()))
