"""Kiosks of a gateway's folder: added, changed, given another Wi-Fi, revoked."""

import json

import pytest
from click.testing import CliRunner
from provision_helpers import contents, make

from fevergate.cli import cli
from fevergate.errors import FeverGateError, NothingFoundError, ProvisionError
from fevergate.provision import steps
from fevergate.provision.kiosks import static_address
from fevergate.settings.gateway import load_gateway
from kiosk.settings import Settings


def test_a_revocation_that_was_cut_off_is_finished_by_the_next(tmp_path, monkeypatch):
    folder = make(tmp_path / "a").folder
    with monkeypatch.context() as power:
        power.setattr(steps, "take_from_gate", lambda *_: 1 / 0)  # then the power fails
        with pytest.raises(ZeroDivisionError):
            list(steps.revoke(folder, "north-2", "stolen"))
    assert "north-2" in load_gateway(folder / "gateway.toml").kiosks
    assert any("north-2" in line for line in steps.revoke(folder, "north-2", "stolen"))
    assert "north-2" not in load_gateway(folder / "gateway.toml").kiosks
    assert "north-2" not in (folder / "broker.passwords").read_text()
    assert (folder / "revoked.jsonl").read_text().count("north-2") == 1


def test_the_only_kiosk_can_be_replaced_when_it_was_stolen(tmp_path):
    make(tmp_path / "a", gates={"north": ["north-1"]}, language="en")
    list(steps.revoke(tmp_path / "a", "north-1", "stolen"))
    list(steps.add(tmp_path / "a", "north-2", "north", {}))
    assert load_gateway(tmp_path / "a/gateway.toml").gates[0].kiosks == ["north-2"]
    values = json.loads((tmp_path / "a/kiosks/north-2/settings.json").read_text())
    assert values["language"] == "en" and values["update_key"]


@pytest.mark.parametrize("name", ["../../b/kiosks/north-1", "../kiosks/north-1", "."])
def test_only_a_kiosk_of_this_folder_can_be_revoked(tmp_path, name):
    make(tmp_path / "a")
    make(tmp_path / "b")
    before = contents(tmp_path)
    with pytest.raises(NothingFoundError, match="expected one of north-1"):
        list(steps.revoke(tmp_path / "a", name, ""))
    assert contents(tmp_path) == before


def test_a_board_file_that_provision_did_not_write_is_named(tmp_path):
    make(tmp_path / "a")
    path = tmp_path / "a/kiosks/north-1/settings.json"
    path.write_text('{"password": "x"}')
    with pytest.raises(ProvisionError, match=r"settings\.json: kiosk: missing"):
        list(steps.add(tmp_path / "a", "north-1", None, {}))


def test_a_new_gate_and_its_kiosks_keep_the_text_that_a_person_wrote(tmp_path):
    make(tmp_path / "a", gates={"north": ["north-1"]})
    path = tmp_path / "a/gateway.toml"
    path.write_text(path.read_text().replace("buzzer = true", "buzzer = false  # the library"))
    make(tmp_path / "a", gates={"north": ["north-2"], "south": ["south-1"]})
    settings = load_gateway(path)
    assert not settings.alarm.buzzer and "# the library" in path.read_text()
    assert [gate.kiosks for gate in settings.gates] == [["north-1", "north-2"], ["south-1"]]
    assert settings.gates[0].pins != settings.gates[1].pins
    make(tmp_path / "a", gates={"south": ["north-2"]})  # kept from before
    assert [gate.kiosks for gate in load_gateway(path).gates] == [
        ["north-1"],
        ["south-1", "north-2"],
    ]
    with pytest.raises(ProvisionError, match="'north-1' is the only kiosk of 'north'"):
        make(tmp_path / "a", gates={"south": ["north-1"]})


def test_a_static_address_is_one_kiosks_own_and_never_its_neighbours(tmp_path):
    make(tmp_path / "a")

    def network_of(kiosk):
        values = json.loads((tmp_path / "a/kiosks" / kiosk / "settings.json").read_text())
        return [values.get(name, "") for name in ("address", "netmask", "router", "name_server")]

    static = static_address("10.1.2.7, 255.255.0.0,10.1.0.1")
    list(steps.add(tmp_path / "a", "north-1", None, static))
    assert network_of("north-1") == ["10.1.2.7", "255.255.0.0", "10.1.0.1", ""]
    list(steps.add(tmp_path / "a", "north-9", "north", {}))
    assert network_of("north-9")[0] == ""
    list(steps.add(tmp_path / "a", "north-1", None, static_address("dhcp")))
    assert network_of("north-1") == [""] * 4


