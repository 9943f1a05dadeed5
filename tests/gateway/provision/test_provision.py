"""Trust for a whole campus from one command, which can be run again."""

import base64
import errno
import json
import os
import re
import shutil
import stat
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
import real_micropython
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, Store

from fevergate.campus.settings import load_campus
from fevergate.cli import cli
from fevergate.crypto import pki
from fevergate.errors import FeverGateError, NothingFoundError, ProvisionError
from fevergate.mosquitto import broker_files
from fevergate.provision import provision, services, steps
from fevergate.provision.kiosks import static_address
from fevergate.settings.gateway import load_gateway
from kiosk.settings import Settings

GATES = {"north": ["north-1", "north-2"], "south": ["south-1"]}


def make(folder, **options):
    values = {"campus": "east", "gateway": "gw-east", "gates": GATES}
    return provision(folder, **(values | options))


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_settings_that_it_makes_load(tmp_path):
    make(tmp_path / "a", campus_server_url="https://campus.example:8443")
    gateway = load_gateway(tmp_path / "a" / "gateway.toml")
    assert [gate.name for gate in gateway.gates] == ["north", "south"]
    assert gateway.gates[0].pins != gateway.gates[1].pins
    assert gateway.campus_server is not None
    campus = load_campus(tmp_path / "a" / "campus.toml")
    assert campus.port == 8443 and list(campus.tokens) == ["gw-east"]


def test_running_it_again_keeps_every_secret_and_an_edited_file(tmp_path):
    folder = tmp_path / "a"
    make(folder)
    edited = (folder / "gateway.toml").read_text() + "# my note\n"
    (folder / "gateway.toml").write_text(edited)
    before = contents(folder)
    again = make(folder)
    after = contents(folder)
    changed = {str(path) for path in after if after[path] != before.get(path)}
    assert changed <= {"broker.passwords"}  # hashed anew with another salt
    assert set(again.made) == {"broker.passwords", "broker.acl", "systemd"}


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
    from kiosk.settings import Settings

    assert Settings(values).broker_name == "fevergate-gateway"
    assert x509.load_der_x509_certificate((folder / "ca.der").read_bytes())


def test_a_board_reads_a_wifi_name_with_an_emoji_as_it_is(tmp_path):
    """MicroPython's JSON makes two characters of the escapes of one beyond U+FFFF."""
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
    said = "".join(capfd.readouterr()) + repr(done)
    assert (folder / "admin.password").read_text().strip() not in said


def test_the_brokers_certificate_is_small_signed_and_names_where_it_is(tmp_path):
    make(tmp_path / "a", broker_host="192.168.1.10")
    authority = pki.read_certificate(tmp_path / "a/ca.crt")
    broker = pki.read_certificate(tmp_path / "a/broker.crt")
    broker.verify_directly_issued_by(authority)
    # As OpenSSL's strict mode wants it, which Python switches on from 3.13.
    key_id = broker.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert key_id.key_identifier
    assert isinstance(broker.public_key(), ec.EllipticCurvePublicKey)
    names = broker.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} >= {"fevergate-gateway", "192.168.1.10"}


def test_a_certificate_near_its_end_is_renewed_and_a_young_one_is_not(tmp_path, monkeypatch):
    folder = tmp_path / "a"
    make(folder)
    first = pki.read_certificate(folder / "broker.crt")
    make(folder)
    assert pki.read_certificate(folder / "broker.crt") == first
    monkeypatch.setattr(pki, "RENEW_DAYS", pki.SERVER_DAYS)
    make(folder)
    assert pki.read_certificate(folder / "broker.crt") != first


YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)


def certificates_of(folder):
    return {path.name: pki.read_certificate(path) for path in folder.glob("*.crt")}


def test_no_certificate_begins_after_a_clock_that_was_never_set(tmp_path):
    make(tmp_path / "a", campus_server_url="https://campus.example:8443")
    made = certificates_of(tmp_path / "a")
    assert set(made) == {"ca.crt", "broker.crt", "web.crt", "campus.crt"}
    for certificate in made.values():
        assert certificate.not_valid_before_utc <= YEAR_2000
        assert b"\x17\x0d700101000000Z" in certificate.tbs_certificate_bytes  # a UTCTime
    assert 823 < pki.days_left(made["web.crt"]) <= 825
    assert 3648 < pki.days_left(made["ca.crt"]) <= 3650


