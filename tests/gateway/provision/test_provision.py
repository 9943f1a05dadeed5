"""`fevergate provision gateway` writes a gateway's folder, and can be run again."""

import json
import os
import re
import shutil
import stat
import subprocess

import pytest
import real_micropython
from click.testing import CliRunner
from cryptography import x509
from provision_helpers import GATES, contents, make

from fevergate.campus.settings import load_campus
from fevergate.cli import cli
from fevergate.errors import ProvisionError
from fevergate.mosquitto import broker_files
from fevergate.provision import services, steps
from fevergate.settings.gateway import load_gateway
from kiosk.settings import Settings


def test_the_settings_that_provision_writes_can_be_loaded(tmp_path):
    make(tmp_path / "a", campus_server_url="https://campus.example:8443")
    gateway = load_gateway(tmp_path / "a" / "gateway.toml")
    assert [gate.name for gate in gateway.gates] == ["north", "south"]
    assert gateway.gates[0].pins != gateway.gates[1].pins
    assert gateway.campus_server is not None
    campus = load_campus(tmp_path / "a" / "campus.toml")
    assert campus.port == 8443 and list(campus.tokens) == ["gw-east"]


def test_a_second_run_keeps_every_secret_and_an_edited_file(tmp_path):
    folder = tmp_path / "a"
    make(folder)
    edited = (folder / "gateway.toml").read_text() + "# my note\n"
    (folder / "gateway.toml").write_text(edited)
    before = contents(folder)
    repeat = make(folder)
    after = contents(folder)
    changed = {str(path) for path in after if after[path] != before.get(path)}
    assert changed <= {"broker.passwords"}  # hashed again, with another salt
    assert set(repeat.made) == {"broker.passwords", "broker.acl", "systemd"}


def test_kiosks_can_be_added_and_the_old_ones_stay_known(tmp_path):
    folder = tmp_path / "a"
    make(folder)
    old = json.loads((folder / "kiosks/north-1/settings.json").read_text())["password"]
    make(folder, gates={"north": ["north-3"]})
    assert json.loads((folder / "kiosks/north-1/settings.json").read_text())["password"] == old
    acl = (folder / "broker.acl").read_text()
    assert "user north-1" in acl and "user north-3" in acl
    users = {line.split(":")[0] for line in (folder / "broker.passwords").read_text().splitlines()}
    assert users == {"gateway", "web", "admin", "north-1", "north-2", "north-3", "south-1"}


def test_a_boards_folder_has_what_the_board_reads(tmp_path):
    make(
        tmp_path / "a",
        site="forehead",
        language="en",
        wifi_ssid="campus",
        wifi_password="pass phrase",
    )
    folder = tmp_path / "a/kiosks/south-1"
    values = json.loads((folder / "settings.json").read_text())
    assert values["kiosk"] == values["username"] == "south-1" and values["gate"] == "south"
    assert values["site"] == "forehead" and values["wifi_password"] == "pass phrase"

    assert Settings(values).broker_name == "fevergate-gateway"
    assert x509.load_der_x509_certificate((folder / "ca.der").read_bytes())


def test_a_board_reads_a_wifi_name_with_an_emoji_unchanged(tmp_path):
    """MicroPython's JSON reads the two escapes of a character beyond U+FFFF as two characters."""
    make(tmp_path / "a", gates={"north": ["north-1"]}, wifi_ssid="📶 校园")
    script = tmp_path / "reads.py"
    script.write_text(
        "import json\n"
        "print(json.load(open('settings.json'))['wifi_ssid'].encode())\n"
        "print(json.load(open('kiosk.json'))['settings']['wifi_ssid'].encode())\n"
    )
    read = real_micropython.run(str(script), cwd=tmp_path / "a/kiosks/north-1")
    assert read.splitlines() == [str("📶 校园".encode())] * 2


