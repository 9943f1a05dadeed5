"""`fevergate doctor`: checks a gateway and says what to do."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console

from fevergate.command_line.options import settings_option
from fevergate.operations.doctor import examine
from fevergate.texts.translations import LANGUAGES

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "bold red")}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list instead of text.")
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="zh",
    show_default=True,
    help="Language of the output.",
)
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
        console = Console()
        for finding in findings:
            mark, style = _MARKS[finding.state]
            console.print(f"[{style}]{mark}[/] [bold]{finding.check:<12}[/]", end=" ")
            console.print(finding.text[column], markup=False, highlight=False, soft_wrap=True)
            if finding.advice[column]:
                console.print(f"{'':15}→ {finding.advice[column]}", markup=False, soft_wrap=True)
    if any(finding.state == "failed" for finding in findings):
        context.exit(2 if findings[0].state == "failed" else 1)
