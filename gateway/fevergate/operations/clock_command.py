"""`fevergate clock`: shows whether the gateway believes its clock, and confirms it."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import click
import msgspec
from sqlite_utils import Database

from fevergate.clock.judge import WAYS_OUT, ClockState
from fevergate.command_line.options import settings_option
from fevergate.errors import NothingFoundError
from fevergate.settings.gateway import load_gateway
from fevergate.storage import clock_memory
from fevergate.storage.connection import connect, open_reader

REASONS = {
    "running on": ("连续走时", "it went on from the last time that was believed"),
    "synchronised": ("网络校时", "network time keeps it"),
    "agreed": ("与各设备一致三小时", "the kiosks have agreed with it for three hours"),
    "confirmed": ("由人确认", "a person said so"),
    "waited": ("存疑已满一天", "the doubt has lasted for a day"),
    "unset": ("从未设置", "it was never set"),
    "back": ("早于上次可信时间", "it is before the time that was believed last"),
    "ahead": ("远超上次可信时间", "it is far ahead of the time that was believed last"),
}
"""Reasons why the clock is believed or in doubt. (Chinese, English)"""


@click.command("clock")
@click.option("--right", is_flag=True, help="Say that this machine's clock is right: look first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for a program.")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Chinese without it.")
@settings_option("gateway.toml")
def clock_command(right: bool, as_json: bool, language: str | None, settings_path: Path) -> None:
    """Show whether the gateway believes its clock, why, and what ends a doubt.

    While it doubts its clock it goes by the last time that it believed, tells kiosks no time and
    states no day to be over. `--right` ends the doubt within a minute.
    """
    settings = load_gateway(settings_path)
    path = settings.path(settings.database)
    with open_reader(path) as reader:
        state = clock_memory.last_state(reader)
    if state is None:
        raise NothingFoundError(f"{path}: no gateway has run yet")
    if right:
        with Database(connect(path, read_only=False)) as writer:
            clock_memory.say_right(writer)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(state), indent=1).decode())
        return
    column = 1 if (language or settings.language) == "en" else 0
    now = datetime.fromtimestamp(time.time(), settings.zone).strftime("%Y-%m-%d %H:%M:%S")
    click.echo(f"{now}  {in_words(state)[column]}")
    if not state.believed and not right:
        click.echo(f"→ {WAYS_OUT[state.why][column]}")
    if right:
        click.echo(("一分钟内生效", "the gateway takes it within a minute")[column])


def in_words(state: ClockState) -> tuple[str, str]:
    """Whether the clock is believed, and why. (Chinese, English)"""
    zh, en = REASONS[state.why]
    if state.believed:
        return f"可信：{zh}", f"believed: {en}"
    off_h = state.off_s / 3600
    return (
        f"存疑：{zh}；网关所用时间比本机时钟早 {off_h:.1f} 小时",
        f"in doubt: {en}; the gateway goes by a time {off_h:.1f} h before the machine's",
    )
