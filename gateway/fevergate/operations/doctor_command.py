"""`fevergate doctor`: checks a gateway and says what to do."""

from pathlib import Path

import click
import msgspec

from fevergate.command_line.options import settings_option, spoken_option
from fevergate.command_line.terminal import console, print_finding
from fevergate.operations.doctor import examine
from fevergate.texts.translations import LANGUAGES


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list instead of text.")
@spoken_option
@settings_option("gateway.toml")
@click.pass_context
def doctor_command(
    context: click.Context, as_json: bool, language: str, settings_path: Path
) -> None:
    """Check every part of this gateway, and print what to do about each fault.

    Checks the settings, broker, certificates, secrets, database, disk, the running gateway, pins,
    lamps, desk, clock and campus server. It changes nothing.

    \b
      fevergate doctor
      fevergate doctor --language en
      fevergate doctor --json | jq '.[] | select(.state != "ok")'

    Exit code 0: no check failed; 1: a check failed; 2: the settings cannot be read.
    """
    findings = examine(settings_path)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(findings), indent=1).decode())
    else:
        column = LANGUAGES.index(language)
        for finding in findings:
            print_finding(console(), finding, column)
    if any(finding.state == "failed" for finding in findings):
        context.exit(2 if findings[0].state == "failed" else 1)
