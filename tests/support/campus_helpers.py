"""A real campus server over HTTPS, and gateways that talk to it."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from fevergate.provision import provision
from fevergate.settings.gateway import load_gateway
from fevergate.settings.settings_file import read_secret
from harness.broker import free_port
from harness.store_contents import Received, received

HANG_S = 120


class CampusProcess:
    """A process of `fevergate campus`, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"https://127.0.0.1:{free_port()}"
        provision(
            folder,
            campus="east",
            gateway="gw-east",
            gates={"north": ["north-1"]},
            campus_server_url=self.url,
        )
        self.settings = load_gateway(folder / "gateway.toml")
        self.token = read_secret(folder / "campus.token")
        self.client = httpx.Client(verify=self.context(), base_url=self.url, timeout=HANG_S)
        self._process: subprocess.Popen[bytes] | None = None

    def context(self):
        from fevergate.forwarding.http_sender import campus_context

        assert self.settings.campus_server
        return campus_context(self.settings, self.settings.campus_server)

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "fevergate.cli", "campus"),
                *("--settings", str(self.folder / "campus.toml")),
            ],
            stdout=subprocess.DEVNULL,
        )
        end = time.monotonic() + HANG_S
        while True:
            try:
                assert self.client.get("/healthz").json() == {"ok": True}
                return
            except httpx.TransportError:
                assert time.monotonic() < end and self._process.poll() is None
                time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process:
            os.kill(self._process.pid, number)
            self._process.wait(HANG_S)
            self._process = None

    def query(self, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Query the database while the server runs."""
        connection = sqlite3.connect(self.folder / "campus.db", timeout=HANG_S)
        try:
            with connection:
                return connection.execute(sql, arguments).fetchall()
        finally:
            connection.close()

    def items(self, kind: str) -> list[dict[str, Any]]:
        """The items of a kind that the server holds, in the order of their keys."""
        rows = self.query("select payload from items where kind = ? order by key", kind)
        return [json.loads(payload) for (payload,) in rows]

    def refusals(self) -> set[tuple[Any, ...]]:
        """(gateway, field) of each item that the server refused."""
        return set(self.query("select gateway, field from refusals"))

    @property
    def zone(self) -> ZoneInfo:
        return self.settings.zone

    def received(self) -> Received:
        return received(self.folder / "campus.db")

    def post(self, body: bytes, token: str | None = None) -> httpx.Response:
        return self.client.post(
            "/v1/summaries",
            content=body,
            headers={"Authorization": f"Bearer {token or self.token}"},
        )