def test_a_sensors_supply_is_its_own_boards_and_never_its_neighbours(tmp_path):
    make(tmp_path / "a")

    def supply_of(kiosk):
        values = json.loads((tmp_path / "a/kiosks" / kiosk / "settings.json").read_text())
        return values.get("supply_v")

    arguments = ["kiosk", str(tmp_path / "a"), "north-1", "--supply-v", "3.2"]
    done = CliRunner().invoke(cli, ["provision", *arguments])
    assert done.exit_code == 0 and supply_of("north-1") == 3.2, done.output
    list(steps.add(tmp_path / "a", "north-9", "north", {}))
    assert supply_of("north-9") is None
    list(steps.add(tmp_path / "a", "north-1", None, {"threshold_c": 37.5}))
    assert supply_of("north-1") == 3.2
    refused = CliRunner().invoke(cli, ["provision", *arguments[:-1], "5"])
    assert refused.exit_code == 2 and "2.6<=x<=3.6" in refused.output


@pytest.mark.parametrize("text", ["", "10.1.2.7", "10.1.2.7,,10.1.0.1", "1,2,3,4,5", "x,y,z"])
def test_an_invalid_static_address_changes_nothing(tmp_path, text):
    make(tmp_path / "a")
    before = (tmp_path / "a/kiosks/north-1/settings.json").read_bytes()
    with pytest.raises(ProvisionError, match="expected"):
        list(steps.add(tmp_path / "a", "north-1", None, static_address(text)))
    assert (tmp_path / "a/kiosks/north-1/settings.json").read_bytes() == before


def test_a_new_kiosk_restarts_the_services_without_further_commands(tmp_path, systemd):
    make(tmp_path / "a")
    lines = list(steps.add(tmp_path / "a", "north-3", "north", {}))
    assert systemd.read_text() == "try-restart fevergate-gateway fevergate-web\n"
    assert lines[2] == "网关与页面已重新启动"


def test_a_refusal_of_systemd_is_reported(tmp_path, systemd, monkeypatch):
    make(tmp_path / "a")
    monkeypatch.setenv("SYSTEMCTL_FAILS", "1")
    with pytest.raises(ProvisionError, match="systemctl try-restart"):
        list(steps.add(tmp_path / "a", "north-3", "north", {}))
    assert (
        "north-3" in (tmp_path / "a/broker.acl").read_text()
    )  # the broker's files have it all the same


def test_a_folder_elsewhere_leaves_this_machines_services_alone(tmp_path, systemd):
    make(tmp_path / "b")
    lines = list(steps.add(tmp_path / "b", "north-3", "north", {}))
    assert not systemd.exists() and "systemctl restart" in lines[2]


@pytest.mark.parametrize(
    ("name", "gate", "says"),
    [
        ("North", "north", "kiosk 'North': expected"),
        ("north-9\n", "north", "kiosk 'north-9.n': expected"),
        ("web", "north", "reserved"),
        ("north-9", None, "is new; expected --gate"),
        ("north-9", "NORTH", "gate 'NORTH': expected"),
    ],
)
def test_a_kiosk_that_cannot_be_added_changes_nothing(tmp_path, name, gate, says):
    make(tmp_path / "a")
    before = contents(tmp_path / "a")
    with pytest.raises(FeverGateError, match=says):
        list(steps.add(tmp_path / "a", name, gate, {}))
    assert contents(tmp_path / "a") == before


@pytest.mark.parametrize(
    ("wifi", "says"),
    [
        ({"wifi_ssid": "x", "wifi_password": "y"}, "expected 8 to 63 letters"),
        ({"wifi_ssid_hex": "d0a3", "wifi_password": "y"}, "expected 8 to 63 letters"),
        ({"wifi_ssid_hex": "d0a"}, "expected its bytes as hexadecimal digits"),
        ({"wifi_ssid_hex": "校园"}, "expected its bytes as hexadecimal digits"),
        ({"wifi_ssid_hex": "d0" * 33}, "expected at most 32"),
        ({"wifi_ssid": "校" * 11}, "expected at most 32"),
    ],
)
def test_a_wifi_that_no_access_point_can_have_changes_nothing(tmp_path, wifi, says):
    make(tmp_path / "a")
    before = contents(tmp_path / "a")
    with pytest.raises(FeverGateError, match=says):
        list(steps.add(tmp_path / "a", "north-1", None, wifi))
    assert contents(tmp_path / "a") == before


