"""Resistors and margins follow from the parts' figures; a part that cannot work is refused."""

from math import log

import pytest
from hardware.bench import FIGURES, LENGTHS_M, PINS, VALUES

from hardware_build import electrical, optics, pins, quantity
from hardware_build.errors import HardwareError

DCI = optics.find("DCI")


def figure(name):
    return next(row for row in FIGURES if row.english == name)


@pytest.fixture
def changed(tmp_path):
    def compute(*swaps, lengths_m=LENGTHS_M, table=PINS):
        text = electrical.TABLE.read_text()
        for old, new in swaps:
            assert text.count(f"\n{old}") == 1, old
            text = text.replace(f"\n{old}", f"\n{new}")
        path = tmp_path / "electrical.toml"
        path.write_text(text)
        return electrical.compute(lengths_m, table, DCI, path)

    return compute


def test_the_pull_up_is_what_the_buss_standard_gives():
    # UM10204, 7.1: Rp <= tr / (0.8473 Cb), Rp >= (VDD - VOL) / IOL.
    farad = (sum(LENGTHS_M[name] for name in ("W2", "W3")) * 100 + 3 * 10 + 20) * 1e-12
    assert figure("capacitance of the bus").value == pytest.approx(farad)
    slow = figure("largest pull-up (rise time)").value
    assert slow == pytest.approx(1e-6 / (log(0.7 / 0.3) * farad), rel=1e-3)
    strong = figure("smallest pull-up (sink current)").value
    assert strong == pytest.approx((3.06 - 0.25) / 0.001)
    assert strong < VALUES["pull_up"] < slow


def test_a_bus_that_is_too_long_is_refused(changed):
    with pytest.raises(HardwareError, match="no pull-up fits"):
        changed(lengths_m=LENGTHS_M | {"W2": 6.0})


def test_modules_that_keep_their_own_pull_ups_would_ask_too_much_of_the_sensor():
    parallel = 1 / (1 / VALUES["pull_up"] + 1 / 4700)
    assert parallel < figure("smallest pull-up (sink current)").value


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rail_v = [4.70", "rail_v = [4.40", "green: lowest current"),
        ("rail_v = [4.70, 5.0, 5.25]", "rail_v = [3.2, 3.3, 3.4]", "green: "),
        ("tolerance = 0.02", "tolerance = 0.10", "no pull-up fits"),
        ("supply_a = 0.002", "supply_a = 0", "supply_a: Expected `float` >= 1e-12"),
        ("input_v = 2.4", "input_v = 3.0", "driver's input"),
        ("farad = 10e-6", "farad = 1e-6", "one normal verdict opens the door for at least"),
        ("farad = 10e-6", "farad = 47e-6", "line stuck"),
        ("down_ohm = 4700", "down_ohm = 10000", "pin's own pull-up"),
        ("shunt_ohm = 1000", "shunt_ohm = 1000000", "booting Pi's pull-up"),
        ("gate_ohm = 22000", "gate_ohm = 1000", "optocoupler old and hot"),
        (
            "gate_highest_v = 16.0",
            "gate_highest_v = 12.0",
            "level at the transistor's gate, highest",
        ),
        ("siren_a = 0.50", "siren_a = 1.50", "fuse"),
        ("fuse_a = 1.6", "fuse_a = 1.25", "fuse"),
        ("cable_pf = 300", "cable_pf = 3000", "hum on an open button"),
        ("parallel_ohm = 1000", "parallel_ohm = 10000", "beeper"),
    ],
)
def test_a_part_that_cannot_do_it_is_refused(changed, old, new, said):
    with pytest.raises(HardwareError, match=said):
        changed((old, new))


def test_a_pull_up_at_boot_counts_only_where_a_lamp_hangs_on_it(changed):
    down = {"red": 17, "amber": 27, "green": 22, "buzzer": 23, "acknowledge": 4}
    figures, _ = changed(
        ("shunt_ohm = 1000", "shunt_ohm = 1500"), table=pins.Pins(PINS.kiosk, {"gate1": down})
    )
    assert next(row for row in figures if "booting" in row.english).value == 0


def test_every_group_of_figures_says_where_it_is_from():
    text = electrical.markdown(FIGURES)
    for group in (
        "bus",
        "mlx90614",
        "lights",
        "driver",
        "door",
        "button",
        "gate_input",
        "gate_output",
    ):
        assert f"\n- {group}: " in text


def test_resistors_are_of_the_series():
    assert electrical.e12(5000) == 4700
    assert electrical.e12(221, up=True) == 270
    assert electrical.e12(220, up=True) == 220
    assert electrical.e12(990, up=True) == 1000
    assert quantity.written(3300, "Ω") == "3.3 kΩ" and quantity.written(6.8e-6, "F") == "6.8 µF"