@pytest.mark.parametrize("year", [1970, 2000, 2026])
def test_whoever_stands_at_the_epoch_or_at_2000_believes_them(tmp_path, year):
    """By the rules of browsers, as python-cryptography has them."""
    make(tmp_path / "a")
    made = certificates_of(tmp_path / "a")
    at = datetime(year, 1, 1) + timedelta(days=0 if year < 2026 else 360)
    policy = PolicyBuilder().store(Store([made["ca.crt"]])).time(at)
    for name in ("broker.crt", "web.crt"):
        policy.build_server_verifier(x509.DNSName("fevergate-gateway")).verify(made[name], [])


@pytest.fixture
def old(tmp_path, monkeypatch):
    """A folder as earlier versions made it: nothing in it began before yesterday."""
    with monkeypatch.context() as before:
        before.setattr(pki, "BEGINS", datetime.now(UTC) - timedelta(days=1))
        make(tmp_path / "a", campus_server_url="https://campus.example:8443", language="en")
    return tmp_path / "a"


@pytest.mark.parametrize("again", ["renew", "gateway"])
def test_a_campus_in_use_gets_certificates_that_begin_early_from_the_same_key(old, again):
    before, password = certificates_of(old), (old / "kiosks/north-1/settings.json").read_bytes()
    assert all(one.not_valid_before_utc > YEAR_2000 for one in before.values())
    if again == "renew":
        said = list(steps.renew(old, [], everything=False))
        assert said[0] == "renewed: ca.crt, broker.crt, web.crt, campus.crt"
        assert "same key: boards keep their line" in said[1]
    else:
        make(old, gates={"north": ["north-1"]}, campus_server_url="https://campus.example:8443")
    after = certificates_of(old)
    for certificate in after.values():
        assert certificate.not_valid_before_utc <= YEAR_2000
        certificate.verify_directly_issued_by(before["ca.crt"])  # what is out trusts it
    new, authority = after["ca.crt"], before["ca.crt"]
    assert new.subject == authority.subject and new.public_key() == authority.public_key()
    assert new.not_valid_after_utc == authority.not_valid_after_utc
    der = pki.authority_der(old)
    for kiosk in ("north-1", "north-2", "south-1"):
        assert (old / "kiosks" / kiosk / "ca.der").read_bytes() == der
        whole = json.loads((old / "kiosks" / kiosk / "kiosk.json").read_text())
        assert base64.b64decode(whole["ca"]) == der
    assert (old / "kiosks/north-1/settings.json").read_bytes() == password
    assert list(steps.renew(old, [], everything=False)) == ["no certificate is near its end"]


def test_a_renewal_that_broke_off_is_ended_by_the_next(old):
    assert pki.renew_authority(old)  # and then the power went
    list(steps.renew(old, [], everything=False))
    assert (old / "kiosks/south-1/ca.der").read_bytes() == pki.authority_der(old)


def test_a_revocation_that_was_cut_off_is_ended_by_the_next(tmp_path, monkeypatch):
    folder = make(tmp_path / "a").folder
    with monkeypatch.context() as power:
        power.setattr(steps, "take_from_gate", lambda *_: 1 / 0)  # and then the power went
        with pytest.raises(ZeroDivisionError):
            list(steps.revoke(folder, "north-2", "stolen"))
    assert "north-2" in load_gateway(folder / "gateway.toml").kiosks
    assert any("north-2" in line for line in steps.revoke(folder, "north-2", "stolen"))
    assert "north-2" not in load_gateway(folder / "gateway.toml").kiosks
    assert "north-2" not in (folder / "broker.passwords").read_text()
    assert (folder / "revoked.jsonl").read_text().count("north-2") == 1


def test_a_key_whose_certificate_was_not_written_any_more_gets_one(tmp_path, monkeypatch):
    """Else the broker starts with neither, and no later run sees why."""
    make(tmp_path / "a")

    def full(path, _data):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as disk:
        disk.setattr(pki, "write_public", full)
        with pytest.raises(OSError, match=r"broker\.crt"):
            make(tmp_path / "a", broker_host="192.168.1.10")
        with pytest.raises(OSError, match=r"web\.crt"):
            pki.renew_server(tmp_path / "a", "web", everything=True)
    make(tmp_path / "a")
    for name in ("broker", "web"):
        key = pki._read_key(tmp_path / "a" / f"{name}.key")
        assert key.public_key() == pki.read_certificate(tmp_path / "a" / f"{name}.crt").public_key()


