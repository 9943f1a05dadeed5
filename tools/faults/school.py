"""The played school: a gateway with its broker and pages, and the campus server."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import httpx
import msgspec

from faults.pair import PostgresPair
from faults.witness import Witness
from faults.world import World
from fevergate.campus.settings import load_campus
from fevergate.errors import FeverGateError
from fevergate.mqtt.one_shot import read_retained
from fevergate.protocol.alarm_messages import AlarmState
from fevergate.protocol.messages import decode
from fevergate.protocol.topics import alarm_topic
from harness.client import open_client, post_form, sign_in, wait_until_up
from harness.errors import DatabaseServerError
from harness.site import CAMPUS, GATE, LoadSite
from harness.worker import Worker

PATIENCE_S = 600.0
"""Timeout of every wait; an answer that has not come by then never will."""

CARD_MB = 512
FORWARD_S = 1.0


class School(LoadSite):
    """A school, for a `with` statement, within which its broker and databases run. The other
    programs have to be started.

    The campus server has a pair of PostgreSQL servers if `switchable` and PostgreSQL is installed,
    else SQLite.
    """

    def __init__(self, kiosks: int, folder: Path | None = None, *, switchable: bool = True) -> None:
        super().__init__(kiosks, folder, campus_server=True, forward_every_s=FORWARD_S)
        self.world = World(self.folder, self.settings.zone)
        self.witness = Witness()
        self.card: Path | None = None
        self.pair: PostgresPair | None = None
        self._switchable = switchable
        self.campus_toml = self.folder / "campus.toml"

    def begin(self) -> None:
        """Start the campus server's databases, and load its settings."""
        if self._switchable:
            with suppress(DatabaseServerError):
                self.pair = self.stack.enter_context(PostgresPair())
        if self.pair:
            lines = [f'database = "{self.pair.url}"', self.campus_toml.read_text()]
            self.campus_toml.write_text("\n".join(lines))
        self.campus_settings = load_campus(self.campus_toml)

    def put_database_on_a_card(self, size_mb: int) -> bool:
        """Mount a file system for the database; False if this user may not mount one."""
        card = self.folder / "card"
        card.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(card)]
        if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
            return False
        self.stack.callback(subprocess.run, ["umount", "--lazy", card], check=False)
        self.card = card
        self.edit("campus =", 'database = "card/fevergate.db"\ncampus =')
        return True

    def begin_gateway(self) -> Worker:
        """Start the shipped gateway with its machine's clock; the witness gets its output."""
        return self.start(
            *("faults.gateway_host", str(self.settings_path)),
            environment=self.world.gateway.environment,
            heard=self.witness.heard,
            gone=self.witness.dies,
        )

    def begin_campus(self) -> Worker:
        """Start the shipped campus server with its machine's clock."""
        return self.start_campus(environment=self.world.campus.environment)

    def wait_for_campus(self, worker: Worker) -> Worker:
        """Wait until the campus server answers; if it ends, start it again, as systemd would.
        Returns the process that answers. Raises `HarnessError`."""

        def start_again() -> None:
            nonlocal worker
            if worker.ended:
                worker = self.begin_campus()

        with open_client(self.campus_url, self.folder / "ca.crt") as client:
            wait_until_up(client, PATIENCE_S, start_again)
        return worker

    def begin_pages(self) -> Worker:
        """Start the shipped pages on the gateway's machine."""
        return self.start_web(wait=False, environment=self.world.gateway.environment)

    def wait_for_pages(self, worker: Worker) -> Worker:
        """Wait until the pages answer. Raises `HarnessError`."""
        with self.client() as client:
            wait_until_up(client, PATIENCE_S)
        return worker

    def acknowledge_on_the_board(self) -> bool:
        """Sign in as a guard and acknowledge what the board shows; returns whether that worked."""
        topic = alarm_topic(CAMPUS, GATE)
        try:
            retained = read_retained(self.settings, topic)
            if not retained or (alarm := decode(retained, AlarmState)).state == "clear":
                return True
            with self.client() as client:
                sign_in(client, **self.administrator())
                since = msgspec.json.encode(alarm.since).decode().removesuffix(".0")
                form = {"since": since, "fevers": str(alarm.fevers)}
                answer = post_form(client, f"/board/{GATE}/acknowledge", form)
                return answer.status_code == 200
        except (FeverGateError, httpx.HTTPError, OSError):
            return False

    def forget_brokers_store(self) -> None:
        """Delete the broker's store, which was on the replaced card."""
        for path in self.broker.persistence_files():
            path.unlink()
