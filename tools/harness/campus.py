"""A campus server and its gateways' credentials in a folder; it runs as a process or in this
one."""

import hashlib
import secrets
import threading
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Self
from zoneinfo import ZoneInfo

import httpx
import tomlkit
import uvicorn

from fevergate.campus.app import CampusServer
from fevergate.campus.settings import load_campus
from fevergate.crypto.pki import ensure_authority, ensure_server
from fevergate.settings.gateway import CampusServerSettings, Gate, GatewaySettings
from harness.broker import free_port
from harness.client import open_client, wait_until_up
from harness.worker import Worker

NAMES = ("示例职业技术学院", "Example Vocational College")


class CampusSite:
    """Files of a campus server: authority, a token for each gateway, campus.toml.

    `campuses`: gateways by campus. `titles`: (Chinese, English) by campus. `more`: text appended to
    campus.toml.
    """

    def __init__(
        self,
        folder: Path,
        campuses: Mapping[str, Sequence[str]],
        database: str = "campus.db",
        titles: Mapping[str, tuple[str, str]] = MappingProxyType({}),
        more: str = "",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        ensure_authority(folder, "province")
        ensure_server(folder, "campus", ["127.0.0.1"])
        tokens = {}
        for gateway in (name for gateways in campuses.values() for name in gateways):
            token = secrets.token_urlsafe(24)
            (folder / f"{gateway}.token").write_text(token)
            tokens[gateway] = hashlib.sha256(token.encode()).hexdigest()
        values = {
            "database": database,
            "title": NAMES[0],
            "title_en": NAMES[1],
            "tokens": tokens,
            "campuses": {
                name: dict(zip(("title", "title_en"), titles.get(name, (name, name)), strict=True))
                | {"gateways": list(gateways)}
                for name, gateways in campuses.items()
            },
        }
        self.folder = folder
        self._text = f"{tomlkit.dumps(values)}\n{more}\n"
        self._place("campus.toml")

    def beside(self) -> Self:
        """Settings of a second server on the same database."""
        other = copy(self)
        other._place("beside.toml")
        return other

    def _place(self, name: str) -> None:
        port = free_port()
        self.settings_path = self.folder / name
        self.settings_path.write_text(f"port = {port}\n{self._text}")
        self.settings = load_campus(self.settings_path)
        self.url = f"https://127.0.0.1:{port}"

    def start(self) -> Worker:
        """Start `fevergate campus` and wait until it answers. Raises `HarnessError`."""
        worker = Worker("fevergate.cli", "campus", "--settings", str(self.settings_path))
        try:
            with self.client() as client:
                wait_until_up(client)
        except BaseException:
            worker.kill()
            raise
        return worker

    def client(self) -> httpx.Client:
        """An HTTPS client of the server's pages, not signed in."""
        return open_client(self.url, self.folder / "ca.crt")

    def gateway_settings(
        self, campus: str, gateway: str, gates: Mapping[str, Sequence[str]]
    ) -> GatewaySettings:
        """Settings of a gateway that forwards to this server."""
        settings = GatewaySettings(
            campus=campus,
            gateway=gateway,
            gates=[Gate(name=name, kiosks=list(kiosks)) for name, kiosks in gates.items()],
            campus_server=CampusServerSettings(
                url=self.url, token_file=f"{gateway}.token", ca="ca.crt", persons=False
            ),
        )
        settings.folder = self.folder
        return settings


class SimulatedClock:
    """A clock that stays at the time (Unix s) to which it was set."""

    def __init__(self, first: str, zone: ZoneInfo) -> None:
        self._zone = zone
        self.at = self.of(first, "00:00")

    def __call__(self) -> float:
        return self.at

    def set(self, day: str, clock: str) -> None:
        """Set the clock to a local date and time."""
        self.at = self.of(day, clock)

    def of(self, day: str, clock: str) -> float:
        """Unix time (s) of a local date and time."""
        return datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=self._zone).timestamp()


class CampusHost(CampusSite):
    """A campus server in this process, over HTTPS, for a `with` statement. Its clock is set by
    hand, so that days pass in seconds; its clerk runs only when `tick` is called."""

    def __init__(
        self,
        folder: Path,
        campuses: Mapping[str, Sequence[str]],
        clock: SimulatedClock,
        database: str = "campus.db",
        titles: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    ) -> None:
        super().__init__(folder, campuses, database, titles)
        self.clock = clock
        self.server = CampusServer(self.settings, clock)
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                self.server.app,
                host=self.settings.host,
                port=self.settings.port,
                ssl_certfile=str(folder / "campus.crt"),
                ssl_keyfile=str(folder / "campus.key"),
                log_level="error",
                lifespan="off",
            )
        )
        self._thread = threading.Thread(target=self._uvicorn.run, name="campus", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        with self.client() as client:
            wait_until_up(client)
        return self

    def __exit__(self, *_: object) -> None:
        self._uvicorn.should_exit = True
        self._thread.join()
        self.server.close()

    def tick(self) -> None:
        """Run the clerk once, at the clock's time."""
        self.server.clerk.tick()


def days_from(first: str, count: int) -> list[str]:
    """`count` ISO dates, beginning with `first`."""
    begin = datetime.fromisoformat(first)
    return [(begin + timedelta(days=n)).date().isoformat() for n in range(count)]
