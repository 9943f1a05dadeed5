"""The installer on a Debian with systemd: install, provision, upgrade, roll back, uninstall.

The tests share one machine and run in the order of this file.
"""

import json
import os
import re
import shutil
import time

import pytest
from debian_gateway import EARLIER, MARKS, PROVISION, ROOT, read, readings, until, watching

from fevergate.clock import time_source

pytestmark = MARKS
CLOCK_EPOCH = str(time_source.SAVED)
INSTALL = "/srv/shared/source/gateway/install --wheels /srv/shared/wheels"


@pytest.mark.parametrize(
    ("instead", "says"),
    [
        ({"os-release": 'ID=debian\nVERSION_ID=14\nPRETTY_NAME="Debian 14"'}, "is Debian 14"),
        ({"os-release": "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=24.04"}, "Debian 12 or 13"),
        ({"dpkg": "echo armhf"}, "of 64 bits"),
        ({"df": "echo 100"}, "MB are needed, 100 are free"),
        ({"dpkg-query": "false", "apt-get": "echo E: no such package; false"}, "E: no such"),
    ],
    ids=["newer", "another distribution", "32 bits", "full", "not in the archive"],
)
def test_an_unsupported_machine_is_refused_in_one_line_and_left_unchanged(
    machine, before, instead, says
):
    """Runs first: nothing is installed yet. `instead` maps the names of programs or files to what
    replaces them."""
    folder = machine.root / "root/instead"
    folder.mkdir()
    for name, text in instead.items():
        (folder / name).write_text(text if name == "os-release" else f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    release = "mount --bind /root/instead/os-release /etc/os-release; " * ("os-release" in instead)
    result = machine.run(
        f"unshare --mount sh -c '{release}PATH=/root/instead:$PATH; {INSTALL}'", check=False
    )
    shutil.rmtree(folder)
    assert result.returncode == 1 and result.stdout == "" and says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert {path for path in machine.files() - before if path != "/etc/apt"} == set()


CONFIG = "boot/firmware/config.txt"
AS_IT_COMES = "dtparam=audio=on\n\n[cm4]\notg_mode=1\n"  # Raspberry Pi OS's, in short
STRICT = AS_IT_COMES + "# FeverGate: a program that is killed leaves no lamp lit\n"
STRICT += "[all]\ndtparam=strict_gpiod\n"


@pytest.fixture(scope="module")
def installed(machine, before):
    """A machine on which the gateway was installed from a checkout, without a warning printed."""
    (machine.root / CONFIG).parent.mkdir()
    (machine.root / CONFIG).write_text(AS_IT_COMES)
    result = machine.run(INSTALL)
    assert result.stderr == "" and "arning" not in result.stdout and "DEPREC" not in result.stdout
    return machine


@pytest.fixture(scope="module")
def gateway(installed):
    installed.run(PROVISION)
    return installed


def test_a_fresh_machine_is_a_gateway_after_two_commands(gateway):
    """systemd itself starts the services, with all restrictions of their units."""
    assert watching(gateway) == []
    # The broker runs as its own user; another user writes its configuration.
    assert gateway.run("systemctl show mosquitto -p User").stdout == "User=mosquitto\n"
    doctor = gateway.run("runuser -u fevergate -- fevergate doctor --language en").stdout
    assert "✓ broker" in doctor and "✓ secrets" in doctor and "✗" not in doctor
    until(lambda: "one-time code" in gateway.run("journalctl -u fevergate-web").stdout)
    read(gateway, 1)
    until(lambda: readings(gateway) == 1)


def test_the_machine_gives_the_time_and_keeps_its_logs_small(installed):
    assert "allow 192.168.0.0/16" in installed.run("cat /etc/chrony/conf.d/fevergate.conf").stdout
    assert installed.run("chronyd -p -f /etc/chrony/chrony.conf").returncode == 0
    output = installed.run("systemd-analyze cat-config systemd/journald.conf").stdout
    assert "SystemMaxUse=64M" in output
    output = installed.run("systemd-analyze cat-config systemd/system.conf").stdout
    assert "RuntimeWatchdogSec=15" in output
    output = installed.run("apt-config dump").stdout
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in output
    assert 'APT::Periodic::Unattended-Upgrade "1";' in output


def test_the_clock_is_saved_each_hour_and_as_the_machine_goes_down(installed):
    """On a real machine systemd sets the clock from the modification time of `clock-epoch` before
    it starts anything. In a container it does not, so the test looks for the path in systemd."""
    saved = installed.root / "usr/lib/clock-epoch"
    assert installed.active("fevergate-clock.timer")
    os.utime(saved, (0, 0))
    before = time.time() - 1  # a file system's timestamps are coarser than this clock
    installed.run("systemctl start fevergate-clock.service")  # as its timer does
    assert saved.stat().st_mtime >= before
    os.utime(saved, (0, 0))
    installed.shut_down()
    assert saved.stat().st_mtime >= before
    os.utime(saved, (0, 0))
    installed.boot()
    programs = "/lib/systemd/systemd /usr/lib/*/systemd/libsystemd-shared-*.so"
    assert installed.run(f"grep -l {CLOCK_EPOCH} {programs}", check=False).stdout


def test_the_broker_and_the_lamps_thread_run_before_other_programs(gateway):
    """LimitRTPRIO=1 is the only way to a higher priority that the gateway's unit leaves open."""
    probe = "systemd-run --quiet --wait -p User=fevergate -p LimitRTPRIO=1 chrt --rr 1 true"
    if gateway.run(probe, check=False).returncode:
        pytest.skip("this kernel divides the time of real-time threads among control groups")
    pid = gateway.run("systemctl show --value -p MainPID fevergate-gateway").stdout.strip()
    output = gateway.run(f"chrt --all-tasks --pid {pid}").stdout
    policies = re.findall(r"policy: (SCHED_\w+)", output)
    assert sorted(set(policies)) == ["SCHED_OTHER", "SCHED_RR"]
    assert policies.count("SCHED_RR") == 1
    pid = gateway.run("systemctl show --value -p MainPID mosquitto").stdout.strip()
    assert "SCHED_RR" in gateway.run(f"chrt --pid {pid}").stdout


def test_no_address_takes_all_of_the_brokers_connections(gateway):
    """The limit also holds after a firewall has loaded its rules, which deletes all others."""
    rules = "nft list table inet fevergate"
    probe = "unshare -n nft --define port=1 --file /etc/fevergate-broker-limit.nft"
    if gateway.run(probe, check=False).returncode:
        pytest.skip("this kernel counts no connections of an address")
    for word in ("start", "reload", "restart"):
        gateway.run(f"systemctl {word} nftables")
        until(lambda: "dport 8883" in gateway.run(rules, check=False).stdout)
    doctor = gateway.run("runuser -u fevergate -- fevergate doctor --language en").stdout
    assert "one address has its limit" in doctor


def test_a_kiosk_is_added_and_revoked_while_everything_runs(gateway):
    assert (
        "started anew"
        in gateway.run("fevergate provision kiosk /etc/fevergate north-3 --gate north").stdout
    )
    output = gateway.run("fevergate provision revoke /etc/fevergate north-3").stdout
    assert "seen: the broker refuses it" in output
    assert watching(gateway) == []


ASKS = """runuser -u fevergate -- /opt/fevergate/bin/python -c '
import time
from pathlib import Path
from fevergate.provision.device_request import ask, new_request
ask(Path("/etc/fevergate"), new_request(by="admin", {values}), time.time())'
"""
"""Does, as the pages' user, what the pages do when an administrator has pressed the button."""


def answered(machine):
    answer = machine.run("cat /etc/fevergate/requests/device-answer.json", check=False).stdout
    return json.loads(answer or '{"state": "none"}')


def ended(machine, action):
    answer = answered(machine)
    return answer["state"] in ("done", "failed") and answer["request"]["action"] == action


def test_a_kiosk_asked_for_on_the_pages_is_added_and_removed_by_systemd(gateway):
    """The pages and the privileged service have only the rights that their units leave them."""
    for action, values, line in (
        ("add", 'gate="north"', "north-4: stands at gate north"),
        ("remove", 'because="stolen"', "seen: the broker refuses it"),
    ):
        gateway.run(ASKS.format(values=f'action="{action}", kiosk="north-4", {values}'))
        until(lambda action=action: ended(gateway, action))
        answer = answered(gateway)
        assert answer["state"] == "done", gateway.run("journalctl -u fevergate-devices").stdout
        assert line in [english for _, english in answer["lines"]]
    assert "north-4" not in gateway.run("cat /etc/fevergate/gateway.toml").stdout
    output = gateway.run("journalctl -u fevergate-devices").stdout
    assert "'admin' asks: remove north-4" in output
    assert watching(gateway) == []
    assert gateway.run("stat -c '%U %a' /var/lib/fevergate-devices/times.json").stdout == (
        "root 600\n"
    )


def test_a_request_of_compromised_pages_reaches_no_file_of_root(gateway):
    """Symbolic links to /etc/shadow take the place of the request and of the answer."""
    gateway.run("cp /etc/shadow /root/shadow")
    gateway.run(ASKS.format(values='action="remove", kiosk="north-9"'))
    until(lambda: answered(gateway)["state"] == "failed")
    requests = "/etc/fevergate/requests"
    for link, target in (
        (f"{requests}/device.json", "/etc/shadow"),
        (f"{requests}/device-answer.json", "/etc/shadow"),
    ):
        gateway.run(f"runuser -u fevergate -- ln -sf {target} {link}")
    until(lambda: gateway.run(f"ls {requests}/device.json", check=False).returncode != 0)
    gateway.run(ASKS.format(values='action="remove", kiosk="north-9"'), check=False)
    until(lambda: gateway.run(f"ls {requests}/device.json", check=False).returncode != 0)
    until(lambda: not gateway.active("fevergate-devices.service"))
    gateway.run("cmp /etc/shadow /root/shadow; rm /root/shadow")
    gateway.run(f"rm -f {requests}/device-answer.json")
    assert gateway.run("stat -c %U /etc/shadow").stdout == "root\n"
    assert watching(gateway) == []


def test_certificates_near_their_end_are_renewed_by_the_timers_unit(gateway):
    """The renewal runs with only the rights that its unit leaves it."""
    gateway.run(
        "/opt/fevergate/bin/python -c 'from pathlib import Path; from fevergate.crypto import"
        " pki as c; c.SERVER_DAYS = 30;"
        ' c.renew_server(Path("/etc/fevergate"), "broker", everything=True)\';'
        " chown mosquitto: /etc/fevergate/broker.*"
    )
    gateway.run("systemctl start fevergate-renew.service")
    output = gateway.run("journalctl -u fevergate-renew").stdout
    assert "renewed: broker.crt" in output and "the broker has read it" in output
    doctor = gateway.run("runuser -u fevergate -- fevergate doctor --language en").stdout
    assert re.search(r"✓ certificates broker.crt: 82\d days left", doctor)
    assert "✓ broker" in doctor


def test_after_a_power_cut_it_watches_again_by_itself(gateway):
    read(gateway, 2)
    until(lambda: readings(gateway) == 2)
    gateway.pull_the_plug()
    gateway.boot()
    until(lambda: watching(gateway) == [])
    assert readings(gateway) == 2
    read(gateway, 3)
    until(lambda: readings(gateway) == 3)


def stored(machine, seq):
    """Publish a reading, and return how many are stored. A kiosk repeats a reading in the same way
    until the broker has a session for the gateway."""
    read(machine, seq)
    return readings(machine)


def test_a_store_of_null_bytes_is_set_aside_and_the_broker_starts(gateway):
    """The drop-in of the broker's unit sets it aside, as the broker's own user."""
    count = readings(gateway)
    gateway.run(
        "systemctl stop mosquitto; head -c 5000 /dev/zero >/etc/fevergate/broker/mosquitto.db;"
        " systemctl start mosquitto"
    )
    assert "is damaged; kept as" in gateway.run("journalctl -u mosquitto").stdout
    owner_and_size = gateway.run(
        "stat -c '%U %s' /etc/fevergate/broker/mosquitto.db.damaged-*"
    ).stdout
    assert owner_and_size == "mosquitto 5000\n"
    until(lambda: stored(gateway, 10) == count + 1)


BROKERS = "/etc/fevergate/mosquitto.conf /etc/fevergate/broker.acl /etc/fevergate/gateway.toml"
BROKERS += " /etc/systemd/system/mosquitto.service.d/fevergate.conf"


def test_a_configuration_that_the_broker_refuses_at_an_upgrade_is_rolled_back(gateway):
    """Another program holds a port that the new configuration needs. So the broker keeps the
    configuration of the earlier version."""
    count = readings(gateway)
    gateway.run(EARLIER)
    before = gateway.run(f"cat {BROKERS}").stdout
    gateway.run("systemd-run --quiet --unit=other python3 -m http.server --bind 127.0.0.1 8884")
    until(lambda: gateway.run("grep -q :22B4 /proc/net/tcp", check=False).returncode == 0)
    result = gateway.run("fevergate provision upgrade /etc/fevergate", check=False)
    gateway.run("systemctl stop other")
    assert result.returncode == 2 and "; restored: " in result.stderr
    assert gateway.run(f"cat {BROKERS}").stdout == before
    until(lambda: watching(gateway) == [])
    until(lambda: stored(gateway, 11) == count + 1)


def test_an_upgrade_keeps_readings_settings_and_a_backup_and_can_spare_the_card(gateway):
    old = gateway.run("readlink /opt/fevergate").stdout
    gateway.run("echo '# ours' >>/etc/fevergate/gateway.toml")
    count = readings(gateway)
    output = gateway.run(f"{INSTALL} --read-mostly --campus-server").stdout
    assert "a backup before the upgrade" in output and "run the new version" in output
    assert gateway.run("readlink /opt/fevergate").stdout != old
    assert readings(gateway) == count and watching(gateway) == []
    assert "the broker has what this version gives it: mosquitto.conf" in output
    assert gateway.run("fevergate provision upgrade /etc/fevergate").stdout == (
        "the broker has what this version gives it\n"
    )
    settings = gateway.run(f"cat {BROKERS}").stdout
    for line in ("fevergate broker /etc", "use_username_as_clientid", "/test", "local_port"):
        assert line in settings
    assert (gateway.root / CONFIG).read_text() == STRICT  # the lines were added only once
    assert "# ours" in gateway.run("cat /etc/fevergate/gateway.toml").stdout
    listing = gateway.run("ls /var/backups/fevergate; ls /opt/fevergate.d | wc -l").stdout
    assert re.fullmatch(r"before-\w+\.tar\.gz\n2\n", listing)
    gateway.pull_the_plug()
    gateway.boot()
    assert gateway.active("tmp.mount") and gateway.active("fevergate-card.service")
    assert "noatime" in gateway.run("findmnt -n -o OPTIONS /").stdout
    journal = gateway.run("journalctl --header | grep 'File path'").stdout
    assert "/run/log/journal" in journal
    until(lambda: watching(gateway) == [])


def test_a_campus_server_on_the_same_machine(gateway):
    """Runs after the upgrade, which installed the campus server's packages."""
    output = gateway.run(
        "fevergate provision campus /etc/fevergate --url https://127.0.0.1:9443"
        " --gateways east=gw-east"
    ).stdout
    assert "the campus server runs" in output
    until(lambda: "one-time code" in gateway.run("journalctl -u fevergate-campus").stdout)
    assert gateway.active("fevergate-campus")
    # The broker can still read its files.
    gateway.run("fevergate provision renew /etc/fevergate north-1; systemctl restart mosquitto")
    count = readings(gateway)
    read(gateway, 4)
    until(lambda: readings(gateway) == count + 1)


@pytest.mark.parametrize(
    ("wheel", "says"),
    [("no", "what was installed before is as it was"), ("falls", "is back")],
)
def test_a_version_that_does_not_work_is_not_left_running(gateway, shared, wheel, says):
    (path,) = (shared / wheel).iterdir()
    old = gateway.run("readlink /opt/fevergate").stdout
    result = gateway.run(f"{INSTALL} --wheel /srv/shared/{wheel}/{path.name}", check=False)
    assert result.returncode == 1 and says in result.stderr
    assert gateway.run("readlink /opt/fevergate").stdout == old
    until(lambda: watching(gateway) == [])


@pytest.mark.parametrize("name", ["paho_mqtt", "sdnotify"])
def test_a_package_that_was_changed_on_its_way_is_refused(gateway, name):
    """paho_mqtt comes as a wheel; sdnotify as source, which is refused before any of it runs."""
    old = gateway.run("readlink /opt/fevergate").stdout
    gateway.run(f"cp -r /srv/shared/wheels /root/changed; echo | tee -a /root/changed/{name}-*")
    result = gateway.run(INSTALL.replace("/srv/shared/wheels", "/root/changed"), check=False)
    gateway.run("rm -r /root/changed")
    assert result.returncode == 1 and "DO NOT MATCH THE HASHES" in result.stderr
    assert "what was installed before is as it was" in result.stderr
    assert gateway.run("readlink /opt/fevergate").stdout == old


def test_an_upgrade_that_stops_half_way_is_taken_back(gateway):
    """A full card has the same effect. Here a file is missing that the new version needs."""
    old = gateway.run("readlink /opt/fevergate").stdout
    gateway.run("cp -r /srv/shared/source /root/half; rm /root/half/gateway/machine/journald.conf")
    # The package is built by a user without rights.
    record = "import os, setuptools; setuptools.setup(); "
    record += 'open("/tmp/built-by", "a").write(f"{os.getuid()} ")'
    gateway.run(
        f"echo '{record}' >/root/half/setup.py; sed -i 's,pyproject.toml\\,,&setup.py\\,,'"
        " /root/half/gateway/install"
    )
    gateway.run("echo '# newer' >>/root/half/gateway/systemd/fevergate-gateway.service")
    result = gateway.run(
        "/root/half/gateway/install --wheels /srv/shared/wheels; result=$?;"
        " rm -r /root/half; exit $result",
        check=False,
    )
    assert result.returncode == 1 and "is back" in result.stderr
    assert gateway.run("readlink /opt/fevergate").stdout == old
    assert set(gateway.run("cat /tmp/built-by").stdout.split()) == {"65534"}
    unit = gateway.run("cat /etc/systemd/system/fevergate-gateway.service").stdout
    assert "# newer" not in unit
    until(lambda: watching(gateway) == [])


def test_an_error_of_the_installer_is_one_line_in_the_persons_language(installed):
    result = installed.run("runuser -u nobody -- /srv/shared/source/gateway/install", check=False)
    assert result.returncode == 1 and result.stderr == "fevergate: please run it with sudo\n"
    result = installed.run(f"{INSTALL} --wheel /none.whl", check=False, LANG="zh_CN.UTF-8")
    assert result.stderr == "fevergate：/none.whl：没有这个文件\n"
    for language, word in (("zh_CN.UTF-8", "卸载"), ("C.UTF-8", "uninstall")):
        helped = installed.run(f"{INSTALL} --help", LANG=language).stdout
        assert word in helped
        options = set(re.findall(r"--[a-z-]+", helped))
        script = (ROOT / "gateway/install").read_text()
        assert options - {"--help"} == set(re.findall(r"(?m)^ {8}(--[a-z-]+)\)", script)) | {
            *("--wheel", "--wheels"),
        }


def test_uninstalled_it_leaves_nothing_but_the_readings(gateway, before):
    """Runs last: it removes the gateway."""
    count = readings(gateway)
    gateway.run(f"{INSTALL} --uninstall")
    assert (gateway.root / CONFIG).read_text() == AS_IT_COMES
    shutil.rmtree((gateway.root / CONFIG).parent)
    remaining = gateway.files() - before
    assert {
        path for path in remaining if not path.startswith(("/etc/fevergate", "/var/backups"))
    } == {
        # The user stays, since its readings do; Debian's own tools made backups of these files.
        *(path for path in remaining if re.fullmatch(r"/etc/(passwd|group|shadow|gshadow)-", path)),
    }
    assert gateway.active("mosquitto")  # with Debian's own settings
    assert readings(gateway) == count
    gateway.run(f"{INSTALL} --uninstall --purge --yes")
    remaining = gateway.files() - before
    assert [path for path in remaining if "fevergate" in path] == []
    assert gateway.run("getent passwd fevergate", check=False).returncode != 0
