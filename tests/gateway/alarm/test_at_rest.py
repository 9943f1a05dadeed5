"""When the gateway has ended, for whatever reason, the lamps' pins are inputs."""

import errno
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import real_micropython
from click.testing import CliRunner
from laid_out_pi import lay_out

from fevergate.alarm import pins_at_rest
from fevergate.alarm.gpio_pins import GATES
from fevergate.cli import cli
from fevergate.errors import PinsError
from fevergate.provision import provision
from fevergate.settings.gateway import load_gateway
from fevergate.system.machine import keeps_outputs


class Kernel:
    """Grants every line of a GPIO chip except those that a program has taken."""

    def __init__(self, folder):
        self.roots = (folder / "sys", folder / "dev")
        self.busy_pins = set()
        self.inputs = []
        self.files = []

    def ioctl(self, chip, code, request):
        pin, *_, consumer, flags, count, _ = pins_at_rest.REQUEST.unpack(request)
        assert os.path.samestat(os.fstat(chip), (self.roots[1] / "gpiochip0").stat())
        assert (code, flags, count) == (0xC250B407, 4, 1) and consumer.startswith(b"fevergate")
        if pin in self.busy_pins:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self.inputs.append(pin)
        self.files.append(os.open(os.devnull, os.O_RDONLY))
        request[588:592] = self.files[-1].to_bytes(4, "little")


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """The kernel of a Raspberry Pi 4."""
    kernel = Kernel(tmp_path)
    of_node = kernel.roots[0] / "bus/gpio/devices/gpiochip0/of_node"
    of_node.mkdir(parents=True)
    (of_node / "compatible").write_bytes(b"brcm,bcm2711-gpio\0")
    kernel.roots[1].mkdir()
    (kernel.roots[1] / "gpiochip0").touch()
    monkeypatch.setattr(pins_at_rest.fcntl, "ioctl", kernel.ioctl)
    return kernel


def test_every_output_becomes_an_input_green_first_and_nothing_is_held(kernel):
    before = set(Path("/proc/self/fd").iterdir())
    assert pins_at_rest.make_inputs([22, 13, 17], *kernel.roots) == {}
    assert kernel.inputs == [22, 13, 17]
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_a_pin_that_a_program_holds_does_not_keep_the_others(kernel):
    kernel.busy_pins = {22}
    assert pins_at_rest.make_inputs([22, 17], *kernel.roots) == {22: "Device or resource busy"}
    assert kernel.inputs == [17]


def test_the_pins_are_the_gates_own_or_all_if_the_settings_cannot_be_read(tmp_path):
    folder = tmp_path / "gateway"
    provision(folder, campus="east", gateway="gw-east", gates={"north": ["north-1"]})
    toml = folder / "gateway.toml"
    lamps = ("green", "red", "amber", "buzzer")
    assert pins_at_rest.output_pins(toml) == [GATES["gate1"][use] for use in lamps]
    text = toml.read_text()
    for key in ('lamps = "none"', 'pins = "gate9"'):
        toml.write_text(text.replace('pins = "gate1"', key))
        load_gateway(toml)
        assert pins_at_rest.output_pins(toml) == []
    toml.write_text("no TOML")
    all_pins = [GATES[gate][use] for use in lamps for gate in GATES]
    assert pins_at_rest.output_pins(toml) == all_pins
    assert pins_at_rest.output_pins(tmp_path / "none.toml") == all_pins


def test_the_command_says_what_it_could_not_do(kernel, monkeypatch, tmp_path):
    green, red = GATES["gate1"]["green"], GATES["gate1"]["red"]
    refused = {green: "Device or resource busy", red: "x"}
    monkeypatch.setattr(pins_at_rest, "make_inputs", lambda _: refused)
    result = CliRunner().invoke(cli, ["lamps", "rest", "--settings", str(tmp_path / "none")])
    assert isinstance(result.exception, PinsError)
    assert str(result.exception) == f"GPIO {green}: Device or resource busy; GPIO {red}: x"


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler here")
def test_the_request_is_laid_out_as_the_kernels_header_says(tmp_path):
    source = tmp_path / "layout.c"
    source.write_text(
        "#include <linux/gpio.h>\n#include <stddef.h>\n#include <stdio.h>\n"
        "#define R struct gpio_v2_line_request\n"
        'int main() { printf("%zu %zu %zu %zu %zu %lu %d", sizeof(R), offsetof(R, consumer),'
        " offsetof(R, config.flags), offsetof(R, num_lines), offsetof(R, fd),"
        " (unsigned long)GPIO_V2_GET_LINE_IOCTL, (int)GPIO_V2_LINE_FLAG_INPUT); }\n"
    )
    built = subprocess.run(["cc", source, "-o", tmp_path / "layout"], capture_output=True)
    if built.returncode:
        pytest.skip("no header of the kernel's GPIO here")
    numbers = subprocess.run([tmp_path / "layout"], capture_output=True, text=True).stdout.split()
    packed = pins_at_rest.REQUEST.pack(*[0] * 64, b"\xff" * 32, 2**64 - 1, 2**32 - 1, -1)
    runs = [match.span() for match in re.finditer(rb"\xff+", packed)]
    assert runs == [(256, 296), (560, 564), (588, 592)]
    assert [int(word) for word in numbers] == [592, 256, 288, 560, 588, pins_at_rest.GET_LINE, 4]


@pytest.mark.parametrize(
    ("chip", "bcm2835", "rp1", "keeps"),
    [
        ("brcm,bcm2711-gpio", "Y", None, True),  # unchanged Raspberry Pi OS on a Pi 4
        ("brcm,bcm2835-gpio", "N", None, False),  # with dtparam=strict_gpiod, or Debian 13
        ("brcm,bcm2835-gpio", None, None, False),  # Debian 12
        # A Pi 5's kernel has both drivers, but only the setting of rp1 counts.
        ("raspberrypi,rp1-gpio", "N", "Y", True),
        ("raspberrypi,rp1-gpio", "Y", "N", False),
        ("", "Y", None, False),  # no Pi
    ],
)
def test_whether_the_kernel_keeps_a_dead_programs_lamps_is_known(
    tmp_path, chip, bcm2835, rp1, keeps
):
    sys_, _ = lay_out(tmp_path, "Raspberry Pi", None, {0: (chip, "")})
    for module, value in (("pinctrl_bcm2835", bcm2835), ("pinctrl_rp1", rp1)):
        folder = sys_ / "module" / module / "parameters"
        folder.mkdir(parents=True)
        if value:
            (folder / "persist_gpio_outputs").write_text(f"{value}\n")
    assert keeps_outputs(sys_) == keeps


def test_the_unit_puts_the_lamps_at_rest_and_never_gives_up():
    unit = (real_micropython.ROOT / "gateway/systemd/fevergate-gateway.service").read_text()
    assert "ExecStopPost=-fevergate lamps rest --settings /etc/fevergate/gateway.toml\n" in unit
    assert "StartLimitIntervalSec=0\n" in unit and "Restart=always\n" in unit
