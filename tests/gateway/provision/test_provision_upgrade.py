"""An upgrade makes the broker's files those of the new version, or leaves them as they were."""

import os
import re

import pytest

from fevergate.errors import BrokerError, ProvisionError
from fevergate.mosquitto import broker_files, connection_limit
from fevergate.mqtt import one_shot
from fevergate.provision import provision, services, upgrade

DROP_IN = "mosquitto.service.d/fevergate.conf"


class Machine:
    """A provisioned machine whose systemd and broker are fakes; `takes` says whether the broker
    lets the gateway in."""

    def __init__(self, folder):
        self.folder = folder / "a"
        self.units = folder / "units"
        self.calls = []
        self.active = True
        self.takes = lambda: True
        provision(self.folder, campus="east", gateway="gw-east", gates={"north": ["north-1"]})
        for name, text in services.drop_ins(self.folder).items():
            (self.units / name).parent.mkdir(parents=True)
            (self.units / name).write_text(text)

    def run(self, _systemctl, *arguments):
        self.calls.append(" ".join(arguments))

    def show(self, _systemctl, name):
        return {"ActiveState": "active" if self.active else "inactive", "NRestarts": "1"}[name]

    def probe(self, _settings):
        if not self.takes():
            raise BrokerError("broker 127.0.0.1:8884: refused")

    def older(self):
        """Make the broker's files as an earlier version wrote them."""
        acl = self.folder / "broker.acl"
        acl.write_text(re.sub(r"(?m)^topic .*/test\n", "", acl.read_text()))
        (self.units / DROP_IN).write_text("[Service]\nUser=mosquitto\n")
        conf = self.folder / "mosquitto.conf"
        text = conf.read_text().replace(broker_files.CLIENT_IDS + "\n", "")
        conf.write_text(re.sub(r"(?s)# Listener for this machine: .*?\n\n", "\n", text))

    def files(self):
        paths = [path for top in (self.folder, self.units) for path in top.rglob("*")]
        return {path: path.read_bytes() for path in paths if path.is_file()}


@pytest.fixture
def machine(tmp_path, monkeypatch):
    machine = Machine(tmp_path)
    monkeypatch.setattr(services, "UNITS_FOLDER", machine.units)
    monkeypatch.setattr(services, "_systemctl", lambda folder: "systemctl")
    monkeypatch.setattr(services, "_run", machine.run)
    monkeypatch.setattr(services, "_show", machine.show)
    monkeypatch.setattr(connection_limit, "start", lambda systemctl: None)
    monkeypatch.setattr(one_shot, "probe", machine.probe)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(broker_files, "set_owners", lambda folder: None)  # only root can do this
    return machine


FILES = ("mosquitto.conf", "broker.acl")
RESTARTED = ["daemon-reload", "restart mosquitto.service"]


def test_files_of_this_version_are_left_alone_and_nothing_restarts(machine):
    before = machine.files()
    assert list(upgrade.upgrade(machine.folder)) == ["消息服务器的文件无需更新"]
    assert machine.files() == before and machine.calls == []


def test_an_earlier_site_gets_this_versions_files_and_keeps_its_settings(machine):
    new = machine.files()
    machine.older()
    (line,) = upgrade.upgrade(machine.folder)
    assert "本版本的 mosquitto.conf, broker.acl, /" in line and line.endswith(DROP_IN)
    assert machine.calls == RESTARTED
    now = machine.files()
    for path in (machine.folder / "mosquitto.conf", machine.folder / "broker.acl"):
        assert now[path] == new[path]
    assert now[machine.units / DROP_IN] == new[machine.units / DROP_IN]
    assert now[machine.folder / "gateway.toml"] == new[machine.folder / "gateway.toml"]
    (same,) = upgrade.upgrade(machine.folder)
    assert same == "消息服务器的文件无需更新"


def test_a_changed_drop_in_alone_restarts_only_the_broker(machine):
    (machine.units / DROP_IN).write_text("[Service]\n")
    (line,) = upgrade.upgrade(machine.folder)
    assert machine.calls == RESTARTED and line.endswith(DROP_IN)


def test_the_old_files_are_restored_if_the_broker_refuses_the_gateway_with_the_new(machine):
    machine.older()
    before = machine.files()
    machine.takes = lambda: False
    with pytest.raises(ProvisionError, match=r"restored: .*mosquitto\.conf"):
        list(upgrade.upgrade(machine.folder))
    after = machine.files()
    beside = ("systemd/", "broker/good/")  # copies, and files made at each start
    for path in before.keys() | after.keys():
        if not any(name in str(path) for name in beside):
            assert after.get(path) == before.get(path), path
    assert machine.calls == RESTARTED * 2


class Killed(BaseException):
    """Stands for SIGKILL or a power failure, which no `except Exception` of the program catches."""


def killed(place):
    def at(*_arguments, **_options):
        raise Killed(place)

    return at


@pytest.mark.parametrize("takes", [True, False])
@pytest.mark.parametrize(
    "place", ["write_broker", "services.write_drop_ins", "services.restart_broker", "probe"]
)
def test_an_upgrade_that_was_killed_is_completed_or_undone_by_the_next(
    machine, monkeypatch, place, takes
):
    """The next upgrade may find the new files in place, which the broker has not read, or has read
    but was not asked whether it lets the gateway in."""
    new = machine.files()
    machine.older()
    old = machine.files()
    with monkeypatch.context() as patch:
        owner = one_shot if place == "probe" else upgrade
        target = place.removeprefix("services.")
        patch.setattr(services if "." in place else owner, target, killed(place))
        with pytest.raises(Killed):
            list(upgrade.upgrade(machine.folder))
    machine.calls.clear()
    machine.takes = lambda: takes
    if takes:
        (line,) = upgrade.upgrade(machine.folder)
        assert "mosquitto.conf" in line and machine.calls == RESTARTED
    else:
        with pytest.raises(ProvisionError, match="restored"):
            list(upgrade.upgrade(machine.folder))
    now = machine.files()
    for path in (*(machine.folder / name for name in FILES), machine.units / DROP_IN):
        assert now[path] == (new if takes else old)[path], path
    assert now.keys() - new.keys() == set()
    if takes:
        assert list(upgrade.upgrade(machine.folder)) == ["消息服务器的文件无需更新"]


def test_a_broker_that_somebody_stopped_stays_as_it_is(machine):
    machine.older()
    machine.active = False
    before = machine.files()
    (line,) = upgrade.upgrade(machine.folder)
    assert "provision gateway" in line and machine.files() == before and machine.calls == []


def test_root_reads_through_no_link(machine, tmp_path):
    name = "broker.acl"
    (tmp_path / "secret").write_text("root's")
    (machine.folder / name).unlink()
    (machine.folder / name).symlink_to(tmp_path / "secret")
    with pytest.raises(ProvisionError, match=f"{name}: expected a file"):
        list(upgrade.upgrade(machine.folder))
    assert (tmp_path / "secret").read_text() == "root's"


def test_kiosks_keep_their_passwords_after_an_upgrade(machine):
    """The passwords are hashed again whenever the access list is written again."""
    machine.older()
    list(upgrade.upgrade(machine.folder))
    users = (machine.folder / "broker.passwords").read_text().splitlines()
    assert sorted(line.partition(":")[0] for line in users) == [
        *("admin", "gateway", "north-1", "web"),
    ]
