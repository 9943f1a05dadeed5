"""One table of pins."""

import subprocess
import sys
import tomllib

import real_micropython as micropython


def table():
    return tomllib.loads((micropython.ROOT / "hardware/pins.toml").read_text())


def test_firmware_and_gateway_take_their_pins_from_the_table():
    done = subprocess.run(
        [sys.executable, str(micropython.ROOT / "tools/make-pins"), "--check"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_no_pin_is_used_twice():
    pins = table()
    assert len(set(pins["kiosk"].values())) == len(pins["kiosk"])
    gateway = [number for gate in pins["gateway"].values() for number in gate.values()]
    assert len(set(gateway)) == len(gateway)


def test_the_kiosk_drives_no_strapping_input_only_or_flash_pin():
    # ESP32 data sheet v4, sections 2.2 and 2.4.
    forbidden = {0, 2, 5, 12, 15, *range(6, 12), *range(34, 40), 1, 3}
    assert not forbidden & set(table()["kiosk"].values())
