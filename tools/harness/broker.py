"""A real mosquitto on this machine, configured by `fevergate provision`."""

import os
import random
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from fevergate.errors import BrokerError
from fevergate.mosquitto import start_command
from fevergate.settings.gateway import load_gateway
from simulator import child_process

UP_S = 120
END_S = 120
PORTS = (20_000, 32_768)
"""Ports below the range that the kernel gives to clients: ip(7), ip_local_port_range."""


_SHARES = 97
_given_ports: set[int] = set()


def free_port() -> int:
    """A loopback TCP port that is free now. The kernel gives it to no client, so a server that was
    killed finds it free again.

    A process does not get the same port again soon, since a server begins some time after its port
    was chosen. Processes that test side by side have consecutive IDs, and so choose from different
    shares of the range.
    """
    share = range(PORTS[0] + os.getpid() % _SHARES, PORTS[1], _SHARES)
    if len(_given_ports) >= len(share) // 2:
        _given_ports.clear()
    while True:
        port = random.choice(share)  # noqa: S311 - no secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given_ports:
                _given_ports.add(port)
                return port


class LocalBroker:
    """The broker of a provisioned `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = load_gateway(folder / "gateway.toml")
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "mosquitto.log"
        self.runtime = folder / "broker-runtime"

    @property
    def pid(self) -> int:
        """Process ID. Raises `BrokerError` if the broker is off."""
        if self._process is None:
            raise BrokerError("mosquitto: is off")
        return self._process.pid

    def start(self) -> None:
        """Start the broker and wait until it listens. Raises `BrokerError` with the end of its
        log."""
        self.runtime.mkdir(exist_ok=True)
        configuration = start_command.prepare(self.folder, self.runtime)
        with self.log.open("ab") as log:
            self._process = child_process.start(
                [start_command.program(), "-c", str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + UP_S
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > until:
                words = self.log.read_text(errors="replace").strip().splitlines()[-3:]
                raise BrokerError(f"mosquitto does not come up: {' '.join(words)}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the broker (SIGKILL): what it held in memory is lost."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Shut the broker down (SIGTERM), so that it writes its store; no effect if it is off."""
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def persistence_files(self) -> list[Path]:
        """Files in which the broker keeps sessions and messages."""
        return list((self.folder / "broker").glob("*.db*"))

    def _listens(self) -> bool:
        for address in self.settings.broker.addresses:
            with socket.socket() as probe:
                probe.settimeout(UP_S)
                if probe.connect_ex(address):
                    return False
        return True