def test_an_authority_with_another_key_is_not_renewed(old):
    shutil.copy(old / "web.key", old / "ca.key")
    with pytest.raises(ProvisionError, match="do not belong together"):
        list(steps.renew(old, [], everything=False))


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
def test_what_is_wrong_is_named_and_leaves_nothing(tmp_path, options, says):
    with pytest.raises(ProvisionError, match=says):
        make(tmp_path / "a", **options)
    assert not (tmp_path / "a").exists()


def test_a_folder_that_systemd_cannot_name_is_refused(tmp_path):
    with pytest.raises(ProvisionError, match="without spaces"):
        make(tmp_path / "a b")


def test_what_is_not_said_again_stays_as_it_was(tmp_path):
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


def test_what_is_said_again_is_changed(tmp_path):
    make(tmp_path / "a")
    make(tmp_path / "a", broker_host="192.168.1.10", broker_port=8884)
    settings = load_gateway(tmp_path / "a/gateway.toml")
    assert (settings.broker.host, settings.broker.port) == ("192.168.1.10", 8884)
    values = json.loads((tmp_path / "a/kiosks/south-1/settings.json").read_text())
    assert (values["broker_host"], values["broker_port"]) == ("192.168.1.10", 8884)


@pytest.mark.parametrize("options", [{"campus": "west"}, {"gateway": "gw-west"}])
def test_a_folder_is_one_gateways(tmp_path, options):
    make(tmp_path / "a")
    before = contents(tmp_path / "a")
    with pytest.raises(ProvisionError, match="expected it, not"):
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


def test_the_only_kiosk_can_be_replaced_when_it_was_stolen(tmp_path):
    make(tmp_path / "a", gates={"north": ["north-1"]}, language="en")
    list(steps.revoke(tmp_path / "a", "north-1", "stolen"))
    list(steps.add(tmp_path / "a", "north-2", "north", {}))
    assert load_gateway(tmp_path / "a/gateway.toml").gates[0].kiosks == ["north-2"]
    values = json.loads((tmp_path / "a/kiosks/north-2/settings.json").read_text())
    assert values["language"] == "en" and values["update_key"]


@pytest.mark.parametrize("name", ["../../b/kiosks/north-1", "../kiosks/north-1", "."])
def test_what_is_revoked_is_a_kiosk_of_this_folder(tmp_path, name):
    make(tmp_path / "a")
    make(tmp_path / "b")
    before = contents(tmp_path)
    with pytest.raises(NothingFoundError, match="expected one of north-1"):
        list(steps.revoke(tmp_path / "a", name, ""))
    assert contents(tmp_path) == before


def test_a_board_that_somebody_else_described_is_named(tmp_path):
    make(tmp_path / "a")
    path = tmp_path / "a/kiosks/north-1/settings.json"
    path.write_text('{"password": "x"}')
    with pytest.raises(ProvisionError, match=r"settings\.json: kiosk: missing"):
        list(steps.add(tmp_path / "a", "north-1", None, {}))


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


def test_nothing_that_a_link_points_at_gets_into_a_file_that_others_read(tmp_path):
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
    said = [str(line) for line in steps.what_next(tmp_path / "a")]
    assert "door-1没有灯：红灯同时显示在north" in said[0] and "--watched-by" in said[1]
    list(steps.add(tmp_path / "a", "door-2-1", None, {}, watcher="south"))
    assert load_gateway(tmp_path / "a/gateway.toml").watched_by["door-2"] == "south"


def test_pins_go_to_the_gates_that_no_other_watches(tmp_path):
    gates = {"door": ["door-1"], "north": ["north-1"], "south": ["south-1"]}
    make(tmp_path / "a", gates=gates, watched_by={"door": "south"})
    settings = load_gateway(tmp_path / "a/gateway.toml")
    assert [(gate.lamps, gate.watched_by) for gate in settings.gates] == [
        ("none", "south"),
        ("pins", None),
        ("pins", None),
    ]


def test_a_watch_that_cannot_be_leaves_a_gateway_as_it_was(tmp_path):
    make(tmp_path / "a", gates=GATES | {"door": ["door-1"]}, watched_by={"door": "south"})
    before = contents(tmp_path / "a")
    with pytest.raises(ProvisionError, match="'south' watches another one itself"):
        make(tmp_path / "a", watched_by={"south": "north"})
    assert contents(tmp_path / "a") == before


def test_a_half_of_an_authority_is_not_papered_over(tmp_path):
    make(tmp_path / "a")
    (tmp_path / "a/ca.key").unlink()
    with pytest.raises(ProvisionError, match=r"belong together, ca\.key is missing"):
        make(tmp_path / "a")


