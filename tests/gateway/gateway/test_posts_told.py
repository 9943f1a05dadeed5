"""Status and doctor name each lamp post, and whether it is heard."""

import time
from contextlib import closing

import pytest
from click.testing import CliRunner

from fevergate.cli import cli
from fevergate.operations import doctor_posts
from fevergate.provision import provision
from fevergate.settings.gateway import load_gateway
from fevergate.storage.store import Store


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / "gateway"
    provision(folder, campus="east", gateway="gw-east", gates={"north": ["north-1"]})
    path = folder / "gateway.toml"
    text = path.read_text()
    assert 'kiosks = ["north-1"]' in text
    path.write_text(
        text.replace('kiosks = ["north-1"]', 'kiosks = ["north-1"]\nposts = ["post-1"]')
    )
    return load_gateway(path)


@pytest.mark.parametrize(
    ("status", "heard_ago_s", "en", "zh", "state"),
    [
        (None, 0, "Lamp post post-1 of north: never heard", "的灯柱 post-1", "warning"),
        ("offline", 1, "post-1 of north: offline", "离线", "warning"),
        ("online", 1, "post-1 of north: shows the alarm", "显示报警", "ok"),
        ("online", 1000, "post-1 of north: silent", "失联", "warning"),
    ],
)
def test_a_post_is_told(settings, status, heard_ago_s, en, zh, state):
    with closing(Store(settings.path(settings.database), settings.zone)) as store:
        if status:
            store.db.execute(
                "insert into kiosks(kiosk, gate, last_seen, status) values (?, ?, ?, ?)",
                ("post-1", "north", time.time() - heard_ago_s, status),
            )
            store.db.conn.commit()
    (finding,) = doctor_posts.posts(settings)
    assert finding.state == state and "post-1" in finding.text[0]
    toml = str(settings.folder / "gateway.toml")
    assert en in CliRunner().invoke(cli, ["status", "--settings", toml, "--language", "en"]).output
    assert zh in CliRunner().invoke(cli, ["status", "--settings", toml]).output
