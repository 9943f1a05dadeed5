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

ADMINISTRATOR, GUARD = "demo", "guard"

WATCHED_S = 30.0
"""Time for the viewer to acknowledge on the board before the simulated guard does."""

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
        system, broker = self._system, self._system.settings.broker
        administrator, guard = system.administrator(ADMINISTRATOR), system.guard_account(GUARD)
        campus = system.campus_administrator(ADMINISTRATOR)
        system.start_web(wait=False, log=folder / "web.log")

        def say(text: str) -> None:
            self._console.print(text, soft_wrap=True, highlight=False)

        say("[bold]FeverGate[/] with four simulated kiosks at two gates. Ctrl-C ends it.")
        say("A fever comes now and then: acknowledge it on the board, or a guard does it after")
        say(f"{WATCHED_S:.0f} s.\n")
        say(f"  board          {system.url}/board/{system.settings.gates[0].name}")
        say(f"                 user {guard['name']}, password {guard['password']}")
        say(f"  board, log     {system.url}/")
        say(f"                 user {administrator['name']}, password {administrator['password']}")
        say(f"  campus server  {system.campus_url}/")
        say(f"                 user {campus['name']}, password {campus['password']}")
        say("  The browser warns: these pages' certificates are signed by an authority that was")
        say("  made for this demonstration. Go on (Advanced, Proceed), or let the browser trust")
        say(f"  {folder}/ca.crt; ports differ each time.")
        say(
            "  浏览器会提示证书不受信任：证书由本次演示自建的机构签发。选择“高级”、“继续前往”即可，"
        )
        say("  或在浏览器中信任上面的 ca.crt。\n")
        say(
            f"  broker         mosquitto_sub -h {broker.host} -p {broker.port} --cafile"
            f" {folder}/ca.crt -u admin -P $(cat {folder}/admin.password) -t 'fevergate/v1/#' -v"
        )
        say(f"  database       sqlite3 {system.database}")
        say(f"  fever log      .venv/bin/fevergate log --settings {system.settings_path}\n")

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