def test_a_wifi_name_that_is_not_text_is_given_by_its_bytes_and_can_be_changed(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("FEVERGATE_WIFI_PASSWORD", "long enough")
    folder = tmp_path / "a"

    def run(*arguments):
        return CliRunner().invoke(cli, ["provision", *arguments])

    def settings_of(kiosk):
        return Settings(json.loads((folder / "kiosks" / kiosk / "settings.json").read_text()))

    gateway = ["gateway", str(folder), "--campus", "east", "--gateway", "gw", "--gate"]
    done = run(*gateway, "north=north-1", "--wifi-ssid-hex", "d0a3d4b0")
    assert done.exit_code == 0, done.output
    assert settings_of("north-1").ssid == "校园".encode("gbk")
    assert run("kiosk", str(folder), "north-2", "--gate", "north").exit_code == 0
    assert settings_of("north-2").ssid == settings_of("north-1").ssid
    assert "d0a3d4b0" in run("revoke", str(folder), "north-2", "--because", "stolen").output
    done = run("kiosk", str(folder), "north-1", "--wifi-ssid", "x", "--wifi-ssid-hex", "d0")
    assert done.exit_code == 2 and "expected one of them" in done.output
    assert run("kiosk", str(folder), "north-1", "--wifi-ssid", "library").exit_code == 0
    assert settings_of("north-1").ssid == b"library"


@pytest.mark.parametrize("way", ["file", "standard input", "environment"])
def test_without_a_terminal_the_wifis_password_comes_from_elsewhere(tmp_path, monkeypatch, way):
    monkeypatch.delenv("FEVERGATE_WIFI_PASSWORD", raising=False)
    folder, file = tmp_path / "a", tmp_path / "wifi"
    command = ["provision", "gateway", str(folder), "--campus", "east", "--gateway", "gw"]
    command += ["--gate", "north=north-1", "--wifi-ssid", "campus"]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 2 and not folder.exists() and "Aborted" not in done.output
    assert "--wifi-password-file FILE or $FEVERGATE_WIFI_PASSWORD" in done.output
    if way == "environment":
        monkeypatch.setenv("FEVERGATE_WIFI_PASSWORD", "phrase of ours")
        done = CliRunner().invoke(cli, command)
    elif way == "file":
        file.write_bytes(b"phrase of ours\r\nnot this\n")
        done = CliRunner().invoke(cli, [*command, "--wifi-password-file", str(file)])
    else:
        done = CliRunner().invoke(
            cli, [*command, "--wifi-password-file", "-"], input="phrase of ours\n"
        )
    assert done.exit_code == 0, done.output
    values = json.loads((folder / "kiosks/north-1/settings.json").read_text())
    assert values["wifi_password"] == "phrase of ours"


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "No such file"), (b"", "a secret on the first line"), (b"\xff", "UTF-8"),
     (b"\nsecond line", "first line"), (b"x" * 5000, "first line")],
)  # fmt: skip
def test_a_file_without_a_password_is_named_and_changes_nothing(tmp_path, content, says):
    make(tmp_path / "a")
    before = contents(tmp_path / "a")
    file = tmp_path / "wifi"
    if content is not None:
        file.write_bytes(content)
    command = ["provision", "kiosk", str(tmp_path / "a"), "north-1", "--wifi-ssid", "campus"]
    done = CliRunner().invoke(cli, [*command, "--wifi-password-file", str(file)])
    assert done.exit_code == 2 and str(file) in done.output and says in done.output
    assert contents(tmp_path / "a") == before


def test_a_forehead_is_warned_of_in_both_languages(tmp_path):
    for site, warned in (("forehead", True), ("canthus", False)):
        names = ("--campus", "east", "--gateway", "gw", "--gate", "north=north-1")
        arguments = ["gateway", str(tmp_path / site), *names]
        result = CliRunner().invoke(cli, ["provision", *arguments, "--site", site])
        assert ("one fever in five" in result.output and "五个发热者" in result.output) == warned
