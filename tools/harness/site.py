"""A private site: a provisioned gateway's folder, its broker, and further processes.

Tests, demonstration, benchmarks and chaos trials are all built on it. The broker runs within the
`with` block; gateway, pages and campus server are started by methods and end with the block.
"""

import re
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec

from fevergate.campus.account_store import AccountStore
from fevergate.campus.database import CampusDatabase
from fevergate.campus.settings import load_campus
from fevergate.protocol.topics import Topic
from fevergate.provision import provision
from fevergate.provision.steps import add
from fevergate.provision.titles import suggested_campus, suggested_gate
from fevergate.settings.gateway import GatewaySettings, load_gateway
from fevergate.web_common.accounts import Accounts, Role
from fevergate.web_common.store import WebStore
from harness.broker import LocalBroker, free_port
from harness.client import open_client, sign_in, wait_until_up
from harness.lamps import Lamps
from harness.load import LoadKiosk
from harness.worker import Worker

CAMPUS, GATE = "east", "north"
GATES = {"north": ["north-1", "north-2"], "south": ["south-1", "south-2"]}
ADMINISTRATOR = "admin"
FILL_S = 300
"""Longest time to fill the broker's queues."""


def names_of(gates: Iterable[str], campus: str = CAMPUS) -> dict[str, Any]:
    """Options of `Site` that give campus and gates the names that `provision` proposes."""
    return {
        "titles": suggested_campus(campus),
        "gate_titles": {gate: suggested_gate(gate) for gate in gates},
    }


