"""`fevergate status`: what the guard's lamps show and why, each kiosk, and what waits."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import time
from pathlib import Path

import click
import msgspec
from msgspec import Struct
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fevergate.command_line.options import settings_option
from fevergate.errors import BrokerError, StoreError
from fevergate.gateway.run_state import RunState, read_run_state
from fevergate.mqtt.one_shot import read_all_retained
from fevergate.protocol.messages import AlarmState, alarm_topic
from fevergate.reports.fever_log import KioskDay, read_day
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.storage.connection import open_reader
from fevergate.texts.terminal_text import words

EVERY_S = 2.0


class KioskStatus(Struct, kw_only=True):
    """One kiosk: its last word (UTC s), and its day."""

    kiosk: str
    gate: str
    online: bool = False
    heard_at: float | None = None
    fault: str = ""
    queued: int = 0
    fw: str = ""
    board: str = ""
    wifi: int = 0
    """Why it had no network when its line was last missed (`messages.Health`); 0: never."""
    today: KioskDay


class Status(Struct, kw_only=True):
    """What there is to know now. `troubles`: what keeps this command from knowing more."""

    at: float
    campus: str
    gateway: str
    gates: list[AlarmState]
    kiosks: list[KioskStatus]
    summaries_waiting: int = 0
    fevers_today: int = 0
    database_mb: float = 0.0
    free_mb: float = 0.0
    running: RunState | None = None
    """What the gateway under systemd says of itself; None where none runs."""
    troubles: list[str] = []


def look(settings: GatewaySettings) -> Status:
    """Ask broker, database and disk, each for itself."""
    found = Status(
        at=time.time(), campus=settings.campus, gateway=settings.gateway, gates=[], kiosks=[]
    )
    found.running = read_run_state(settings.folder)
    try:
        found.gates = _gates(settings)
    except BrokerError as error:
        found.troubles.append(str(error))
    path = settings.path(settings.database)
    try:
        reader = open_reader(path)
        try:
            day = read_day(reader, settings, most=0)
            said = {row["kiosk"]: row for row in reader.query("select * from kiosks")}
            (found.summaries_waiting,) = reader.execute("select count(*) from outbox").fetchone()
        finally:
            reader.close()
        found.fevers_today = day.count
        found.kiosks = [_kiosk(today, said.get(today.kiosk)) for today in day.kiosks]
        found.database_mb = sum(f.stat().st_size for f in path.parent.glob(f"{path.name}*")) / 1e6
        found.free_mb = shutil.disk_usage(path.parent).free / 1e6
    except (StoreError, sqlite3.Error, OSError) as error:
        found.troubles.append(str(error))
    return found


def _gates(settings: GatewaySettings) -> list[AlarmState]:
    """As the gateway last announced them; as the administrator, who may read that."""
    said = read_all_retained(settings.as_user("admin"), alarm_topic(settings.campus, "+"))
    gates = []
    for gate in settings.gates:
        payload = said.get(alarm_topic(settings.campus, gate.name))
        if payload:
            gates.append(msgspec.json.decode(payload, type=AlarmState))
    return gates


def _kiosk(today: KioskDay, row: dict[str, object] | None) -> KioskStatus:
    found = KioskStatus(kiosk=today.kiosk, gate=today.gate, today=today)
    if row is None:
        return found
    health = json.loads(str(row["health"] or "{}"))
    found.online = row["status"] == "online"
    found.heard_at = float(str(row["last_seen"]))
    found.fault = str(health.get("fault") or "")
    found.queued = int(health.get("queued") or 0)
    found.fw = str(health.get("fw") or "")
    found.board = str(health.get("board") or "")
    found.wifi = int(health.get("wifi") or 0)
    return found


def as_table(found: Status, language: str) -> RenderableType:
    """For a person at a terminal."""
    say = words(language)
    parts: list[RenderableType] = [
        Text(f"{found.gateway} · {found.campus} · {time.strftime('%Y-%m-%d %H:%M:%S')}", "bold")
    ]
    for state in found.gates:
        if state.state == "raised":
            text = Text(f"● {state.gate}: {say['red'].format(count=state.fevers)}", "bold red")
        elif state.amber:
            text = Text(f"● {state.gate}: {say['amber']}", "bold yellow")
        else:
            text = Text(f"● {state.gate}: {say['green']}", "bold green")
        parts.append(text)
        parts += [Text(f"    {reason}", "yellow") for reason in _reasons(state, language)]
    if found.running:
        parts.append(_running(found.running, say))
    table = Table()
    for key in ("gate", "kiosk", "state", "heard"):
        table.add_column(say[key])
    for key in ("normal", "fever", "retry", "watched", "queued"):
        table.add_column(say[key], justify="right")
    for kiosk in found.kiosks:
        table.add_row(
            *(kiosk.gate, kiosk.kiosk, _state(kiosk, say), _ago(found.at, kiosk.heard_at)),
            *(str(n) for n in (kiosk.today.normal, kiosk.today.fever, kiosk.today.retry)),
            *(str(kiosk.today.watched_minutes), str(kiosk.queued)),
        )
    parts.append(table)
    parts += _wifi(found.kiosks, language)
    parts.append(
        Text(
            say["keeps"].format(
                waiting=found.summaries_waiting, database=found.database_mb, free=found.free_mb
            )
        )
    )
    parts += [Text(trouble, "bold red") for trouble in found.troubles]
    return Group(*parts)


def _running(running: RunState, say: dict[str, str]) -> Text:
    """The pins, line, disk and clock that the gateway has."""
    if running.hangs:
        return Text(say["hangs"].format(seconds=running.age_s), "bold red")
    pins = f"{running.pins}, gpiochip{running.chip}" if running.chip is not None else running.pins
    text = say["runs"].format(
        pins=pins if running.pins and not running.dark else say["none"],
        line=say["yes" if running.line else "none"],
        disk=running.disk or say["fine"],
        clock=say["fine" if running.clock else "not_believed"],
    )
    well = running.line and not (running.dark or running.disk) and running.clock
    return Text(text, "" if well else "bold red")


def _reasons(state: AlarmState, language: str) -> list[str]:
    """Why a gate is amber."""
    if not state.amber:
        return []
    from fevergate.texts import trouble_text  # with babel, which few looks need
    from fevergate.texts.translations import translations

    say = translations(language).gettext
    return [trouble_text.line(one, say) for one in state.amber]


def _state(kiosk: KioskStatus, say: dict[str, str]) -> Text:
    if kiosk.heard_at is None:
        return Text(say["never_heard"], "yellow")
    if not kiosk.online:
        return Text(say["offline"], "yellow")
    return Text(kiosk.fault, "yellow") if kiosk.fault else Text(say["watches"], "green")


def _wifi(kiosks: list[KioskStatus], language: str) -> list[Text]:
    """A line for each kiosk that was without a network since it started: why."""
    from fevergate.texts import trouble_text  # with babel, which few looks need
    from fevergate.texts.translations import translations

    say = translations(language).gettext
    line = words(language)["no_line"]
    return [
        Text(line.format(kiosk=one.kiosk, why=trouble_text.wifi(one.wifi, say)), "yellow")
        for one in kiosks
        if one.wifi
    ]


def _ago(now: float, at: float | None) -> str:
    if at is None:
        return "-"
    ago_s = max(0, int(now - at))
    return f"{ago_s} s" if ago_s < 120 else f"{ago_s // 60} min"


@click.command("status")
@click.option("--watch", is_flag=True, help="Go on, every two seconds, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for a program.")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Else as the settings say.")
@settings_option("gateway.toml")
@click.pass_context
def status_command(
    context: click.Context, watch: bool, as_json: bool, language: str | None, settings_path: Path
) -> None:
    """What each gate's lamps show and why, how each kiosk is, what waits to be sent.

    Exit 1 where broker or database could not be asked.

    \b
      fevergate status
      fevergate status --watch
    """
    settings = load_gateway(settings_path)
    language = language or settings.language
    found = look(settings)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    elif watch and sys.stdout.isatty():
        with Live(as_table(found, language), auto_refresh=False) as live:
            try:
                while True:
                    time.sleep(EVERY_S)
                    live.update(as_table(look(settings), language), refresh=True)
            except KeyboardInterrupt:
                return
    else:
        console = Console(width=None if sys.stdout.isatty() else 120)
        console.print(as_table(found, language))
    if found.troubles:
        context.exit(1)
