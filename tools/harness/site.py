"""A private site: a provisioned gateway's folder, its broker, and the processes beside it.

The one builder for tests, demonstration, benchmarks and chaos. The broker runs within the `with`
block; gateway, pages and campus server run when they are started, and end with it.
"""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec

from fevergate.protocol.messages import Topic
from fevergate.provision import provision
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.web_common.accounts import Accounts
from fevergate.web_common.store import WebStore
from harness.broker import LocalBroker, free_port
from harness.client import open_client, sign_in, wait_until_up
from harness.lamps import Lamps
from harness.load import LoadKiosk
from harness.worker import Worker

CAMPUS, GATE = "east", "north"
GATES = {"north": ["north-1", "north-2"], "south": ["south-1", "south-2"]}
ADMINISTRATOR = "admin"


class Site:
    """Use it in a `with` statement; all that it started ends with the block."""

    def __init__(
        self,
        folder: Path,
        gates: dict[str, list[str]] = GATES,
        *,
        campus: str = CAMPUS,
        campus_server: bool = False,
        forward_every_s: float | None = None,
        **options: Any,
    ) -> None:
        """`folder` must not exist. `campus_server`: a campus server's settings lie there, too, and
        it is forwarded to every `forward_every_s`. `options` are more of `provision`'s."""
        self.folder = folder
        self.campus = campus
        self.gates = gates
        self.campus_url = f"https://127.0.0.1:{free_port()}"
        if campus_server:
            options["campus_server_url"] = self.campus_url
        options = {"gateway": f"gw-{campus}", "broker_port": free_port()} | options
        provision(folder, campus=campus, gates=gates, **options)
        self.settings_path = folder / "gateway.toml"
        self.broker = LocalBroker(folder)
        self.lamps = Lamps()
        self._password = ""
        self.stack = ExitStack()
        """What else ends with the block, before the broker does."""
        self._workers: list[Worker] = []
        self._kiosks: dict[str, LoadKiosk] = {}
        self.edit("port = 8443", f"port = {free_port()}")
        if forward_every_s:
            self.edit("[campus_server]", f"[campus_server]\nevery_s = {forward_every_s}")

    def __enter__(self) -> Self:
        try:
            self.broker.start()
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for kiosk in self._kiosks.values():
            kiosk.close()
        for worker in reversed(self._workers):
            worker.stop()
        self.stack.close()
        self.broker.stop()

    def begin(self) -> None:
        """What else starts with the block, once the broker listens."""

    def edit(self, before: str, after: str) -> None:
        """Change gateway.toml, and load it again."""
        text = self.settings_path.read_text()
        assert before in text, f"{self.settings_path}: no {before!r}"  # noqa: S101
        self.settings_path.write_text(text.replace(before, after, 1))
        self.settings: GatewaySettings = load_gateway(self.settings_path)

    @property
    def port(self) -> int:
        """The broker's."""
        return self.settings.broker.port

    @property
    def url(self) -> str:
        """The pages' address."""
        return f"https://127.0.0.1:{self.settings.web.port}"

    @property
    def database(self) -> Path:
        """The gateway's."""
        return self.settings.path(self.settings.database)

    def topic(self, kiosk: str, kind: str) -> str:
        """The topic of what a kiosk says or is told."""
        return str(Topic(self.campus, kiosk, kind))

    def start(self, module: str, *arguments: str, **options: Any) -> Worker:
        """A module as a process, which ends with the site; `options` are `Worker`'s."""
        self._workers = [worker for worker in self._workers if not worker.ended]
        self._workers.append(Worker(module, *arguments, **options))
        return self._workers[-1]

    def start_gateway(self, *arguments: str, **options: Any) -> Worker:
        """The shipped gateway on mock pins, whose lines `lamps` takes unless `heard` is given;
        `arguments` are more of `gateway_host`'s."""
        options = {"heard": self.lamps.heard, "gone": self.lamps.died} | options
        settings = str(self.settings_path)
        self.gateway = self.start("harness.gateway_host", settings, *arguments, **options)
        return self.gateway

    def start_web(self, *, wait: bool = True, **options: Any) -> Worker:
        """The shipped pages; returns once they answer, if it is to `wait`. Raises
        `HarnessError`."""
        options.setdefault("heard", ignore)
        settings = str(self.settings_path)
        self.web = self.start("fevergate.cli", "web", "--settings", settings, **options)
        if wait:
            with self.client() as client:
                wait_until_up(client)
        return self.web

    def start_campus(self, **options: Any) -> Worker:
        """The shipped campus server."""
        options.setdefault("heard", ignore)
        settings = str(self.folder / "campus.toml")
        return self.start("fevergate.cli", "campus", "--settings", settings, **options)

    def start_load(self, *arguments: str) -> Worker:
        """Readings of many kiosks; `arguments` as of `tools/load`."""
        return self.start("harness.load", str(self.settings_path), *arguments)

    def kiosk(self, name: str) -> LoadKiosk:
        """A kiosk that has its line to the broker."""
        if name not in self._kiosks:
            self._kiosks[name] = LoadKiosk(self.settings, name, 1000)
            self._kiosks[name].wait_up()
        return self._kiosks[name]

    def board_files(self, kiosk: str, **changes: Any) -> dict[str, bytes]:
        """What a kiosk's flash holds beside the firmware, with `changes` in its settings.json."""
        folder = self.folder / "kiosks" / kiosk
        settings = msgspec.json.decode((folder / "settings.json").read_bytes()) | changes
        return {
            "settings.json": msgspec.json.encode(settings),
            "ca.der": (folder / "ca.der").read_bytes(),
        }

    def invite(self) -> str:
        """A one-time code with which the pages' first administrator is made."""
        store = WebStore(self.settings.path(self.settings.web.database))
        try:
            return Accounts(store).invite()
        finally:
            store.close()

    def administrator(self, name: str = ADMINISTRATOR) -> dict[str, str]:
        """Name and password of the pages' administrator, who is made when first asked for."""
        if not self._password:
            password = secrets.token_urlsafe(9)
            store = WebStore(self.settings.path(self.settings.web.database))
            try:
                accounts = Accounts(store)
                accounts.begin(accounts.invite(), name, password)
            finally:
                store.close()
            self._password = password
        return {"name": name, "password": self._password}

    def client(self) -> httpx.Client:
        """Somebody's browser at the pages, not signed in."""
        return open_client(self.url, self.settings.path(self.settings.broker.ca))

    @contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """The administrator's browser at the pages, once they answer. Raises `HarnessError`."""
        with self.client() as client:
            wait_until_up(client)
            sign_in(client, **self.administrator())
            yield client


class LoadSite(Site):
    """One gate with numbered kiosks, in a temporary folder on the disk of `disk`."""

    def __init__(
        self, kiosks: int, disk: Path | None = None, queued: int = 0, **options: Any
    ) -> None:
        """`queued`: so many messages the broker keeps for a gateway that is away."""
        self._temporary = tempfile.TemporaryDirectory(prefix="fevergate-site-", dir=disk)
        self.kiosks = [f"kiosk-{number}" for number in range(1, kiosks + 1)]
        folder = Path(self._temporary.name) / "gateway"
        super().__init__(folder, {GATE: self.kiosks}, **options)
        if queued:
            configuration = folder / "mosquitto.conf"
            configuration.write_text(
                re.sub(
                    r"(?m)^max_queued_messages .*",
                    f"max_queued_messages {queued + 1000}",
                    configuration.read_text(),
                )
            )

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._temporary.cleanup()


def ignore(_line: str) -> None:
    """Takes a line of standard output that nobody reads."""
