"""The systemd units are hardened and start commands that exist; the udev rule concerns the pins
alone."""

import re
import shutil
import subprocess
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path

import pytest
import real_micropython
from every_command import COMMANDS

from emulated_pi.card import PACKAGES

UNITS = sorted((real_micropython.ROOT / "gateway/systemd").glob("*.service"))


LAUNCH = Path("launch")
LIMIT = real_micropython.ROOT / "gateway/machine/fevergate-broker-limit.service"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
@pytest.mark.parametrize("unit", [*UNITS, LIMIT], ids=lambda unit: unit.name)
def test_a_unit_is_exposed_as_little_as_can_be(unit):
    """The unit of the devices may have a higher score, because it runs as root and connects to the
    broker of this machine; that of the gateway, because one of its threads may take precedence over
    other programs."""
    most = {"fevergate-devices.service": 24, "fevergate-gateway.service": 21}.get(unit.name, 20)
    result = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={most}", str(unit)],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-200:] + result.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_there_is(unit):
    (command,) = re.findall(r"ExecStart=fevergate (\w+)", unit.read_text())
    assert command in COMMANDS


def test_a_slow_start_of_the_gateway_is_not_given_up_and_begun_anew():
    """systemd's default limit is 90 s; an overloaded Pi took 64 s."""
    text = (real_micropython.ROOT / "gateway/systemd/fevergate-gateway.service").read_text()
    assert "Type=notify" in text and int(re.findall(r"TimeoutStartSec=(\d+)\n", text)[0]) >= 300


def granted(device):
    """What the udev rule sets for a device with these properties. All matches of the rule must hold
    (udev(7))."""
    rule = real_micropython.ROOT / "gateway/machine/gpio.rules"
    (line,) = [line for line in rule.read_text().splitlines() if not line.startswith("#")]
    parts = [re.fullmatch(r'([A-Z]+)(==|=)"([^"]*)"', part.strip()) for part in line.split(",")]
    assert all(parts), line
    matches = [part.groups() for part in parts if part]
    if all(fnmatchcase(device[key], value) for key, operator, value in matches if operator == "=="):
        return {key: value for key, operator, value in matches if operator == "="}
    return {}


@pytest.mark.parametrize("chip", ["gpiochip0", "gpiochip4", "gpiochip10"])
def test_a_plain_debian_gives_the_pins_to_group_gpio_as_raspberry_pi_os_does(chip):
    """On Raspberry Pi OS, 99-com.rules comes after this rule and sets the same for the pins."""
    assert granted({"SUBSYSTEM": "gpio", "KERNEL": chip}) == {"GROUP": "gpio", "MODE": "0660"}
    assert granted({"SUBSYSTEM": "bcm2835-gpiomem", "KERNEL": "gpiomem"}) == {}
    assert granted({"SUBSYSTEM": "block", "KERNEL": "mmcblk0"}) == {}
    script = (real_micropython.ROOT / "gateway/install").read_text()
    assert "for group in gpio i2c; do" in script and "groupadd --system" in script
    unit = (real_micropython.ROOT / "gateway/systemd/fevergate-gateway.service").read_text()
    assert "SupplementaryGroups=gpio mosquitto\n" in unit
    assert "DeviceAllow=char-gpiochip rw\n" in unit


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="no shellcheck here")
def test_the_shell_scripts_pass_shellcheck():
    tools = real_micropython.ROOT / "tools"
    files = (path for path in tools.iterdir() if path.is_file() and not path.is_symlink())
    scripts = [path for path in files if shell(path)]
    result = subprocess.run(
        ["shellcheck", str(real_micropython.ROOT / "gateway/install"), *map(str, scripts)],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout


def shell(path):
    return path.read_bytes().startswith(b"#!/usr/bin/env bash")


def test_the_page_names_every_file_that_the_script_puts_into_the_system():
    script = (real_micropython.ROOT / "gateway/install").read_text()
    page = (real_micropython.ROOT / "gateway/install.md").read_text()
    paths = re.findall(r"^    \[(?:\$units/)?(\S+)\]=", script, re.MULTILINE)
    assert len(paths) >= 6 and all(path in page for path in paths)
    assert set(re.findall(r"`sudo gateway/install (--[a-z-]+)", page)) <= set(
        re.findall(r"(--[a-z-]+)", script)
    )


def test_debian_package_and_pi_check_bring_all_packages_that_the_installer_needs():
    """When dpkg runs the installer, it has already installed the system's packages; the emulated Pi
    has no network to fetch them from."""
    script = (real_micropython.ROOT / "gateway/install").read_text()
    packages = {
        package
        for names in re.findall(r"\bpackages\+?=\(([^)$]+)\)", script)
        for package in names.split()
    }
    assert {"mosquitto", "chrony", "i2c-tools"} <= packages
    control = (real_micropython.ROOT / "gateway/debian/control").read_text()
    dependencies = set(re.findall(r"[a-z0-9-]+", control.partition("Depends: fonts")[2]))
    assert packages <= {*dependencies, "fonts-wqy-microhei"} and packages <= set(PACKAGES)


def test_each_task_of_the_list_is_a_link_and_starts_a_module_that_there_is():
    tools = real_micropython.ROOT / "tools"
    table = (tools / "launch").read_text().partition("<<'TASKS'\n")[2].partition("\nTASKS\n")[0]
    rows = [line.split() for line in table.splitlines()]
    assert {row[0] for row in rows} == {
        path.name for path in tools.iterdir() if path.is_symlink() and path.readlink() == LAUNCH
    }
    for _, _, module, *before_setup in rows:
        assert find_spec(module), module
        assert all((tools.parent / path).exists() for path in before_setup)