def test_an_authority_whose_certificate_was_not_written_keeps_its_key(tmp_path):
    pki.ensure_authority(tmp_path, "East")
    key = (tmp_path / "ca.key").read_bytes()
    (tmp_path / "ca.crt").unlink()
    assert pki.ensure_authority(tmp_path, "East")
    assert (tmp_path / "ca.key").read_bytes() == key
    public = pki.read_certificate(tmp_path / "ca.crt").public_key()
    assert public == pki._read_key(tmp_path / "ca.key").public_key()


def test_without_mosquittos_tool_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(broker_files.shutil, "which", lambda _: None)
    with pytest.raises(ProvisionError, match="apt-get install mosquitto"):
        make(tmp_path / "a")


def test_the_access_list_gives_a_kiosk_its_own_topics_only():
    after = broker_files.access_list("east", ["north-1"]).split("user north-1\n")[1]
    lines = after.removesuffix(f"{broker_files.ACL_END}\n").split("\n")
    assert all("/north-1/" in line for line in lines if line)
    assert not any("#" in line or "+" in line for line in lines)


def test_the_command_teaches(tmp_path):
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


def test_systemd_is_told_of_a_folder_elsewhere(tmp_path):
    """The drop-ins are what systemd itself takes."""
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


def test_a_gate_and_its_kiosks_are_added_to_what_somebody_wrote(tmp_path):
    make(tmp_path / "a", gates={"north": ["north-1"]})
    path = tmp_path / "a/gateway.toml"
    path.write_text(path.read_text().replace("buzzer = true", "buzzer = false  # the library"))
    make(tmp_path / "a", gates={"north": ["north-2"], "south": ["south-1"]})
    settings = load_gateway(path)
    assert not settings.alarm.buzzer and "# the library" in path.read_text()
    assert [gate.kiosks for gate in settings.gates] == [["north-1", "north-2"], ["south-1"]]
    assert settings.gates[0].pins != settings.gates[1].pins
    make(tmp_path / "a", gates={"south": ["north-2"]})  # it was carried over
    assert [gate.kiosks for gate in load_gateway(path).gates] == [
        ["north-1"],
        ["south-1", "north-2"],
    ]
    with pytest.raises(ProvisionError, match="'north-1' is the only kiosk of 'north'"):
        make(tmp_path / "a", gates={"south": ["north-1"]})


def test_a_static_address_is_one_kiosks_own_and_never_its_neighbours(tmp_path):
    make(tmp_path / "a")

    def told(kiosk):
        values = json.loads((tmp_path / "a/kiosks" / kiosk / "settings.json").read_text())
        return [values.get(name, "") for name in ("address", "netmask", "router", "name_server")]

    static = static_address("10.1.2.7, 255.255.0.0,10.1.0.1")
    list(steps.add(tmp_path / "a", "north-1", None, static))
    assert told("north-1") == ["10.1.2.7", "255.255.0.0", "10.1.0.1", ""]
    list(steps.add(tmp_path / "a", "north-9", "north", {}))
    assert told("north-9")[0] == ""
    list(steps.add(tmp_path / "a", "north-1", None, static_address("dhcp")))
    assert told("north-1") == [""] * 4


def test_a_sensors_supply_is_its_own_boards_and_never_its_neighbours(tmp_path):
    make(tmp_path / "a")

    def told(kiosk):
        values = json.loads((tmp_path / "a/kiosks" / kiosk / "settings.json").read_text())
        return values.get("supply_v")

    arguments = ["kiosk", str(tmp_path / "a"), "north-1", "--supply-v", "3.2"]
    done = CliRunner().invoke(cli, ["provision", *arguments])
    assert done.exit_code == 0 and told("north-1") == 3.2, done.output
    list(steps.add(tmp_path / "a", "north-9", "north", {}))
    assert told("north-9") is None
    list(steps.add(tmp_path / "a", "north-1", None, {"threshold_c": 37.5}))
    assert told("north-1") == 3.2
    refused = CliRunner().invoke(cli, ["provision", *arguments[:-1], "5"])
    assert refused.exit_code == 2 and "2.6<=x<=3.6" in refused.output


