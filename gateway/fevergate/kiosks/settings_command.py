"""`fevergate settings`: what kiosks are told over their own settings, and what they answered."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import click
from msgspec.structs import asdict, replace
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlite_utils import Database

from fevergate.command_line.options import FiniteRange, settings_option
from fevergate.errors import MessageError, NothingFoundError
from fevergate.kiosks.display_notice import glyphs_of
from fevergate.mqtt.one_shot import publish_once, read_retained
from fevergate.protocol.messages import KioskSettings, KioskValues, Topic, decode, encode
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.storage.connection import open_reader
from kiosk.estimate import SITES

ANSWER_S = 15
POLL_S = 0.2


def current(settings: GatewaySettings, kiosk: str) -> KioskSettings:
    """What is retained for a kiosk now; nothing where that is not understood."""
    payload = read_retained(settings, _topic(settings, kiosk))
    try:
        return decode(payload, KioskSettings) if payload else KioskSettings()
    except MessageError as error:
        click.echo(f"{kiosk}: what was retained is replaced: {error}", err=True)
        return KioskSettings()


def put(settings: GatewaySettings, kiosk: str, wanted: KioskSettings) -> None:
    """Retain it for the kiosk, which takes it now or when it is back."""
    publish_once(settings, _topic(settings, kiosk), encode(wanted), retain=True)


def _topic(settings: GatewaySettings, kiosk: str) -> str:
    return str(Topic(settings.campus, kiosk, "settings"))


def _clock_time(_context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    if value is None:
        return None
    if value == "off":
        return ("", "")
    begin, dash, end = value.partition("-")
    try:
        if not dash:
            raise ValueError
        return tuple(datetime.strptime(one, "%H:%M").strftime("%H:%M") for one in (begin, end))
    except ValueError as error:
        raise click.BadParameter("expected HH:MM-HH:MM, or off", param=parameter) from error


@click.command("settings")
@click.argument("kiosks", nargs=-1, metavar="KIOSK...")
@click.option("--threshold", "threshold_c", type=FiniteRange(35, 40), help="°C, axillary.")
@click.option("--site", type=click.Choice(sorted(SITES)), help="What the sensor sees of a face.")
@click.option("--confirm-scans", type=click.IntRange(0, 3), help="Scans after a first positive.")
@click.option("--baseline", type=click.Choice(["auto", "fixed", "off"]), help="Follow the crowd?")
@click.option("--baseline-c", type=FiniteRange(-0.8, 0.8), help="°C, with --baseline fixed.")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Of the kiosk's display.")
@click.option("--volume", type=click.IntRange(0, 100), help="Of the beeper, %.")
@click.option("--brightness", type=click.IntRange(1, 100), help="Of the display, %.")
@click.option(
    "--quiet", callback=_clock_time, help="When the beeper is still, HH:MM-HH:MM, or off."
)
@click.option("--notice", help="For the idle display: 8 Chinese characters, 16 letters; '': none.")
@click.option("--reset", is_flag=True, help="First back to each kiosk's own settings.json.")
@settings_option("gateway.toml")
def settings_command(
    kiosks: tuple[str, ...],
    quiet: tuple[str, str] | None,
    notice: str | None,
    reset: bool,
    settings_path: Path,
    **values: Any,
) -> None:
    """Set KIOSKs (all without a name) from here, and see what they answered.

    Only what is given changes. A kiosk checks what it is sent, keeps the last good settings
    through power cuts, and answers with what is in force or what is wrong; one that is away takes
    them when it is back. Its name, broker and secrets cannot be set from here.

    \b
      fevergate settings                                   what is in force
      fevergate settings --threshold 37.2 --quiet 22:00-06:30
      fevergate settings north-1 --language en --volume 40
      fevergate settings --notice 今日考场请走东门
    """
    settings = load_gateway(settings_path)
    known = [kiosk for gate in settings.gates for kiosk in gate.kiosks]
    if wrong := [kiosk for kiosk in kiosks if kiosk not in known]:
        raise NothingFoundError(f"kiosk {wrong[0]!r}: expected one of {', '.join(known)}")
    settings.broker.username, settings.broker.password_file = "admin", "admin.password"
    given = {name: value for name, value in values.items() if value is not None}
    if quiet is not None:
        given |= {"quiet_from": quiet[0], "quiet_to": quiet[1]}
    if notice is not None:
        given |= {"notice": notice, "notice_glyphs": glyphs_of(notice)}
    database = open_reader(settings.path(settings.database))
    try:
        wanted = {kiosk: current(settings, kiosk) for kiosk in kiosks or known}
        if given or reset:
            began = time.time()
            for kiosk, before in wanted.items():
                wanted[kiosk] = changed(settings, database, kiosk, before, given, reset)
                put(settings, kiosk, wanted[kiosk])
            _await(database, wanted, began)
        _show(database, wanted)
    finally:
        database.close()


def changed(
    settings: GatewaySettings,
    database: Database,
    kiosk: str,
    before: KioskSettings,
    given: dict[str, Any],
    reset: bool,
) -> KioskSettings:
    """What is to be retained: `before`, or nothing of it (`reset`), under what is `given`, as a
    version above all that the kiosk may know."""
    in_force = answers(database).get(kiosk, Answer()).version
    values = KioskValues() if reset or before.values is None else before.values
    offset = datetime.now(settings.zone).utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset else 0
    return replace(
        before,
        version=max(before.version, in_force) + 1,
        values=replace(values, **given, utc_offset_min=minutes),
    )


class Answer(NamedTuple):
    """The version in force, what was wrong with the last settings, and when the kiosk said so."""

    version: int = 0
    error: str = ""
    answered_at: float = 0.0


def answers(database: Database) -> dict[str, Answer]:
    """What each kiosk last answered to its settings."""
    rows = database.execute("select kiosk, version, error, answered_at from applied")
    return {kiosk: Answer(*answer) for kiosk, *answer in rows}


def _await(database: Database, kiosks: Iterable[str], since: float) -> None:
    """Give those that are there time to answer."""
    end = time.monotonic() + ANSWER_S
    while time.monotonic() < end:
        found = answers(database)
        if all(found.get(kiosk, Answer()).answered_at >= since for kiosk in kiosks):
            return
        time.sleep(POLL_S)


def _show(database: Database, wanted: dict[str, KioskSettings]) -> None:
    found = answers(database)
    table = Table()
    for title in ("测温机 kiosk", "网关设置 set from here", "状态 state"):
        table.add_column(title)
    for kiosk, one in wanted.items():
        values = asdict(replace(one.values, notice_glyphs=None)) if one.values else {}
        text = ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)
        answer = found.get(kiosk, Answer())
        if answer.error:
            state = Text(f"拒绝 refused: {answer.error}", "bold red")
        elif answer.version >= one.version:
            state = Text("已生效 in force", "green")
        else:
            state = Text("等待 waits for the kiosk", "yellow")
        table.add_row(Text(kiosk), Text(text or "-"), state)
    Console(width=None if sys.stdout.isatty() else 140).print(table)