class Site:
    """A site for a `with` statement; everything that it starts ends with the block."""

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
        """`folder` must not exist. `campus_server`: add a campus server, to which the gateway
        forwards every `forward_every_s` s. `options` are passed to `provision`."""
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
        self.ahead_s = 0.0
        self.lamps = Lamps()
        self._password = ""
        self.stack = ExitStack()
        """Further resources that end with the block, before the broker."""
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
        """Hook for subclasses: start more when the block begins; the broker listens by then."""

    def edit(self, before: str, after: str) -> None:
        """Replace text in gateway.toml and load it again."""
        text = self.settings_path.read_text()
        assert before in text, f"{self.settings_path}: no {before!r}"  # noqa: S101
        self.settings_path.write_text(text.replace(before, after, 1))
        self.settings: GatewaySettings = load_gateway(self.settings_path)

    def add_post(self, post: str, gate: str) -> None:
        """Give a gate a lamp post, as `fevergate provision post` does."""
        for _ in add(self.folder, post, gate, {}, post=True):
            pass
        self.settings = load_gateway(self.settings_path)

    @property
    def port(self) -> int:
        """Port of the broker."""
        return self.settings.broker.port

    @property
    def url(self) -> str:
        """URL of the pages."""
        return f"https://127.0.0.1:{self.settings.web.port}"

    @property
    def database(self) -> Path:
        """Path of the gateway's database."""
        return self.settings.path(self.settings.database)

    def topic(self, kiosk: str, kind: str) -> str:
        """A kiosk's topic of a kind, such as `reading`."""
        return str(Topic(self.campus, kiosk, kind))

    def start(self, module: str, *arguments: str, **options: Any) -> Worker:
        """Run a module as a process that ends with the site; `options` are `Worker`'s. The clock of
        the process is `ahead_s` ahead."""
        if self.ahead_s:
            module, arguments = "harness.ahead", (str(self.ahead_s), module, *arguments)
        self._workers = [worker for worker in self._workers if not worker.ended]
        self._workers.append(Worker(module, *arguments, **options))
        return self._workers[-1]

    def start_gateway(self, *arguments: str, **options: Any) -> Worker:
        """Start the shipped gateway on mock pins; its lines go to `lamps` unless `heard` is given.
        `arguments` are further arguments of `gateway_host`."""
        options = {"heard": self.lamps.heard, "gone": self.lamps.died} | options
        settings = str(self.settings_path)
        self.gateway = self.start("harness.gateway_host", settings, *arguments, **options)
        return self.gateway

    def start_web(self, *, wait: bool = True, **options: Any) -> Worker:
        """Start the shipped pages and, with `wait`, wait until they answer. Raises `HarnessError`
        if they do not."""
        options.setdefault("heard", ignore)
        settings = str(self.settings_path)
        self.web = self.start("fevergate.cli", "web", "--settings", settings, **options)
        if wait:
            with self.client() as client:
                wait_until_up(client)
        return self.web

    def start_campus(self, **options: Any) -> Worker:
        """Start the shipped campus server."""
        options.setdefault("heard", ignore)
        settings = str(self.folder / "campus.toml")
        return self.start("fevergate.cli", "campus", "--settings", settings, **options)

    def start_load(self, *arguments: str) -> Worker:
        """Start `tools/load` with `arguments`."""
        return self.start("harness.load", str(self.settings_path), *arguments)

    def kiosk(self, name: str) -> LoadKiosk:
        """A kiosk connected to the broker; one per name."""
        if name not in self._kiosks:
            self._kiosks[name] = LoadKiosk(self.settings, name, 1000)
            self._kiosks[name].wait_up()
        return self._kiosks[name]

    def board_files(self, kiosk: str, **changes: Any) -> dict[str, bytes]:
        """Files of a kiosk's flash beside the firmware, with `changes` to its settings.json."""
        folder = self.folder / "kiosks" / kiosk
        settings = msgspec.json.decode((folder / "settings.json").read_bytes()) | changes
        return {
            "settings.json": msgspec.json.encode(settings),
            "ca.der": (folder / "ca.der").read_bytes(),
        }

    @contextmanager
    def _accounts(self) -> Iterator[Accounts]:
        with closing(WebStore(self.settings.path(self.settings.web.database))) as store:
            yield Accounts(store)

    def invite(self) -> str:
        """A one-time code to create the pages' first administrator."""
        with self._accounts() as accounts:
            return accounts.invite()

    def administrator(self, name: str = ADMINISTRATOR) -> dict[str, str]:
        """Name and password of the pages' administrator, created at the first call."""
        if not self._password:
            password = secrets.token_urlsafe(9)
            with self._accounts() as accounts:
                accounts.begin(accounts.invite(), name, password)
            self._password = password
        return {"name": name, "password": self._password}

    def guard_account(self, name: str) -> dict[str, str]:
        """Create a guard's account of the pages; returns its name and password."""
        return self.account(name, "guard")

    def account(self, name: str, role: Role, units: Sequence[str] = ()) -> dict[str, str]:
        """Create an account of the pages; returns its name and password."""
        password = secrets.token_urlsafe(9)
        with self._accounts() as accounts:
            accounts.add(name, password, role, units)
        return {"name": name, "password": password}

    def campus_administrator(self, name: str = ADMINISTRATOR) -> dict[str, str]:
        """Create the campus server's first administrator; returns its name and password."""
        password = secrets.token_urlsafe(9)
        with CampusDatabase(load_campus(self.folder / "campus.toml").url) as database:
            accounts = Accounts(AccountStore(database, time.time))
            accounts.begin(accounts.invite(), name, password)
        return {"name": name, "password": password}

    def client(self) -> httpx.Client:
        """An HTTPS client of the pages, not signed in."""
        return open_client(self.url, self.settings.path(self.settings.broker.ca))

    @contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """The administrator's client, once the pages answer. Raises `HarnessError`."""
        with self.client() as client:
            wait_until_up(client)
            sign_in(client, **self.administrator())
            yield client


class LoadSite(Site):
    """A site of one gate with numbered kiosks, in a temporary folder under `disk`."""

    def __init__(
        self, kiosks: int, disk: Path | None = None, queued: int = 0, **options: Any
    ) -> None:
        """`queued`: messages that the broker must be able to queue for an absent gateway."""
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

    def fill_queue(self, readings: int, boot: int) -> None:
        """Publish readings, and wait until the broker has them all in its queues."""
        with self.start_load("--readings", str(readings), "--boot", str(boot), "--unheard") as load:
            load.line(FILL_S)


def ignore(_line: str) -> None:
    """Discard a line of standard output."""
