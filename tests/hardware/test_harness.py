"""The harness diagrams: every wire of the boards is in them, with its colour and length."""

from itertools import pairwise

import pytest
import yaml
from hardware.bench import PINS, WIRING, board

from hardware_build import harness, pins
from hardware_build.errors import HardwareError
from hardware_build.pins import HEADER


def wires(text):
    """Both ends of each wire, each end as (connector, label)."""
    drawn = yaml.safe_load(text)

    def label(connector, pin):
        properties = drawn["connectors"][connector]
        numbers = properties.get("pins") or list(range(1, len(properties["pinlabels"]) + 1))
        return connector, str(properties["pinlabels"][numbers.index(pin)])

    for row in drawn["connections"]:
        ends = [
            (name, pins)
            for entry in row
            if isinstance(entry, dict)
            for name, pins in entry.items()
            if not name.startswith("W")
        ]
        for (connector_a, pins_a), (connector_b, pins_b) in pairwise(ends):
            for a, b in zip(spread(pins_a), spread(pins_b), strict=True):
                yield label(connector_a, a), label(connector_b, b)


def spread(pins):
    for pin in pins:
        if isinstance(pin, str):
            first, last = map(int, pin.split("-"))
            yield from range(first, last + 1)
        else:
            yield pin


@pytest.mark.parametrize("name", WIRING)
def test_every_cable_has_a_length_and_every_wire_a_colour(name):
    cables = yaml.safe_load(WIRING[name])["cables"]
    assert all(
        cable["length"] > 0 and cable["colors"] and cable["gauge"] for cable in cables.values()
    )


def test_the_kiosks_wires_join_what_its_board_joins():
    carrier = board("carrier")
    parts = {"MLX90614": "J2", "SSD1306": "J3"}
    for (connector, label), (device, device_label) in wires(WIRING["kiosk"]):
        if device not in parts:
            continue
        pin = f"{parts[device]}.{device_label.split('/')[0]}"
        net = next(name for name, pins in carrier.nets.items() if pin in pins)
        assert (connector, label) == (parts[device], net)


def test_a_supplys_colour_is_no_other_supplys():
    drawn = yaml.safe_load(WIRING["kiosk"])
    colours = {}
    for (connector, label), (_, _), colour in coloured(drawn):
        if connector.startswith("J") and label in ("5V", "3V3", "3V0", "GND"):
            colours.setdefault(label, set()).add(colour)
    assert colours == {"5V": {"RD"}, "3V3": {"OG"}, "3V0": {"PK"}, "GND": {"BK"}}


def coloured(drawn):
    """Both ends and the colour of each wire between two connectors; an end is (connector,
    label)."""
    for row in drawn["connections"]:
        (connector_a, pins_a), (cable, cores), *_, (connector_b, pins_b) = (
            next(iter(entry.items())) for entry in row if isinstance(entry, dict)
        )
        ends = [
            drawn["connectors"][name].get("pins")
            or range(1, len(drawn["connectors"][name]["pinlabels"]) + 1)
            for name in (connector_a, connector_b)
        ]
        for a, core, b in zip(spread(pins_a), spread(cores), spread(pins_b), strict=True):
            labels = [
                str(drawn["connectors"][name]["pinlabels"][list(pins).index(pin)])
                for name, pins, pin in zip((connector_a, connector_b), ends, (a, b), strict=True)
            ]
            yield (
                (connector_a, labels[0]),
                (connector_b, labels[1]),
                drawn["cables"][cable]["colors"][core - 1],
            )


@pytest.mark.parametrize(("name", "supply"), [("kiosk", "LOCKPSU"), ("gateway-gate1", "PSU")])
def test_a_fuse_sits_at_its_supply(name, supply):
    drawn = yaml.safe_load(WIRING[name])
    (row,) = [row for row in drawn["connections"] if "FUSE." in row]
    after = row[row.index("FUSE.") + 1 :]
    assert list(after[-1]) == [supply]
    assert sum(drawn["cables"][next(iter(cable))]["length"] for cable in after[:-1]) <= 0.1


