"""The school that is played: a gateway with its broker and pages, and the campus server's side."""

from __future__ import annotations

import secrets
import ssl
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

import httpx
import msgspec

from bench_suite.pages import administrator, open_client, post_form, until_up
from faults.pair import PostgresPair
from faults.witness import Witness
from faults.world import World
from fevergate.broker_once import read_retained
from fevergate.campus.settings import load_campus
from fevergate.errors import FeverGateError
from fevergate.protocol import AlarmState, alarm_topic, decode
from fevergate.settings import load_gateway
from harness.broker import free_port
from harness.errors import DatabaseServerError, HarnessError
from harness.stage import CAMPUS, GATE, Stage, Worker

PATIENCE_S = 600.0
"""What has not come about after so long never will."""

CARD_MB = 512
FORWARD_S = 1.0


class School(Stage):
    """Use it in a `with` statement: the broker and the databases run, the rest is started.

    The campus server has a pair of PostgreSQL servers where there is one on this machine, unless it
    is not to be `switchable`; else SQLite.
    """

    def __init__(self, kiosks: int, folder: Path | None = None, *, switchable: bool = True) -> None:
        self.url = f"https://127.0.0.1:{free_port()}"
        super().__init__(kiosks, folder, campus_server_url=self.url)
        text = self.path.read_text()
        line = f"every_s = {FORWARD_S}\npersons ="
        self.path.write_text(text.replace("persons =", line))
        self.settings = load_gateway(self.path)
        self.world = World(self.folder, self.settings.zone)
        self.witness = Witness()
        self.pair: PostgresPair | None = None
        self.campus_toml = self.folder / "campus.toml"
        self._switchable = switchable
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if self._switchable:
            with suppress(DatabaseServerError):
                self.pair = self._open.enter_context(PostgresPair())
        try:
            if self.pair:
                lines = [f'database = "{self.pair.url}"', self.campus_toml.read_text()]
                self.campus_toml.write_text("\n".join(lines))
            self.campus_settings = load_campus(self.campus_toml)
            return super().__enter__()
        except BaseException:
            self._open.close()
            raise

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._open.close()

    def start_gateway(self) -> Worker:
        """The shipped gateway, by its machine's clock, told to the witness."""
        return Worker(
            *("faults.gateway_host", str(self.path)),
            environment=self.world.gateway.environment,
            heard=self.witness.heard,
        )

    def start_campus(self) -> Worker:
        """The shipped campus server."""
        return Worker(
            *("fevergate.cli", "campus", "--settings", str(self.campus_toml)),
            environment=self.world.campus.environment,
            heard=_nobody,
        )

    def wait_for_campus(self, worker: Worker) -> Worker:
        """As soon as it answers; it is started again where it ends, as systemd would. Returns what
        answers. Raises `HarnessError`."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        until = time.monotonic() + PATIENCE_S
        with httpx.Client(base_url=self.url, verify=context) as client:
            while True:
                try:
                    client.get("/healthz").raise_for_status()
                    return worker
                except httpx.HTTPError as error:
                    if time.monotonic() > until:
                        worker.kill()
                        raise HarnessError(
                            f"the campus server does not come up: {error}"
                        ) from error
                    if worker.ended:
                        worker = self.start_campus()
                    time.sleep(0.1)

    def start_pages(self) -> Worker:
        """The shipped pages, on the gateway's machine."""
        return Worker(
            *("fevergate.cli", "web", "--settings", str(self.path)),
            environment=self.world.gateway.environment | {"PYTHONUNBUFFERED": "1"},
        )

    def wait_for_pages(self, worker: Worker) -> Worker:
        """As soon as they answer; at first an administrator signs in. Raises `HarnessError`."""
        with open_client(self) as client:
            until_up(client, PATIENCE_S)
            if not self.password:
                worker.line(PATIENCE_S)
                code = worker.line(PATIENCE_S).split()[-1]
                self.password = secrets.token_urlsafe(12)
                post_form(client, "/first", {"code": code, **administrator(self)})
        return worker

    def acknowledge_on_the_board(self) -> bool:
        """A guard signs in and sees to what the board shows; whether that was taken."""
        topic = alarm_topic(CAMPUS, GATE)
        try:
            shown = read_retained(self.settings, topic)
            if not shown or (alarm := decode(shown, AlarmState)).state == "clear":
                return True
            with open_client(self) as client:
                post_form(client, "/sign-in", administrator(self))
                since = msgspec.json.encode(alarm.since).decode().removesuffix(".0")
                form = {"since": since, "fevers": str(alarm.fevers)}
                origin = {"Origin": str(client.base_url).rstrip("/")}
                path = f"/board/{GATE}/acknowledge"
                return client.post(path, data=form, headers=origin).status_code == 200
        except (FeverGateError, httpx.HTTPError, OSError):
            return False

    def forget_brokers_store(self) -> None:
        """It lay on the card that is gone."""
        for path in self.broker.persistence_files():
            path.unlink()


def _nobody(_line: str) -> None:
    """Hears what a server says to its operator."""
