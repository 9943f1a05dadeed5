"""The gateway recognises its machine and opens its pins, within what its systemd unit lets it
see."""

import os
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from gpiozero.pins.local import LocalPiFactory
from laid_out_pi import lay_out

from fevergate.alarm import gpio
from fevergate.alarm.gpio import choose_library, open_factory
from fevergate.errors import PinsError
from fevergate.system.machine import Machine, chip_of, recognise

SYSTEMS = {
    # ((model, revision), {chip: (its own name, its parent's name)}, the header's chip)
    "Pi 3, Raspberry Pi OS": (
        ("Raspberry Pi 3 Model B Plus Rev 1.3", 0xA020D3),
        {0: ("brcm,bcm2835-gpio", ""), 1: ("raspberrypi,firmware-gpio", "")},
        0,
    ),
    "Pi 3, emulated: no firmware left a revision": (
        ("Raspberry Pi 3 Model B", None),
        {0: ("", "brcm,bcm2835-gpio"), 1: ("raspberrypi,firmware-gpio", "")},
        0,
    ),
    "Pi 4, plain Debian": (
        ("Raspberry Pi 4 Model B Rev 1.4", 0xC03114),
        {0: ("brcm,bcm2711-gpio", ""), 1: ("raspberrypi,firmware-gpio", "")},
        0,
    ),
    "Pi 5, kernel 6.1": (
        ("Raspberry Pi 5 Model B Rev 1.0", 0xC04170),
        {0: ("brcm,bcm7445-gpio", ""), 4: ("raspberrypi,rp1-gpio", "")},
        4,
    ),
    "Pi 5, kernel 6.12": (
        ("Raspberry Pi 5 Model B Rev 1.1", 0xD04171),
        {0: ("raspberrypi,rp1-gpio", ""), 10: ("brcm,bcm7445-gpio", "")},
        0,
    ),
    "Pi 5, emulated": (
        ("Raspberry Pi 5 Model B", None),
        {0: ("raspberrypi,rp1-gpio", "")},
        0,
    ),
    "a PC with a GPIO chip": (("", None), {0: ("", "")}, None),
    "a PC": (("", None), {}, None),
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_headers_chip_is_known_on_every_system(tmp_path, system):
    (model, revision), chips, header = SYSTEMS[system]
    sys_, dev = lay_out(tmp_path, model, revision, chips)
    machine = recognise(sys_)
    assert machine.is_pi == bool(model) and machine.chip == header
    assert machine.revision == (revision or (0xC04170 if "Pi 5" in model else 0xA02082))
    if header is None:
        with pytest.raises(PinsError, match="no GPIO chip of a Raspberry Pi here"):
            chip_of(machine, dev)
    else:
        assert chip_of(machine, dev) == header


def test_a_sandbox_that_hides_the_chips_raises_no_error(tmp_path, monkeypatch):
    sys_, _ = lay_out(tmp_path, "Raspberry Pi 3 Model B", None, {0: ("brcm,bcm2835-gpio", "")})

    def listdir(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "listdir", listdir)
    assert recognise(sys_) == Machine("Raspberry Pi 3 Model B", 0xA02082, None)


def test_a_chip_that_may_not_be_opened_is_named(tmp_path):
    machine = Machine("Raspberry Pi 3 Model B", 0xA02082, 0)
    with pytest.raises(PinsError, match="gpiochip0 does not exist"):
        chip_of(machine, tmp_path)
    (tmp_path / "gpiochip0").mkdir()  # a folder, which not even root can open to write
    with pytest.raises(PinsError, match="gpiochip0 may not be opened"):
        chip_of(machine, tmp_path)


PI = Machine("Raspberry Pi 5 Model B Rev 1.0", 0xC04170, 4)


@pytest.fixture
def lgpio(monkeypatch):
    """A fake of the library lgpio with the calls that a pin factory makes, recorded in `calls`."""
    calls = []
    module = types.SimpleNamespace(
        __spec__=ModuleSpec("lgpio", None),
        calls=calls,
        **dict.fromkeys(("SET_PULL_NONE", "BOTH_EDGES", "RISING_EDGE", "FALLING_EDGE"), 0),
    )
    for name in ("gpiochip_open", "gpiochip_close", "gpio_claim_input", "gpio_claim_output"):
        setattr(module, name, lambda *a, name=name: calls.append((name, *a)) or 7)
    monkeypatch.setitem(sys.modules, "lgpio", module)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    monkeypatch.setattr(LocalPiFactory, "pins", {})
    return module


@pytest.fixture
def gpio_chips(monkeypatch):
    monkeypatch.setattr(gpio, "chip_of", lambda machine: machine.chip)


@pytest.fixture
def no_proc(monkeypatch):
    """/proc as the systemd unit leaves it: gpiozero cannot find there which Pi it runs on."""

    def get_pi_revision():
        raise OSError("unable to locate Pi revision in /proc/device-tree or /proc/cpuinfo")

    monkeypatch.setattr("gpiozero.pins.local.get_pi_revision", get_pi_revision)


def test_a_lamps_pin_is_opened_without_proc(lgpio, gpio_chips, no_proc):
    factory = open_factory("lgpio", PI)
    factory.pin(17)
    assert lgpio.calls == [("gpiochip_open", 4), ("gpio_claim_input", 7, 17, 0)]
    assert factory.board_info.model == "5B"
    factory.close()


def test_a_pin_library_is_loaded_where_it_may_write(lgpio, gpio_chips, monkeypatch, tmp_path):
    """lgpio changes to its working directory, makes its pipes there, and does not change back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LG_WD", raising=False)
    folders = []
    lgpio.gpiochip_open = lambda chip: (os.chdir(os.environ["LG_WD"]), folders.append(Path.cwd()))
    open_factory("lgpio", PI)
    assert folders != [tmp_path] and Path.cwd() == tmp_path
    assert "LG_WD" not in os.environ


def test_rpigpio_is_chosen_only_if_rpi_lgpio_provides_it(gpio_chips, monkeypatch):
    installed = {"rpi-lgpio", "lgpio"}

    def distribution(name):
        if name not in installed:
            raise gpio.PackageNotFoundError(name)

    monkeypatch.setattr(gpio, "distribution", distribution)
    monkeypatch.setattr(gpio, "find_spec", lambda name: name in installed or None)
    assert choose_library("auto", PI) == "rpigpio"
    installed.remove("rpi-lgpio")  # RPi.GPIO itself may still be installed
    assert choose_library("auto", PI) == "lgpio"
    with pytest.raises(PinsError, match="rpi-lgpio is not installed"):
        choose_library("rpigpio", PI)
    installed.clear()
    for factory in ("auto", "lgpio"):
        with pytest.raises(PinsError, match="lgpio is not installed"):
            choose_library(factory, PI)


def test_a_pi_with_mock_pins_is_refused():
    assert choose_library("mock", Machine("", 0, None)) == "mock"
    with pytest.raises(PinsError, match="the settings say mock, on a Raspberry Pi"):
        choose_library("mock", PI)


def test_what_a_pin_library_says_is_kept(lgpio, gpio_chips):
    def gpiochip_open(chip):
        raise RuntimeError("can not open gpiochip")

    lgpio.gpiochip_open = gpiochip_open
    with pytest.raises(PinsError, match="lgpio: can not open gpiochip"):
        open_factory("lgpio", PI)