def test_the_sensors_wires_have_the_numbers_of_the_can():
    # Melexis 3901090614: 1 SCL/Vz, 2 SDA/PWM, 3 VDD, 4 VSS.
    can = yaml.safe_load(WIRING["kiosk"])["connectors"]["MLX90614"]
    assert dict(zip(can["pins"], can["pinlabels"], strict=True)) == {
        1: "SCL/Vz", 2: "SDA/PWM", 3: "VDD", 4: "VSS",
    }  # fmt: skip


def test_the_esp32s_wires_end_at_the_tables_pins():
    labels = {
        far_end[1]: near_end[1]
        for near_end, far_end in wires(WIRING["kiosk"])
        if near_end[0] == "ESP32"
    }
    for name, number in PINS.kiosk.items():
        if name.startswith("reader"):
            continue  # no wire goes to the reader's pins
        assert labels[name.upper()].split()[0] == f"GPIO{number}"


@pytest.mark.parametrize("gate", PINS.gateway)
def test_a_gates_wires_begin_at_the_tables_place_on_the_header(gate):
    drawn = yaml.safe_load(WIRING[f"gateway-{gate}"])["connectors"]["PI"]
    places = dict(zip(drawn["pinlabels"], drawn["pins"], strict=False))
    for number in PINS.gateway[gate].values():
        ((label, place),) = [
            (label, place) for label, place in places.items() if label.split()[0] == f"BCM{number}"
        ]
        assert place == HEADER[number], label


def test_no_two_gates_nor_the_desk_use_one_place_of_the_header():
    places = [
        place
        for name in [*(f"gateway-{gate}" for gate in PINS.gateway), "desk"]
        for place in yaml.safe_load(WIRING[name])["connectors"]["PI"]["pins"]
    ]
    assert len(set(places)) == len(places)


def test_the_desks_sensor_hangs_at_the_bus_and_at_3_volts_never_5():
    assert list(wires(WIRING["desk"])) == [
        (("PI", "3V3"), ("SENSOR", "VDD")),
        (("PI", f"BCM{PINS.desk['sda']} SDA"), ("SENSOR", "SDA")),
        (("PI", f"BCM{PINS.desk['scl']} SCL"), ("SENSOR", "SCL")),
        (("PI", "GND"), ("SENSOR", "GND")),
    ]
    places = yaml.safe_load(WIRING["desk"])["connectors"]["PI"]["pins"]
    assert places == [1, HEADER[PINS.desk["sda"]], HEADER[PINS.desk["scl"]], 9]


def test_beside_a_desk_a_pi_has_grounds_for_three_gates():
    numbers = iter(sorted(set(HEADER) - set(PINS.desk.values())))
    gates = {f"gate{n}": {name: next(numbers) for name in pins.GATE} for n in range(1, 5)}
    harness.sources(pins.Pins(PINS.kiosk, gates))
    with pytest.raises(HardwareError, match="ground pins for 3 gates"):
        harness.sources(pins.Pins(PINS.kiosk, gates, PINS.desk))


def test_a_name_that_is_no_pin_is_refused_with_its_line(tmp_path):
    for name in ("kiosk.yml", "gate.yml", "desk.yml"):
        (tmp_path / name).write_text((harness.SOURCES / name).read_text())
    (tmp_path / "kiosk.yml").write_text("metadata:\n  title: ${horn}\n")
    with pytest.raises(HardwareError, match=r"kiosk.yml, line 2: 'horn': expected"):
        harness.sources(PINS, tmp_path)


def test_what_wireviz_cannot_draw_is_an_error_with_its_words():
    broken = WIRING["kiosk"].replace("J8: [1-2]", "J8: [1-9]")
    with pytest.raises(HardwareError, match="wiring/kiosk"):
        harness.draw("kiosk", broken)


def test_a_wire_of_another_colour_is_seen():
    drawn = harness.draw("kiosk", WIRING["kiosk"])["svg"].decode()
    changed = harness.draw("kiosk", WIRING["kiosk"].replace("[GY, BN]", "[GY, SR]"))["svg"].decode()
    assert harness.words(drawn) != harness.words(changed)
    assert harness.colours(drawn) != harness.colours(changed)
