"""A gateway's settings with 300 readings stored, and a backup of them."""

import pytest
from samples import arrived

from fevergate.backup.gateway import backup
from fevergate.provision import provision
from fevergate.settings.gateway import load_gateway
from fevergate.storage.store import Store


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / "gateway"
    provision(folder, campus="east", gateway="gw-east", gates={"north": ["north-1", "north-2"]})
    store = Store(folder / "fevergate.db")
    store.commit([arrived(seq, "fever" if seq % 50 == 0 else "normal") for seq in range(1, 301)])
    store.close()
    return load_gateway(folder / "gateway.toml")


@pytest.fixture
def backup_path(settings, tmp_path):
    path = tmp_path / "monday.tar.gz"
    backup(settings, path)
    return path
