"""mosquitto starts whatever a power cut left of its files, and lets in the same users as before."""

import os
import shutil
import subprocess

import pytest
from click.testing import CliRunner
from gpiozero.pins.mock import MockFactory

from fevergate.cli import cli
from fevergate.gateway.service import Gateway
from fevergate.mqtt.one_shot import publish_once, read_retained
from fevergate.operations import doctor_storage
from fevergate.protocol.topics import alarm_topic
from fevergate.provision import provision
from fevergate.provision.steps import revoke
from fevergate.settings.gateway import load_gateway
from harness.broker import LocalBroker, free_port

TOPIC = alarm_topic("east", "north")

DAMAGE = {
    "absent": lambda content: None,
    "empty": lambda content: b"",
    "null bytes": lambda content: bytes(len(content)),
    "cut off": lambda content: content[: len(content) // 2],
    "cut off at a line's end": lambda content: content[: content.rfind(b"\n", 0, -1) + 1],
    "another's": lambda content: b"PK\x03\x04" + os.urandom(400),
}


def put(path, content):
    path.unlink()
    if content is not None:
        path.write_bytes(content)


@pytest.fixture(scope="module")
def kept_folder(tmp_path_factory):
    """The folder of a broker that ended in order, with a retained message in its store."""
    folder = tmp_path_factory.mktemp("kept") / "fevergate"
    gates = {"north": ["north-1"]}
    provision(folder, campus="east", gateway="gw-east", gates=gates, broker_port=free_port())
    broker = LocalBroker(folder)
    broker.start()
    publish_once(broker.settings, TOPIC, b"as it was", retain=True)
    broker.stop()
    return folder


@pytest.fixture
def broker(kept_folder):
    """A broker on the kept folder, which is restored after the test. The broker runs in that folder
    and not in a copy, since its configuration names the folder."""
    copy = kept_folder.with_name("copy")
    shutil.copytree(kept_folder, copy)
    broker = LocalBroker(kept_folder)
    yield broker
    broker.kill()
    shutil.rmtree(kept_folder)
    copy.rename(kept_folder)


def asides(broker):
    return sorted((broker.folder / "broker").glob("mosquitto.db.damaged-*"))


@pytest.mark.parametrize("damage", [name for name in DAMAGE if "line" not in name])
def test_a_damaged_store_is_set_aside_and_begun_anew(broker, damage, caplog):
    path = broker.folder / "broker/mosquitto.db"
    content = DAMAGE[damage](path.read_bytes())
    put(path, content)
    broker.start()
    publish_once(broker.settings, TOPIC, b"now", retain=True)
    if damage in ("absent", "empty"):  # mosquitto itself takes these for a first start
        assert not asides(broker)
    else:
        (damaged,) = asides(broker)
        assert damaged.read_bytes() == content
        assert "is damaged" in caplog.text


def test_a_sound_store_is_what_it_was(broker):
    broker.start()
    assert read_retained(broker.settings, TOPIC) == b"as it was"
    assert not asides(broker)


def test_damaged_stores_do_not_fill_the_card(broker):
    folder = broker.folder / "broker"
    for day in range(10, 20):
        (folder / f"mosquitto.db.damaged-202611{day}-000000").write_bytes(b"old")
    (folder / "mosquitto.db").write_bytes(bytes(1000))
    broker.start()
    assert [path.name[-15:-7] for path in asides(broker)[:2]] == ["20261118", "20261119"]
    assert len(asides(broker)) == 3


NAMES = ("mosquitto.conf", "broker.passwords", "broker.acl", "broker.crt", "broker.key")


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", NAMES)
def test_the_last_sound_copy_of_a_damaged_provisioned_file_is_used(broker, name, damage, caplog):
    path = broker.folder / name
    if name == "mosquitto.conf" and damage == "cut off at a line's end":
        pytest.skip("its last line is of no consequence")
    put(path, DAMAGE[damage](path.read_bytes()))
    broker.start()
    assert read_retained(broker.settings, TOPIC) == b"as it was"
    assert "the last sound" in caplog.text and "provision" in caplog.text


def test_no_copy_brings_back_a_revoked_kiosk(broker):
    """A revocation writes the password file, which is damaged before the broker starts again. The
    sound copy does not have the revoked kiosk either."""
    path = broker.folder / "broker.passwords"
    good = broker.folder / "broker/good" / path.name
    gates = {"north": ["north-1", "north-2"]}
    provision(broker.folder, campus="east", gateway="gw-east", gates=gates)
    assert good.read_bytes() == path.read_bytes() and b"north-2" in good.read_bytes()
    list(revoke(broker.folder, "north-2", "stolen"))
    assert good.read_bytes() == path.read_bytes() and b"north-2" not in good.read_bytes()
    put(path, b"")
    broker.start()
    assert read_retained(broker.settings, TOPIC) == b"as it was"


def mounted(folder, options):
    return subprocess.run(["mount", *options, folder], capture_output=True).returncode == 0


@pytest.fixture
def read_only(broker):
    """The broker's folder as a mount that a test can make read-only; the runtime folder is not on
    it."""
    folder = broker.folder
    if os.geteuid() or not mounted(folder, ["--bind", folder]):
        pytest.skip("mounting a file system needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("damaged", [False, True], ids=["sound", "damaged"])
def test_on_a_read_only_card_it_keeps_its_store_in_memory(
    broker, read_only, damaged, tmp_path, caplog
):
    if damaged:
        (read_only / "broker/mosquitto.db").write_bytes(bytes(500))
    assert mounted(read_only, ["-o", "remount,bind,ro"])
    broker.runtime, broker.log = tmp_path, tmp_path / "mosquitto.log"
    broker.start()
    assert "kept in memory" in caplog.text
    assert (tmp_path / "store/mosquitto.pid").read_text().strip() == str(broker.pid)
    assert read_retained(broker.settings, TOPIC) == (None if damaged else b"as it was")
    publish_once(broker.settings, TOPIC, b"now", retain=True)
    assert read_retained(broker.settings, TOPIC) == b"now"


def test_the_units_command_before_the_broker_prints_the_configurations_path(broker, tmp_path):
    result = CliRunner().invoke(
        cli, ["broker", str(broker.folder)], env={"RUNTIME_DIRECTORY": str(tmp_path)}
    )
    assert result.exit_code == 0, result.output
    assert result.output.strip().endswith("mosquitto.conf")


def test_the_board_and_doctor_say_that_its_store_was_damaged(broker):
    (broker.folder / "broker/mosquitto.db").write_bytes(bytes(1000))
    broker.start()
    settings = load_gateway(broker.folder / "gateway.toml")
    gateway = Gateway(settings, MockFactory())
    gateway.start()
    try:
        (state,) = gateway.alarm.states()
    finally:
        gateway.stop()
    assert "broker: store damaged, begun anew" in state.amber
    assert [finding.text[1] for finding in doctor_storage.damaged(settings)] == [
        f"the broker's store was damaged: {asides(broker)[0].name}"
    ]
