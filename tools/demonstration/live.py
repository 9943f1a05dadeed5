"""Prints a line for each reading and alarm, as the administrator's MQTT client receives them."""

import time
from pathlib import Path
from typing import Self

import msgspec
from rich.console import Console
from rich.markup import escape

from fevergate.protocol.alarm_messages import AlarmState
from fevergate.protocol.messages import Reading, Verdict
from fevergate.protocol.topics import ROOT
from harness.admin import Admin
from harness.system import System

NAME = "demo"
COLOURS = {Verdict.NORMAL: "green", Verdict.FEVER: "bold white on red", Verdict.RETRY: "yellow"}


class Screen(Admin):
    """The administrator's MQTT client, which prints to the terminal; for a `with` statement."""

    def __init__(self, system: System, console: Console) -> None:
        topics = (f"{ROOT}/+/+/reading", f"{ROOT}/+/alarm/+")
        super().__init__(system, *topics, heard=self._message)
        self._system = system
        self._console = console

    def __enter__(self) -> Self:
        self._introduce(self._system.folder)
        return super().__enter__()

    def _introduce(self, folder: Path) -> None:
        broker, say = self._system.settings.broker, self._console.print
        say("[bold]FeverGate[/] with four simulated kiosks at two gates. Ctrl-C ends it.\n")
        password = self._system.administrator(NAME)["password"]
        self._system.start_web(wait=False, log=folder / "web.log")
        say(f"  board, log     {self._system.url}/", soft_wrap=True)
        say(f"                 user {NAME}, password {password}")
        say(f"  campus server  {self._system.campus_url}", soft_wrap=True)
        user = self._system.settings.gateway
        say(f"                 user {user}, password in {folder}/campus.token", soft_wrap=True)
        say(
            f"  broker         mosquitto_sub -h {broker.host} -p {broker.port} --cafile"
            f" {folder}/ca.crt -u admin -P $(cat {folder}/admin.password) -t 'fevergate/v1/#' -v",
            soft_wrap=True,
        )
        say(f"  database       sqlite3 {self._system.database}", soft_wrap=True)
        say(
            f"  fever log      .venv/bin/fevergate log --settings {self._system.settings_path}\n",
            soft_wrap=True,
        )

    def _message(self, topic: str, payload: bytes | bytearray) -> None:
        try:
            if topic.endswith("/reading"):
                self._reading(msgspec.json.decode(payload, type=Reading))
            else:
                self._alarm(msgspec.json.decode(payload, type=AlarmState))
        except msgspec.MsgspecError as error:
            self._console.print(f"[red]{topic}: {error}[/]")

    def _reading(self, reading: Reading) -> None:
        at = time.strftime("%H:%M:%S", time.localtime(reading.at)) if reading.at else "--:--:--"
        body = f"{reading.body_c:5.2f} °C" if reading.body_c is not None else "   -    "
        colour = COLOURS[reading.verdict]
        self._console.print(
            f"{at}  {reading.kiosk:<8} [{colour}] {reading.verdict:<6} [/]  {body}"
            f"  skin {reading.skin_c or 0:5.2f}  room {reading.ambient_c or 0:5.2f}"
            f"  {reading.scan_ms:4d} ms  {escape(reading.reason)}",
            highlight=False,
        )

    def _alarm(self, state: AlarmState) -> None:
        if state.state == "raised" and state.last:
            self._console.print(f"          [red]● {state.gate}: red light[/]", highlight=False)
        elif state.by:
            self._console.print(
                f"          [green]○ {state.gate}: acknowledged by {escape(state.by)}[/]",
                highlight=False,
            )
        for trouble in state.amber:
            self._console.print(
                f"          [yellow]● {state.gate}: {escape(trouble)}[/]", highlight=False
            )
