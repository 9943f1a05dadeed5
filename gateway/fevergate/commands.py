"""The commands that read and prepare: `log`, `provision`, `doctor`."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path
from typing import Literal

import click
import msgspec
from rich.console import Console

from fevergate import log_formats
from fevergate.database import open_reader
from fevergate.errors import NothingFoundError
from fevergate.fever_log import bounds, read_day
from fevergate.options import settings_option
from fevergate.rescreen import Rules, rescreen
from fevergate.settings import load_gateway
from kiosk.estimate import SITES


class DayParam(click.ParamType[date]):
    """A day as YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(
        self, value: str | date, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r}: expected a day as YYYY-MM-DD, such as 2026-11-23", param, ctx)


@click.command("log")
@click.option("--date", "day", type=DayParam(), help="Which day; today without it.")
@click.option("--campus", help="Must be this gateway's campus.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Else as the settings say.")
@click.option(
    "--rescreen",
    "again",
    is_flag=True,
    help="Decide the day again under the options below, and show what would have changed.",
)
@click.option("--threshold", type=click.FloatRange(35, 40), help="°C, axillary equivalent.")
@click.option("--site", type=click.Choice(sorted(SITES)), help="Else as each kiosk has it.")
@click.option(
    "--baseline",
    type=click.Choice(["recorded", "off"]),
    default="recorded",
    show_default=True,
    help="The crowd's baseline as it was in force, or none.",
)
@click.option("--confirm-scans", type=click.IntRange(0, 3), help="Else as each kiosk has it.")
@settings_option("gateway.toml")
def log_command(
    day: date | None,
    campus: str | None,
    form: str,
    language: str | None,
    again: bool,
    threshold: float | None,
    site: str | None,
    baseline: Literal["recorded", "off"],
    confirm_scans: int | None,
    settings_path: Path,
) -> None:
    """A day's fevers, counts by kiosk, and coverage.

    Every fever with time, place, temperatures, who acknowledged it and when. A day without one
    says what was watched: "no fevers" and "nobody looked" are different reports.

    \b
      fevergate log
      fevergate log --date 2026-11-23 --format csv > fevers.csv
      fevergate log --rescreen --threshold 37.1
    """
    settings = load_gateway(settings_path)
    rules = Rules(threshold, site, baseline, confirm_scans)
    if rules != Rules() and not again:
        raise click.UsageError(
            "--threshold, --site, --baseline, --confirm-scans go with --rescreen"
        )
    if again and form == "csv":
        raise click.UsageError("--rescreen: expected --format table or json")
    if campus not in (None, settings.campus):
        raise NothingFoundError(f"campus {campus!r}: this gateway keeps {settings.campus!r}")
    database = open_reader(settings.path(settings.database))
    language = language or settings.language
    try:
        if again:
            _, begin, end = bounds(settings, day)
            changed = rescreen(database, begin, end, rules)
            text = log_formats.rescreened_as_json(changed)
            table = log_formats.rescreened_as_table(changed, settings.zone, language)
        else:
            log = read_day(database, settings, day)
            text = log_formats.as_json(log)
            table = log_formats.as_table(log, settings.zone, language)
            if form == "csv":
                text = log_formats.as_csv(log, settings.zone)
    finally:
        database.close()
    if form == "table":
        # A pipe has no width: take what the table needs, rather than cut it.
        Console(width=None if sys.stdout.isatty() else 160).print(table)
    else:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")


class GateParam(click.ParamType[tuple[str, list[str]]]):
    """A gate and its kiosks as NAME=KIOSK,KIOSK."""

    name = "NAME=KIOSK[,KIOSK...]"

    def convert(
        self,
        value: str | tuple[str, list[str]],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, list[str]]:
        if isinstance(value, tuple):
            return value
        gate, equals, kiosks = value.partition("=")
        if not equals or not kiosks:
            self.fail(f"{value!r}: expected NAME=KIOSK,KIOSK, such as north=north-1", param, ctx)
        return gate, kiosks.split(",")


