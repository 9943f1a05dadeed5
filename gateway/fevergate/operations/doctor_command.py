"""`fevergate doctor`: checks a gateway and says what to do."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console

from fevergate.command_line.options import settings_option
from fevergate.operations.doctor import examine

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "bold red")}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for a program.")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Chinese without it.")
@settings_option("gateway.toml")
@click.pass_context
def doctor_command(
    context: click.Context, as_json: bool, language: str | None, settings_path: Path
) -> None:
    """Check settings, broker, certificates, secrets, database, disk, pins, desk, clock, campus.

    Each finding says what it means and what to do. Exit 0: nothing failed; 1: something did;
    2: the settings cannot be read.
    """
    findings = examine(settings_path)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(findings), indent=1).decode())
    else:
        column = 1 if language == "en" else 0
        console = Console()
        for finding in findings:
            mark, style = _MARKS[finding.state]
            console.print(f"[{style}]{mark}[/] [bold]{finding.check:<12}[/]", end=" ")
            console.print(finding.text[column], markup=False, highlight=False, soft_wrap=True)
            if finding.advice[column]:
                console.print(f"{'':15}→ {finding.advice[column]}", markup=False, soft_wrap=True)
    if any(finding.state == "failed" for finding in findings):
        context.exit(2 if findings[0].state == "failed" else 1)