@pytest.mark.parametrize("text", ["", "10.1.2.7", "10.1.2.7,,10.1.0.1", "1,2,3,4,5", "x,y,z"])
def test_a_static_address_that_is_none_changes_nothing(tmp_path, text):
    make(tmp_path / "a")
    before = (tmp_path / "a/kiosks/north-1/settings.json").read_bytes()
    with pytest.raises(ProvisionError, match="expected"):
        list(steps.add(tmp_path / "a", "north-1", None, static_address(text)))
    assert (tmp_path / "a/kiosks/north-1/settings.json").read_bytes() == before


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """A machine that systemd runs, but for systemd: what it is told stands in a file."""
    told = tmp_path / "told"
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >>{told}\nexit ${{SYSTEMCTL_FAILS:-0}}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(services, "SYSTEMD", tmp_path)
    monkeypatch.setattr(services, "FOLDER", tmp_path / "a")
    return told


def test_what_runs_takes_a_new_kiosk_without_anybody_else(tmp_path, systemd):
    make(tmp_path / "a")
    said = list(steps.add(tmp_path / "a", "north-3", "north", {}))
    assert systemd.read_text() == "try-restart fevergate-gateway fevergate-web\n"
    assert said[2] == "网关与页面已重新启动"


def test_what_systemd_refuses_is_said(tmp_path, systemd, monkeypatch):
    make(tmp_path / "a")
    monkeypatch.setenv("SYSTEMCTL_FAILS", "1")
    with pytest.raises(ProvisionError, match="systemctl try-restart"):
        list(steps.add(tmp_path / "a", "north-3", "north", {}))
    assert "north-3" in (tmp_path / "a/broker.acl").read_text()  # the broker has it all the same


def test_a_folder_elsewhere_leaves_this_machines_services_alone(tmp_path, systemd):
    make(tmp_path / "b")
    said = list(steps.add(tmp_path / "b", "north-3", "north", {}))
    assert not systemd.exists() and "systemctl restart" in said[2]


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


def test_a_wifi_whose_name_is_no_text_is_given_by_its_bytes_and_changed_again(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("FEVERGATE_WIFI_PASSWORD", "long enough")
    folder = tmp_path / "a"

    def run(*arguments):
        return CliRunner().invoke(cli, ["provision", *arguments])

    def told(kiosk):
        return Settings(json.loads((folder / "kiosks" / kiosk / "settings.json").read_text()))

    gateway = ["gateway", str(folder), "--campus", "east", "--gateway", "gw", "--gate"]
    done = run(*gateway, "north=north-1", "--wifi-ssid-hex", "d0a3d4b0")
    assert done.exit_code == 0, done.output
    assert told("north-1").ssid == "校园".encode("gbk")
    assert run("kiosk", str(folder), "north-2", "--gate", "north").exit_code == 0
    assert told("north-2").ssid == told("north-1").ssid
    assert "d0a3d4b0" in run("revoke", str(folder), "north-2", "--because", "stolen").output
    done = run("kiosk", str(folder), "north-1", "--wifi-ssid", "x", "--wifi-ssid-hex", "d0")
    assert done.exit_code == 2 and "expected one of them" in done.output
    assert run("kiosk", str(folder), "north-1", "--wifi-ssid", "library").exit_code == 0
    assert told("north-1").ssid == b"library"


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
    told = json.loads((folder / "kiosks/north-1/settings.json").read_text())
    assert told["wifi_password"] == "phrase of ours"


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


def test_an_authority_near_its_end_is_told_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(pki, "AUTHORITY_DAYS", 700)
    make(tmp_path / "a", language="en")
    assert "the authority ends in 69" in list(steps.renew(tmp_path / "a", [], everything=False))[-1]


def test_renew_knows_its_names(tmp_path):
    make(tmp_path / "a")
    with pytest.raises(NothingFoundError, match="'north-9': expected of admin, gateway, north-1"):
        list(steps.renew(tmp_path / "a", ["north-9"], everything=False))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_link_in_the_folder_leads_root_nowhere_else(tmp_path):
    """The folder is the service's: whoever is that user must not become root by it."""
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


def test_what_somebody_put_among_the_drop_ins_is_not_systemds(tmp_path, systemd, monkeypatch):
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


def test_a_forehead_is_warned_of_in_both_languages(tmp_path):
    for site, warned in (("forehead", True), ("canthus", False)):
        names = ("--campus", "east", "--gateway", "gw", "--gate", "north=north-1")
        arguments = ["gateway", str(tmp_path / site), *names]
        result = CliRunner().invoke(cli, ["provision", *arguments, "--site", site])
        assert ("one fever in five" in result.output and "五个发热者" in result.output) == warned
