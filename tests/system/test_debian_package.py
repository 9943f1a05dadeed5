"""The Debian package, which runs gateway/install: lintian accepts it, a machine takes it and gives
it back."""

import shutil
import subprocess
import sys

import pytest
from debian_gateway import MARKS, PROVISION, ROOT, read, readings, until, watching

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
            *(sys.executable, "-m", "debian_package", "--out", str(out)),
            *("--wheels", str(shared / "wheels")),
        ],
        cwd=ROOT / "tools",
        check=True,
        capture_output=True,
        timeout=240,
    )
    (package,) = out.glob("fevergate_*.deb")
    return package


@pytest.fixture(scope="module")
def gateway(machine, before, package):
    machine.run(f"dpkg -i /srv/shared/deb/{package.name}", DEBIAN_FRONTEND="noninteractive")
    machine.run(PROVISION)
    return machine


def test_lintian_has_nothing_to_say(package):
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", str(package)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_works_as_if_it_had_been_installed_by_hand(gateway):
    assert watching(gateway) == []
    gateway.run("fevergate provision labels /etc/fevergate --url https://gate.example")
    doctor = gateway.run("runuser -u fevergate -- fevergate doctor --language en").stdout
    assert "✓ broker" in doctor and "✗" not in doctor
    read(gateway, 1)
    until(lambda: readings(gateway) == 1)


def test_its_manual_is_there(gateway):
    assert gateway.run("test -e /usr/share/man/man1/fevergate.1.gz").returncode == 0


def test_a_second_installation_is_an_upgrade_that_keeps_everything(gateway, package):
    count = readings(gateway)
    gateway.run(f"dpkg -i /srv/shared/deb/{package.name}", DEBIAN_FRONTEND="noninteractive")
    until(lambda: watching(gateway) == [])
    assert readings(gateway) == count
    assert "before-" in gateway.run("ls /var/backups/fevergate").stdout


def test_removed_it_leaves_the_readings_and_purged_it_leaves_nothing(gateway, before):
    """Last: it takes the gateway away."""
    count = readings(gateway)
    gateway.run("dpkg -r fevergate")
    assert not gateway.active("fevergate-gateway") and readings(gateway) == count
    assert not (gateway.root / "opt/fevergate").exists()
    gateway.run("dpkg -P fevergate")
    gateway.run("systemctl daemon-reload; systemctl restart mosquitto")
    assert [path for path in gateway.files() - before if "fevergate" in path] == []
    assert gateway.active("mosquitto")
