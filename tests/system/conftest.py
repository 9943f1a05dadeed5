"""One real broker for the tests that need no other."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from fevergate.local_broker import LocalBroker, free_port
from fevergate.provision import provision


@dataclass
class Site:
    """A provisioned folder and its broker."""

    folder: Path
    port: int
    broker: LocalBroker


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "fevergate"
    port = free_port()
    provision(
        folder,
        campus="east",
        gateway="gw-east",
        gates={"north": ["north-1", "north-2"]},
        broker_port=port,
    )
    broker = LocalBroker(folder)
    broker.start()
    yield Site(folder, port, broker)
    broker.stop()