@click.command("provision")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--campus", help="The campus's name: [a-z0-9-].")
@click.option("--gateway", help="This gateway's name.")
@click.option("--gate", "gates", type=GateParam(), multiple=True, help="Repeat it.")
@click.option("--broker-host", default="127.0.0.1", show_default=True, help="As kiosks reach it.")
@click.option("--broker-port", type=click.IntRange(1, 65535), default=8883, show_default=True)
@click.option("--bind", default="127.0.0.1", show_default=True, help="0.0.0.0: all interfaces.")
@click.option("--campus-server", help="https://HOST[:PORT] to which summaries go.")
@click.option("--timezone", default="Asia/Shanghai", show_default=True)
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option(
    "--site",
    type=click.Choice(sorted(SITES)),
    default="canthus",
    show_default=True,
    help="What the sensor sees of a face.",
)
@click.option("--threshold", type=click.FloatRange(35, 40), default=37.3, show_default=True)
@click.option("--wifi-ssid", default="", help="Its password: $FEVERGATE_WIFI_PASSWORD, or asked.")
@click.option(
    "--home-assistant", is_flag=True, help="A credential for it, and kiosks appear in it."
)
@click.option(
    "--collect", is_flag=True, help="A credential and collect.toml for `fevergate collect`."
)
@click.option("--port", help="Write --kiosk's settings onto the board at this serial port.")
@click.option("--kiosk", help="With --port: which of the folder's kiosks the board shall be.")
def provision_command(
    folder: Path,
    campus: str | None,
    gateway: str | None,
    gates: tuple[tuple[str, list[str]], ...],
    broker_host: str,
    broker_port: int,
    bind: str,
    campus_server: str | None,
    timezone: str,
    language: str,
    site: str,
    threshold: float,
    wifi_ssid: str,
    home_assistant: bool,
    collect: bool,
    port: str | None,
    kiosk: str | None,
) -> None:
    """Make FOLDER: authority, certificates, credentials, broker, gateway and kiosk settings.

    Run it again to add kiosks or to renew certificates: keys, passwords and an edited
    gateway.toml are kept. Secrets are written to files that only their owner reads.

    \b
      fevergate provision /etc/fevergate --campus east --gateway gw-east \\
          --gate north=north-1,north-2 --broker-host 192.168.1.10 --bind 0.0.0.0

    A new board gets its settings by phone (it opens a Wi-Fi, whose page takes the kiosk's file
    kiosks/NAME/kiosk.json), or over USB:

    \b
      fevergate provision /etc/fevergate --port /dev/ttyUSB0 --kiosk north-1
    """
    if port or kiosk:
        _over_usb(folder, port, kiosk)
        return
    missing = [
        f"--{name}"
        for name, value in (("campus", campus), ("gateway", gateway), ("gate", gates))
        if not value
    ]
    if missing or campus is None or gateway is None:
        raise click.UsageError(f"Missing option: {', '.join(missing)}")
    from fevergate.provision import provision

    password = os.environ.get("FEVERGATE_WIFI_PASSWORD", "")
    if wifi_ssid and not password:
        password = click.prompt(f"Password of {wifi_ssid}", hide_input=True, err=True)
    done = provision(
        folder,
        campus=campus,
        gateway=gateway,
        gates=dict(gates),
        broker_host=broker_host,
        broker_port=broker_port,
        bind=bind,
        campus_server_url=campus_server,
        timezone=timezone,
        language=language,
        site=site,
        threshold_c=threshold,
        wifi_ssid=wifi_ssid,
        wifi_password=password,
        home_assistant=home_assistant,
        collect=collect,
    )
    for title, names in (("made", done.made), ("kept", done.kept)):
        if names:
            click.echo(f"{title}: {', '.join(names)}")
    click.echo(f"Copy {done.folder}/kiosks/NAME/ onto each board, then: fevergate doctor")


def _over_usb(folder: Path, port: str | None, kiosk: str | None) -> None:
    from fevergate.usb import write_settings

    if not port or not kiosk:
        raise click.UsageError("--port and --kiosk go together")

    def progress(name: str, at: int, size: int) -> None:
        if at == size:
            click.echo(f"{kiosk}: {name}, {size} bytes")

    about = write_settings(folder, kiosk, port, progress)
    click.echo(f"{kiosk}: written to {about} at {port}, which starts anew")


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
    from fevergate.doctor import examine

    found = examine(settings_path)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        column = 1 if language == "en" else 0
        console = Console()
        for finding in found:
            mark, style = _MARKS[finding.state]
            console.print(f"[{style}]{mark}[/] [bold]{finding.check:<12}[/]", end=" ")
            console.print(finding.text[column], markup=False, highlight=False, soft_wrap=True)
            if finding.advice[column]:
                console.print(f"{'':15}→ {finding.advice[column]}", markup=False, soft_wrap=True)
    if any(finding.state == "failed" for finding in found):
        context.exit(2 if found[0].state == "failed" else 1)


_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "bold red")}
