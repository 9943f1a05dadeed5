"""Broker, gateway and pages of one campus in a private folder, for whoever opens a browser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Self

from gpiozero.pins.mock import MockFactory

from demonstration.filled import fill
from fevergate.gateway import Gateway
from fevergate.provision import provision
from fevergate.settings import load_gateway
from harness import process
from harness.broker import LocalBroker, free_port
from harness.load import LoadKiosk


class Site:
    """Use it in a `with` statement; `days` of a term are there already."""

    def __init__(self, folder: Path, gates: dict[str, list[str]], days: int = 0) -> None:
        provision(folder, campus="east", gateway="gw-east", gates=gates, broker_port=free_port())
        port = free_port()
        self.url = f"https://127.0.0.1:{port}"
        toml = folder / "gateway.toml"
        toml.write_text(toml.read_text().replace("port = 8443", f"port = {port}"))
        self.settings = load_gateway(toml)
        if days:
            fill(self.settings, days)
        self.broker = LocalBroker(folder)
        self._toml = toml
        self.code = ""
        self._kiosks: dict[str, LoadKiosk] = {}

    def __enter__(self) -> Self:
        self.broker.start()
        self.start_gateway()
        self.start_web()
        return self

    def __exit__(self, *_: object) -> None:
        for kiosk in self._kiosks.values():
            kiosk.close()
        self.stop_web()
        self.stop_gateway()
        self.broker.stop()

    def start_gateway(self) -> None:
        self._factory = MockFactory()
        self.gateway = Gateway(load_gateway(self._toml), self._factory)
        self.gateway.start()

    def stop_gateway(self) -> None:
        self.gateway.stop()
        self._factory.reset()

    def start_web(self) -> None:
        """`code` lets the first administrator in, where there is none yet."""
        self.web = process.start(
            [sys.executable, "-m", "fevergate.cli", "web", "--settings", str(self._toml)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            text=True,
        )
        assert self.web.stdout  # noqa: S101 - asked for above
        self.web.stdout.readline()
        if not self.code:
            self.code = self.web.stdout.readline().split()[-1]

    def stop_web(self) -> None:
        self.web.terminate()
        self.web.wait()

    def kiosk(self, name: str) -> LoadKiosk:
        """A kiosk that has its line to the broker."""
        if name not in self._kiosks:
            self._kiosks[name] = LoadKiosk(self.settings, name, 1000)
            self._kiosks[name].wait_up()
        return self._kiosks[name]
