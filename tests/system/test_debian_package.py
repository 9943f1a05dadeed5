"""The Debian package, which runs gateway/install: lintian accepts it, and it can be installed and
removed."""

import shutil
import subprocess
import sys

import debian_machine
import pytest
from debian_gateway import MARKS, PROVISION, ROOT, read, readings, until, watching
from pi_in_debian import UNIT, Pi

pytestmark = [
    *MARKS,
    pytest.mark.skipif(not shutil.which("dh"), reason="debhelper is missing"),
    pytest.mark.skipif(not shutil.which("lintian"), reason="lintian is missing"),
]


@pytest.fixture(scope="module")
def package(shared):
    out = shared / "deb"
    subprocess.run(
        [
            *(sys.executable, "-m", "release.deb", "--out", str(out)),
            *("--wheels", str(shared / "wheels")),
        ],
        cwd=ROOT / "tools",
        check=True,
        capture_output=True,
        timeout=debian_machine.MADE_S,
    )
    (package,) = out.glob("fevergate_*.deb")
    return package


@pytest.fixture(scope="module")
def gateway(machine, before, package):
    machine.run(f"dpkg -i /srv/shared/deb/{package.name}", DEBIAN_FRONTEND="noninteractive")
    machine.run(PROVISION)
    return machine


def test_lintian_has_nothing_to_say(package):
    result = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", str(package)],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_it_works_as_if_it_had_been_installed_by_hand(gateway):
    assert watching(gateway) == []
    gateway.run("fevergate provision labels /etc/fevergate --url https://gate.example")
    doctor = gateway.run("runuser -u fevergate -- fevergate doctor --language en").stdout
    assert "✓ broker" in doctor and "✗" not in doctor
    read(gateway, 1)
    until(lambda: readings(gateway) == 1)


def test_its_manual_is_there(gateway):
    assert gateway.run("test -e /usr/share/man/man1/fevergate.1.gz").returncode == 0


@pytest.fixture(scope="module")
def pi(gateway):
    """The same machine, which simulates a Pi from now on."""
    return Pi(gateway)


@pytest.mark.skipif(not shutil.which("cc"), reason="a C compiler is missing")
def test_the_shipped_unit_lights_a_pis_lamps_and_leaves_none_lit_when_it_dies(pi):
    """One long test, since each start takes seconds. The lamps are lit; then the gateway gets
    SIGKILL, alone and with all its processes as by the kernel's OOM killer, and its next starts
    fail. The kernel would keep a dead program's outputs."""
    doctor = "runuser -u fevergate -- fevergate doctor --language en"
    assert "✓ pins         the gateway has lgpio, gpiochip0" in pi.machine.run(doctor).stdout
    assert pi.outputs.keys() == {"red", "amber", "green", "buzzer"}
    read(pi.machine, 20)
    read(pi.machine, 21, kiosk="north-2")
    pi.until_lit("green")
    read(pi.machine, 22, "fever")
    pi.until_lit("red")
    fails = "[Service]\\nExecStartPre=/bin/false\\n[Unit]\\nStartLimitBurst=1\\n"
    for killed in ("main", "all"):
        began = int(pi.says("NRestarts"))
        pi.drop_in("fails", fails)
        pi.kill(killed)
        until(lambda: pi.outputs == {})  # all pins are inputs: the relay's resting contact is amber
        until(lambda began=began: int(pi.says("NRestarts")) > began + 2)  # systemd never gives up
        assert pi.outputs == {}
        pi.mend("fails")
        until(lambda: "red" in pi.lit)  # the fever is red again, without help
    pi.machine.run("fevergate acknowledge north --by 'Li Wei'")
    read(pi.machine, 23)
    read(pi.machine, 24, kiosk="north-2")
    pi.until_lit("green")
    pi.machine.run(f"systemctl stop {UNIT}")
    assert pi.outputs == {}


@pytest.mark.skipif(not shutil.which("cc"), reason="a C compiler is missing")
def test_no_gateway_goes_on_in_silence_where_no_lamp_can_be_lit(pi):
    def why():
        return pi.machine.run("cat /run/fevergate/gateway.json").stdout

    pi.restart()
    assert '"dark":{}' in why()
    pi.permit("root:root", "600")  # a plain Debian without our udev rule
    pi.restart()
    assert "no lamp can be lit: /dev/gpiochip0 may not be opened" in why()
    pi.permit("root:gpio", "660")
    pi.factory("mock")
    assert "no lamp can be lit: the settings say mock, on a Raspberry Pi" in why()
    pi.drop_in("hidden", "[Service]\\nInaccessiblePaths=/sys/firmware /sys/bus\\n")
    pi.factory("rpigpio")  # the files that identify a Pi are hidden: amber, and no restart loop
    assert "no lamp can be lit: no GPIO chip of a Raspberry Pi here" in why()
    assert pi.says("NRestarts") == "0" and pi.outputs == {}
    pi.mend("hidden")
    pi.factory("auto")
    assert '"dark":{}' in why()


def test_a_second_installation_is_an_upgrade_that_keeps_everything(gateway, package):
    count = readings(gateway)
    gateway.run(f"dpkg -i /srv/shared/deb/{package.name}", DEBIAN_FRONTEND="noninteractive")
    until(lambda: watching(gateway) == [])
    assert readings(gateway) == count
    assert "before-" in gateway.run("ls /var/backups/fevergate").stdout


def test_removed_it_leaves_the_readings_and_purged_it_leaves_nothing(gateway, before):
    """Runs last: it removes the gateway."""
    count = readings(gateway)
    gateway.run("dpkg -r fevergate")
    assert not gateway.active("fevergate-gateway") and readings(gateway) == count
    assert not (gateway.root / "opt/fevergate").exists()
    gateway.run("dpkg -P fevergate")
    gateway.run("systemctl daemon-reload; systemctl restart mosquitto")
    assert [path for path in gateway.files() - before if "fevergate" in path] == []
    assert gateway.active("mosquitto")
