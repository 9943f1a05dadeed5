"""`fevergate status`: lamps and their reasons, each kiosk, and what waits to be sent."""

import json
import shutil
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import Struct
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from fevergate.command_line.options import json_option, language_option, settings_option
from fevergate.command_line.terminal import FittedTable, console
from fevergate.errors import BrokerError, StoreError
from fevergate.gateway.run_state import RunState, read_run_state
from fevergate.mqtt.one_shot import read_all_retained
from fevergate.protocol.alarm_messages import AlarmState
from fevergate.protocol.topics import alarm_topic
from fevergate.reports.day_in_words import local
from fevergate.reports.fever_log import KioskDay, read_day
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.settings.names import Names
from fevergate.storage.connection import open_reader
from fevergate.texts import trouble_text
from fevergate.texts.post_words import post_in_words
from fevergate.texts.translations import N_, Say, translator

EVERY_S = 2.0


class KioskStatus(Struct, kw_only=True):
    """One kiosk: its last health message (`heard_at`, Unix time in s), and its day."""

    kiosk: str
    gate: str
    online: bool = False
    heard_at: float | None = None
    fault: str = ""
    queued: int = 0
    fw: str = ""
    board: str = ""
    wifi: int = 0
    """Reason of its last Wi-Fi outage (`messages.Health`); 0: none."""
    today: KioskDay


class PostStatus(Struct, kw_only=True):
    """One lamp post; `heard_at` (Unix time in s) is None if it was never heard."""

    post: str
    gate: str
    online: bool = False
    heard_at: float | None = None


class Status(Struct, kw_only=True):
    """The state of a gateway; `troubles` are errors of this command, such as no broker."""

    at: float
    campus: str
    gateway: str
    gates: list[AlarmState]
    kiosks: list[KioskStatus]
    posts: list[PostStatus] = []
    summaries_waiting: int = 0
    fevers_today: int = 0
    database_mb: float = 0.0
    free_mb: float = 0.0
    running: RunState | None = None
    """State that the gateway writes about itself; None if no gateway runs."""
    troubles: list[str] = []


def look(settings: GatewaySettings) -> Status:
    """Ask broker, database and disk; the failure of one does not stop the others."""
    status = Status(
        at=time.time(), campus=settings.campus, gateway=settings.gateway, gates=[], kiosks=[]
    )
    status.running = read_run_state(settings.folder)
    try:
        status.gates = _gates(settings)
    except BrokerError as error:
        status.troubles.append(str(error))
    path = settings.path(settings.database)
    try:
        with open_reader(path) as reader:
            day = read_day(reader, settings, most=0, with_roll=False)
            rows = {row["kiosk"]: row for row in reader.query("select * from kiosks")}
            (status.summaries_waiting,) = reader.execute("select count(*) from outbox").fetchone()
        status.fevers_today = day.count
        status.kiosks = [_kiosk(today, rows.get(today.kiosk)) for today in day.kiosks]
        status.posts = [_post(post, gate, rows.get(post)) for post, gate in settings.posts.items()]
        status.database_mb = sum(f.stat().st_size for f in path.parent.glob(f"{path.name}*")) / 1e6
        status.free_mb = shutil.disk_usage(path.parent).free / 1e6
    except (StoreError, sqlite3.Error, OSError) as error:
        status.troubles.append(str(error))
    return status


def _gates(settings: GatewaySettings) -> list[AlarmState]:
    """The gates' retained states, read as user `admin`."""
    retained = read_all_retained(settings.as_user("admin"), alarm_topic(settings.campus, "+"))
    gates = []
    for gate in settings.gates:
        payload = retained.get(alarm_topic(settings.campus, gate.name))
        if payload:
            gates.append(msgspec.json.decode(payload, type=AlarmState))
    return gates


def _kiosk(today: KioskDay, row: dict[str, Any] | None) -> KioskStatus:
    status = KioskStatus(kiosk=today.kiosk, gate=today.gate, today=today)
    if row:
        status.online, status.heard_at = row["status"] == "online", row["last_seen"]
        health = json.loads(row["health"] or "{}")
        for name in ("fault", "queued", "fw", "board", "wifi"):
            setattr(status, name, health.get(name) or getattr(status, name))
    return status


def _post(post: str, gate: str, row: dict[str, Any] | None) -> PostStatus:
    status = PostStatus(post=post, gate=gate)
    if row:
        status.online, status.heard_at = row["status"] == "online", row["last_seen"]
    return status