def test_secrets_are_their_owners_and_are_never_printed(tmp_path, capfd):
    folder = tmp_path / "a"
    done = make(folder, campus_server_url="https://127.0.0.1:8443")
    secret = [*folder.glob("*.key"), *folder.glob("*.password"), folder / "campus.token"]
    secret += [folder / "broker.passwords", *folder.glob("kiosks/*/settings.json")]
    assert len(secret) > 8
    for path in secret:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    output = "".join(capfd.readouterr()) + repr(done)
    assert (folder / "admin.password").read_text().strip() not in output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"campus": "East"}, "campus 'East': expected"),
        ({"gates": {"north": ["alarm"]}}, "'alarm': this name is reserved"),
        ({"gates": {"north": ["gateway"]}}, "reserved"),
        ({"gates": {"north": ["a"], "south": ["a"]}}, "stands at two gates"),
        ({"gates": {}}, "at least one gate"),
        ({"gates": {f"g{n}": [f"k{n}"] for n in range(65)}}, "at most 64 gates"),
        ({"watched_by": {"west": "north"}}, "gate 'west': expected one of north, south"),
        ({"watched_by": {"south": "west"}}, "gate 'west': expected one of north"),
        ({"watched_by": {"south": "south"}}, "gate 'south': expected one of north"),
        ({"campus_server_url": "http://x"}, "expected https"),
        ({"campus": "east\n"}, "campus 'east.n': expected"),
        ({"campus_server_url": "https://a b"}, "expected https"),
        ({"campus_server_url": "https://user:pw@a/path"}, "expected https"),
        ({"campus_server_url": "https://a_"}, "expected a host's name"),
        ({"broker_host": "1.2.3.4:99"}, "expected a host's name"),
        ({"bind": "300.1.1.1"}, "expected a host's name"),
        ({"broker_host": 'a"b'}, "broker host 'a\"b': expected a host's name"),
        ({"bind": "nowhere\n"}, "bind .*: expected a host's name"),
        ({"timezone": "Mars/Phobos"}, "expected a zone such as Asia/Shanghai"),
        ({"timezone": "../../etc/passwd"}, "expected a zone such as Asia/Shanghai"),
        ({"wifi_ssid": "校" * 11}, "expected at most 32 printable bytes"),
        ({"wifi_ssid": "a\nb"}, "expected at most 32 printable bytes"),
        ({"wifi_ssid": "campus", "wifi_password": "short"}, "expected 8 to 63 letters"),
        ({"wifi_ssid": "campus", "wifi_password": "密" * 8}, "expected 8 to 63 letters"),
    ],
)
def test_a_wrong_option_is_named_and_no_file_is_written(tmp_path, options, says):
    with pytest.raises(ProvisionError, match=says):
        make(tmp_path / "a", **options)
    assert not (tmp_path / "a").exists()


def test_a_folder_that_systemd_cannot_name_is_refused(tmp_path):
    with pytest.raises(ProvisionError, match="without spaces"):
        make(tmp_path / "a b")


def test_an_option_that_is_not_repeated_stays_as_it_was(tmp_path):
    first = {"broker_host": "192.168.1.10", "bind": "192.168.1.10", "language": "en"}
    first |= {"threshold_c": 37.1, "wifi_ssid": "campus", "wifi_password": "pass phrase"}
    make(tmp_path / "a", **first)
    before = contents(tmp_path / "a")
    make(tmp_path / "a", gates=GATES | {"south": ["south-1", "south-2"]})
    after = contents(tmp_path / "a")
    changed = {str(path) for path in before if before[path] != after[path]}
    assert changed == {"gateway.toml", "broker.acl", "broker.passwords"}
    new = json.loads((tmp_path / "a/kiosks/south-2/settings.json").read_text())
    assert new["wifi_ssid"] == "campus" and new["threshold_c"] == 37.1
    assert new["broker_host"] == new["ntp_host"] == "192.168.1.10"


def test_an_option_that_is_repeated_is_changed(tmp_path):
    make(tmp_path / "a")
    make(tmp_path / "a", broker_host="192.168.1.10", broker_port=8884)
    settings = load_gateway(tmp_path / "a/gateway.toml")
    assert (settings.broker.host, settings.broker.port) == ("192.168.1.10", 8884)
    values = json.loads((tmp_path / "a/kiosks/south-1/settings.json").read_text())
    assert (values["broker_host"], values["broker_port"]) == ("192.168.1.10", 8884)


@pytest.mark.parametrize("options", [{"campus": "west"}, {"gateway": "gw-west"}])
def test_a_folder_of_one_gateway_is_refused_to_another(tmp_path, options):
    make(tmp_path / "a")
    before = contents(tmp_path / "a")
    with pytest.raises(ProvisionError, match="and cannot become"):
        make(tmp_path / "a", **options)
    assert contents(tmp_path / "a") == before


