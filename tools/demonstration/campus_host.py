"""The campus server within this process, at a clock that somebody else sets: days in seconds."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Self
from zoneinfo import ZoneInfo

import uvicorn

from fevergate.campus.app import CampusServer
from fevergate.campus.settings import Campus, CampusSettings
from fevergate.certificates import ensure_authority, ensure_server
from fevergate.settings import CampusServer as CampusLine
from fevergate.settings import Gate, GatewaySettings
from harness.broker import free_port
from harness.errors import HarnessError

UP_S = 60


class SimulatedClock:
    """UTC s, where it was put."""

    def __init__(self, first: str, zone: ZoneInfo) -> None:
        self._zone = zone
        self.at = self.of(first, "00:00")

    def __call__(self) -> float:
        return self.at

    def set(self, day: str, clock: str) -> None:
        """To a time of the day, local."""
        self.at = self.of(day, clock)

    def of(self, day: str, clock: str) -> float:
        """UTC s of a time of the day, local."""
        return datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=self._zone).timestamp()


class CampusHost:
    """Use it in a `with` statement; served over HTTPS, its clerk ticks when told."""

    def __init__(
        self,
        folder: Path,
        campuses: Mapping[str, Sequence[str]],
        clock: SimulatedClock,
        database: str = "campus.db",
        titles: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        ensure_authority(folder, "province")
        ensure_server(folder, "campus", ["127.0.0.1"])
        tokens = {
            gateway: secrets.token_urlsafe(24) for some in campuses.values() for gateway in some
        }
        for gateway, token in tokens.items():
            (folder / f"{gateway}.token").write_text(token)
        self.settings = CampusSettings(
            port=free_port(),
            database=database,
            title="示例职业技术学院",
            title_en="Example Vocational College",
            tokens={name: hashlib.sha256(it.encode()).hexdigest() for name, it in tokens.items()},
            campuses={
                name: Campus(title=title, title_en=title_en, gateways=list(campuses[name]))
                for name, (title, title_en) in {
                    name: titles.get(name, (name, name)) for name in campuses
                }.items()
            },
        )
        self.settings.folder = folder
        self.url = f"https://127.0.0.1:{self.settings.port}"
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
        until = time.monotonic() + UP_S
        while not self._uvicorn.started:
            if time.monotonic() > until or not self._thread.is_alive():
                raise HarnessError("the campus server does not come up")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._uvicorn.should_exit = True
        self._thread.join()
        self.server.close()

    def tick(self) -> None:
        """One round of the clerk's, at the clock's time."""
        self.server.clerk.tick()

    def gateway_settings(
        self, campus: str, gateway: str, gates: Mapping[str, Sequence[str]]
    ) -> GatewaySettings:
        """Of a gateway that forwards to this server."""
        settings = GatewaySettings(
            campus=campus,
            gateway=gateway,
            gates=[Gate(name=name, kiosks=list(some)) for name, some in gates.items()],
            campus_server=CampusLine(
                url=self.url, token_file=f"{gateway}.token", ca="ca.crt", persons=False
            ),
        )
        settings.folder = self.folder
        return settings


def days_from(first: str, count: int) -> list[str]:
    """So many days, the first included."""
    begin = datetime.fromisoformat(first)
    return [(begin + timedelta(days=n)).date().isoformat() for n in range(count)]