def as_table(status: Status, settings: GatewaySettings, language: str) -> RenderableType:
    """The status as tables for the terminal."""
    say, names = translator(language), settings.names(language)
    parts: list[RenderableType] = [
        Text(f"{status.gateway} · {names.campus} · {local(status.at, settings.zone)}", "bold"),
        Text(say("Times are those of %s.") % settings.timezone, "dim"),
    ]
    for state in status.gates:
        if state.state == "raised":
            light, style = (
                say("red, {count} fever(s) to acknowledge", count=state.fevers),
                "bold red",
            )
        elif state.amber:
            light, style = say("amber, a kiosk is not watching"), "bold yellow"
        else:
            light, style = say("green, all kiosks watch"), "bold green"
        parts.append(Text(f"● {names.gate(state.gate)}: {light}", style))
        parts += [
            Text(f"    {trouble_text.line(why, say, names.kiosk, settings.posts)}", "yellow")
            for why in state.amber or ()
        ]
    if status.running:
        parts.append(_running(status.running, say))
    silent_after_s = settings.alarm.silent_after_s
    rows = [
        (
            *(names.gate(kiosk.gate), names.kiosk(kiosk.kiosk)),
            *(_state(kiosk, status.at, silent_after_s, say), _ago(status.at, kiosk.heard_at)),
            *map(str, (kiosk.today.normal, kiosk.today.fever, kiosk.today.retry)),
            *map(str, (kiosk.today.watched_minutes, kiosk.queued)),
        )
        for kiosk in status.kiosks
    ]
    left = [N_("Gate"), N_("Kiosk"), N_("State"), N_("Heard")]
    right = [N_("Normal"), N_("Fever"), N_("Retry"), N_("Minutes watched"), N_("Queued")]
    least = [say(title) for title in (*right[::-1], *left[:1])]
    columns = [say(title) for title in left + right]
    left_out = say("The terminal is too narrow for: {columns}. --json has everything.")
    parts.append(FittedTable(columns, rows, [say(title) for title in right], least, left_out))
    parts += [_post_line(post, status.at, silent_after_s, say, names) for post in status.posts]
    parts += [_wifi(kiosk, say, names) for kiosk in status.kiosks if kiosk.wifi]
    parts.append(
        Text(
            say(
                "{waiting} summaries wait; database {database:.1f} MB; {free:.0f} MB free.",
                waiting=status.summaries_waiting,
                database=status.database_mb,
                free=status.free_mb,
            )
        )
    )
    parts += [Text(trouble, "bold red") for trouble in status.troubles]
    return Group(*parts)


def _running(running: RunState, say: Say) -> Text:
    """One line on the gateway's pins, connection, disk and clock."""
    if running.hangs:
        return Text(
            say("the gateway has hung for {seconds:.0f} s", seconds=running.age_s), "bold red"
        )
    pins = f"{running.pins}, gpiochip{running.chip}" if running.chip is not None else running.pins
    text = say(
        "the gateway runs: pins {pins}; line {line}; disk {disk}; clock {clock}",
        pins=pins if running.pins and not running.dark else say("none"),
        line=say("yes") if running.line else say("none"),
        disk=running.disk or say("fine"),
        clock=say("fine") if running.clock else say("not believed"),
    )
    well = running.line and not (running.dark or running.disk) and running.clock
    return Text(text, "" if well else "bold red")


def _post_line(post: PostStatus, now: float, silent_after_s: float, say: Say, names: Names) -> Text:
    absent = _absent(post, now, silent_after_s, say)
    text = say(
        "{kiosk}: {what}",
        kiosk=post_in_words(names.kiosk(post.post), names.gate(post.gate), say),
        what=absent or say("shows the alarm"),
    )
    return Text(text, "yellow" if absent else "green")


def _absent(
    device: KioskStatus | PostStatus, now: float, silent_after_s: float, say: Say
) -> str | None:
    """Why a device counts as absent, in words; None if it does not."""
    if device.heard_at is None:
        return say("never heard")
    if not device.online:
        return say("offline")
    return say("silent") if now - device.heard_at > silent_after_s else None


def _state(kiosk: KioskStatus, now: float, silent_after_s: float, say: Say) -> Text:
    if absent := _absent(kiosk, now, silent_after_s, say):
        return Text(absent, "yellow")
    if kiosk.fault:
        return Text(trouble_text.fault(kiosk.fault, say), "yellow")
    return Text(say("watches"), "green")


def _wifi(kiosk: KioskStatus, say: Say, names: Names) -> Text:
    """A line on a kiosk's Wi-Fi outage since it started."""
    why = trouble_text.wifi(kiosk.wifi, say)
    name = names.kiosk(kiosk.kiosk)
    text = say("{kiosk}: Wi-Fi at the last disconnection: {why}", kiosk=name, why=why)
    return Text(text, "yellow")


def _ago(now: float, at: float | None) -> str:
    if at is None:
        return "-"
    ago_s = max(0, int(now - at))
    return f"{ago_s} s" if ago_s < 120 else f"{ago_s // 60} min"


@click.command("status")
@click.option("--watch", is_flag=True, help="Refresh every two seconds, until Ctrl-C.")
@json_option
@language_option
@settings_option("gateway.toml")
@click.pass_context
def status_command(
    context: click.Context, watch: bool, as_json: bool, language: str | None, settings_path: Path
) -> None:
    """Show each gate's lamps and why, the state of each kiosk, and what waits to be sent.

    \b
      fevergate status
      fevergate status --watch
      fevergate status --json | jq .gates

    Exit code 1: the broker or the database could not be read.
    """
    settings = load_gateway(settings_path)
    language = language or settings.language
    status = look(settings)
    if as_json:
        click.echo(msgspec.json.encode(status).decode())
    elif watch and sys.stdout.isatty():
        with Live(as_table(status, settings, language), auto_refresh=False) as live:
            try:
                while True:
                    time.sleep(EVERY_S)
                    live.update(as_table(look(settings), settings, language), refresh=True)
            except KeyboardInterrupt:
                return
    else:
        console().print(as_table(status, settings, language))
    if status.troubles:
        context.exit(1)