def test_a_gate_may_be_named_twice(tmp_path):
    options = [*("--campus", "east"), "--gateway", "gw", *("--gate", "n=n-1"), *("--gate", "n=n-2")]
    done = CliRunner().invoke(cli, ["provision", "gateway", str(tmp_path / "a"), *options])
    assert done.exit_code == 0, done.output
    assert load_gateway(tmp_path / "a/gateway.toml").gates[0].kiosks == ["n-1", "n-2"]


def test_a_threshold_that_is_no_number_is_refused(tmp_path):
    options = [*("--campus", "east"), "--gateway", "gw", *("--gate", "n=n-1"), "--threshold", "nan"]
    done = CliRunner().invoke(cli, ["provision", "gateway", str(tmp_path / "a"), *options])
    assert done.exit_code == 2 and "'nan' is not a number" in done.output
    assert not (tmp_path / "a").exists()


def test_root_follows_no_link_out_of_the_folder(tmp_path):
    make(tmp_path / "a")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.rmtree(tmp_path / "a/systemd")
    (tmp_path / "a/systemd").symlink_to(elsewhere)
    with pytest.raises(ProvisionError, match="systemd: expected no link"):
        make(tmp_path / "a")
    with pytest.raises(ProvisionError, match="systemd: expected no link"):
        list(steps.revoke(tmp_path / "a", "north-1", ""))
    assert not list(elsewhere.iterdir())


def test_no_content_behind_a_link_is_copied_into_a_public_file(tmp_path):
    make(tmp_path / "a")
    (tmp_path / "secret").write_text("root's")
    (tmp_path / "a/revoked.jsonl").symlink_to(tmp_path / "secret")
    with pytest.raises(ProvisionError, match=r"revoked\.jsonl: expected"):
        list(steps.revoke(tmp_path / "a", "north-1", ""))
    assert (tmp_path / "a/kiosks/north-1/settings.json").exists()


def test_gates_beyond_a_pis_pins_have_no_lamps_and_another_gate_may_watch_them(tmp_path):
    doors = {f"door-{n}": [f"door-{n}-1"] for n in range(1, 19)}
    make(tmp_path / "a", gates=GATES | doors, watched_by={"door-1": "north"})
    settings = load_gateway(tmp_path / "a/gateway.toml")
    assert [gate.name for gate in settings.gates if gate.lamps == "pins"] == ["north", "south"]
    assert len(settings.gates) == 20 and settings.watched_by == {"door-1": "north"}
    lines = [str(line) for line in steps.what_next(tmp_path / "a")]
    assert "door-1没有灯：红灯同时显示在north" in lines[0] and "--watched-by" in lines[1]
    list(steps.add(tmp_path / "a", "door-2-1", None, {}, watcher="south"))
    assert load_gateway(tmp_path / "a/gateway.toml").watched_by["door-2"] == "south"


def test_the_pins_go_to_gates_that_no_other_gate_watches(tmp_path):
    gates = {"door": ["door-1"], "north": ["north-1"], "south": ["south-1"]}
    make(tmp_path / "a", gates=gates, watched_by={"door": "south"})
    settings = load_gateway(tmp_path / "a/gateway.toml")
    assert [(gate.lamps, gate.watched_by) for gate in settings.gates] == [
        ("none", "south"),
        ("pins", None),
        ("pins", None),
    ]


def test_an_impossible_watch_leaves_a_gateway_as_it_was(tmp_path):
    make(tmp_path / "a", gates=GATES | {"door": ["door-1"]}, watched_by={"door": "south"})
    before = contents(tmp_path / "a")
    with pytest.raises(ProvisionError, match="'south' watches another one itself"):
        make(tmp_path / "a", watched_by={"south": "north"})
    assert contents(tmp_path / "a") == before


def test_a_missing_mosquitto_tool_is_named_with_its_package(tmp_path, monkeypatch):
    monkeypatch.setattr(broker_files.shutil, "which", lambda _: None)
    with pytest.raises(ProvisionError, match="apt-get install mosquitto"):
        make(tmp_path / "a")


def test_the_access_list_gives_a_kiosk_its_own_topics_only():
    after = broker_files.access_list("east", ["north-1"]).split("user north-1\n")[1]
    lines = after.removesuffix(f"{broker_files.ACL_END}\n").split("\n")
    assert all("/north-1/" in line for line in lines if line)
    assert not any("#" in line or "+" in line for line in lines)


def test_the_commands_help_teaches(tmp_path):
    import sys

    helped = subprocess.run(
        [sys.executable, "-m", "fevergate.cli", "provision", "gateway", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "--gate north=north-1,north-2" in helped


def test_home_assistant_gets_a_credential_only_when_asked_for_and_keeps_it(tmp_path):
    make(tmp_path / "a")
    assert "homeassistant" not in (tmp_path / "a" / "broker.acl").read_text()
    make(tmp_path / "b", home_assistant=True)
    assert load_gateway(tmp_path / "b" / "gateway.toml").home_assistant
    password = (tmp_path / "b" / "homeassistant.password").read_text()
    make(tmp_path / "b")
    assert (tmp_path / "b" / "homeassistant.password").read_text() == password
    lines = (tmp_path / "b" / "broker.acl").read_text().split("user homeassistant\n")[1]
    allowed = lines.split("user ")[0]
    assert "/reading" not in allowed and "stored" not in allowed and "settings" not in allowed
    with pytest.raises(ProvisionError, match="reserved"):
        make(tmp_path / "c", gates={"north": ["homeassistant"]})


def test_the_drop_ins_tell_systemd_of_another_folder(tmp_path):
    """The drop-ins change the units that the project ships."""
    make(tmp_path / "a")
    folder = tmp_path / "units"
    shutil.copytree(real_micropython.ROOT / "gateway/systemd", folder)
    shutil.copytree(tmp_path / "a/systemd", folder, dirs_exist_ok=True)
    for unit, program in (("fevergate-gateway", "fevergate"), ("fevergate-web", "fevergate")):
        text = (folder / f"{unit}.service.d/fevergate.conf").read_text()
        assert f"\nExecStart={program} " in text and f"ReadWritePaths={tmp_path}/a\n" in text
    text = (folder / "mosquitto.service.d/fevergate.conf").read_text()
    look = re.search(r"\nExecStartPre=-timeout --kill-after=10 (\d+) fevergate broker (.+)\n", text)
    start = re.search(r"\nTimeoutStartSec=(\d+)\n", text)
    assert look and look[2] == f"{tmp_path}/a"
    assert start and int(start[1]) > int(look[1]) + 90, "it starts after a look that took too long"
    assert "\nExecStartPost=-+chrt " in text, "and where it may not run before other programs"
    assert f"c={tmp_path}/a/mosquitto.conf; exec /usr/sbin/mosquitto -c $$c'\n" in text
    assert "\nRestart=always\n" in text and text.endswith("[Unit]\nStartLimitIntervalSec=0\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_link_in_the_folder_makes_root_write_nowhere_else(tmp_path):
    """The service's user owns the folder, and must not become root by a link in it."""
    folder, treasure = tmp_path / "a", tmp_path / "treasure"
    make(folder)
    treasure.write_text("root's")
    before = treasure.stat()
    for name in ("web.key", "mosquitto.conf", "kiosks/north-1/ca.der", "ca.password"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(treasure)
    (folder / "kiosks/north-2/note").symlink_to(treasure)
    make(folder)
    list(steps.revoke(folder, "south-1", ""))
    after = treasure.stat()
    assert treasure.read_text() == "root's"
    assert (after.st_uid, after.st_gid, after.st_mode) == (
        *(before.st_uid, before.st_gid, before.st_mode),
    )
    assert not (folder / "mosquitto.conf").is_symlink()


def test_a_forged_drop_in_of_the_folder_does_not_reach_systemd(tmp_path, systemd, monkeypatch):
    units = tmp_path / "units"
    monkeypatch.setattr(services, "UNITS_FOLDER", units)
    monkeypatch.setattr(services.os, "geteuid", lambda: 0)
    make(tmp_path / "a")
    (tmp_path / "a/systemd/evil.service").write_text("[Service]\nExecStart=/bin/evil\n")
    assert services.start(tmp_path / "a", broker_anew=True)
    assert sorted(path.name for path in units.iterdir()) == [
        "fevergate-broker-limit.service.d",
        "mosquitto.service.d",
    ]
    assert "restart mosquitto.service" in systemd.read_text()
