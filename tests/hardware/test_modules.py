"""The build of ready-made modules: drawing, parts list and page agree, and a dead gateway shows
amber there, too."""

from itertools import product

import pytest
import yaml
from hardware.bench import PINS, WIRING

from hardware_build import modules, parts, printable
from hardware_build.enclosure import Enclosure
from hardware_build.table import HARDWARE

PAGE = "".join(
    (HARDWARE / name).read_text(encoding="utf-8") for name in ("modules.md", "lamp-post.md")
)
LISTED = parts.load()

# For each connector of a drawing, how the name of the part that is bought begins.
BOUGHT = {
    "modules": {
        "BOARD": "ESP32 board with PSRAM", "SENSOR": "infrared thermometer module",
        "DISPLAY": "OLED display", "GREEN": "indicator 10 mm green",
        "AMBER": "indicator 10 mm amber", "RED": "indicator 10 mm red",
        "PIEZO": "passive piezo with leads", "DOOR": "timed relay module",
        "READER": "reader of cards 13.56 MHz", "CLAMP": "lever clamp, 5 ways",
        "R4K7": "resistors 4.7, 8.2",
    },
    "modules-gate": {
        "INPUT": "relay module 12 V, 4 ways", "CONTACTS": "relay module 12 V, 4 ways",
        "BUTTON": "acknowledge button", "TOWER": "light tower", "JACK": "barrel socket",
        "FUSE": "fuse T1.6A", "CLAMP": "lever clamp, 5 ways", "CLAMP2": "lever clamps, 2 ways",
        "R1K": "resistor 1 kOhm",
    },
    "lamp-post": {
        "BOARD": "ESP32 board with PSRAM", "INPUT": "relay module 12 V, 4 ways",
        "CONTACTS": "relay module 12 V, 4 ways", "BUTTON": "acknowledge button",
        "TOWER": "light tower", "JACK": "barrel socket", "FUSE": "fuse T1.6A",
        "CLAMP": "lever clamp, 5 ways", "R1K": "resistor 1 kOhm",
    },
}  # fmt: skip


def nets(text, energised=()):
    """Sets of wire ends that are connected while the relays in `energised` are energised."""
    joined = [{near_end, far_end.split(" (")[0]} for near_end, far_end, *_ in modules.rows(text)]
    for relay in "1234":
        contact = "NO" if relay in energised else "NC"
        joined.append({f"CONTACTS {relay} COM", f"CONTACTS {relay} {contact}"})
    merged = []
    for ends in joined:
        touching = [group for group in merged if group & ends]
        merged = [group for group in merged if not group & ends] + [ends.union(*touching)]
    return merged


def lit(levels):
    """Lamps of the tower that are lit, given the levels of the Pi's pins."""
    text = WIRING["modules-gate"]
    inputs = {"red": "1", "amber": "2", "green": "3", "siren": "4"}
    wired = {
        name: next(
            far_end.split()[1][2]
            for near_end, far_end, *_ in modules.rows(text)
            if near_end.startswith(f"PI BCM{PINS.gateway['gate1'][pin]}")
        )
        for name, pin in zip(inputs, ("red", "amber", "green", "buzzer"), strict=True)
    }
    assert wired == inputs
    groups = nets(text, {inputs[name] for name, high in levels.items() if high})
    ground = next(net for net in groups if "JACK 0V" in net)
    plus = next(net for net in groups if "JACK +12V" in net)
    assert not ground & plus
    assert "TOWER common + 公共正" in plus
    return {end.split()[1] for end in ground if end.startswith("TOWER")}


def test_a_dead_gateway_shows_amber_and_the_wiring_lets_red_override_green():
    assert lit(dict.fromkeys(("red", "amber", "green", "siren"), False)) == {"amber"}
    for red, amber, green, siren in product((False, True), repeat=4):
        levels = {"red": red, "amber": amber, "green": green, "siren": siren}
        lamps = lit(levels)
        assert ("red" in lamps) == red and ("siren" in lamps) == siren
        assert ("green" in lamps) == (green and not red)
        assert ("amber" in lamps) == (amber or not (red or green))


def test_a_posts_dead_board_is_amber_and_each_output_moves_its_own_lamp():
    text = WIRING["lamp-post"]
    relays = {}
    for relay, use in enumerate(("red", "amber", "green", "door"), 1):
        (far_end,) = {
            far_end
            for near_end, far_end, *_ in modules.rows(text)
            if near_end.startswith(f"BOARD GPIO{PINS.kiosk[use]} ")
        }
        assert far_end.startswith(f"INPUT IN{relay} ")
        relays[use] = str(relay)
    for levels in product((False, True), repeat=4):
        driven = {use for use, high in zip(relays, levels, strict=True) if high}
        joined = nets(text, {relays[use] for use in driven})
        ground = next(net for net in joined if "JACK 0V" in net)
        lamps = {end.split()[1] for end in ground if end.startswith("TOWER")}
        expected = {"siren" if use == "door" else use for use in driven ^ {"amber"}}
        assert lamps == expected
        assert f"BOARD GPIO{PINS.kiosk['reader_tx']} button 按钮" not in ground


def test_each_wire_ends_at_the_tables_pin():
    ends = {near_end for near_end, *_ in modules.rows(WIRING["modules"])}
    for use, number in PINS.kiosk.items():
        word = {"sda": "SDA", "scl": "SCL", "reader_rx": "reader"}.get(use, use)
        if use != "reader_tx":
            assert any(end.startswith(f"BOARD GPIO{number} {word}") for end in ends), use
    sensor = {
        far_end: near_end
        for near_end, far_end, *_ in modules.rows(WIRING["modules"])
        if "SENSOR" in far_end
    }
    assert sensor["SENSOR VIN"] == "BOARD 3V3"  # never 5 V


@pytest.mark.parametrize("name", BOUGHT)
def test_all_that_is_drawn_is_bought_and_on_the_page(name):
    drawn = yaml.safe_load(WIRING[name])["connectors"]
    assert set(drawn) - {"PI"} == set(BOUGHT[name])
    listed = [part for part in LISTED if part.assembly == name]
    for connector, words in BOUGHT[name].items():
        (part,) = [part for part in listed if part.item_en.startswith(words)]
        assert f"| {part.item_en} {part.item_zh} | {part.part_number} |" in PAGE, connector
    low, high = parts.total_cny(LISTED, name)
    assert f"{low:.0f}–{high:.0f} CNY" in PAGE


@pytest.mark.parametrize("name", BOUGHT)
def test_the_page_has_every_wire_of_the_drawing(name):
    for near_end, far_end, mark, metres in modules.rows(WIRING[name]):
        assert f"| {near_end} | {far_end} | {mark} | {metres} |" in PAGE


def test_the_build_of_modules_needs_no_soldering():
    for part in LISTED:
        if part.assembly.startswith("modules"):
            assert "solder" not in part.item_en and ".net" not in part.part_number
    for name in ("GY-906", "SSD1306"):
        (part,) = [
            part for part in LISTED if part.assembly == "modules" and name in part.part_number
        ]
        assert "header fitted" in part.item_en


def test_the_error_at_3_3_volts_follows_from_the_sensors_supply_drift():
    # 0.6 °C for each volt, calibrated at 3.0 V (Melexis 3901090614 rev. 13).
    assert modules.differences(Enclosure().sensor)["supply_c"] == pytest.approx(0.18)
    assert "| 0.18 °C |" in PAGE


def test_the_back_with_slots_prints_and_fits():
    kiosk = Enclosure()
    back = kiosk.back_for_modules
    solid = printable.load_stl(HARDWARE / "enclosure/back-modules.stl")
    assert len(solid.decompose()) == 1 and printable.mesh(solid).is_watertight
    assert printable.thinnest_mm(solid) >= kiosk.print.wall_mm
    assert printable.unsupported_mm2(solid, kiosk.print.overhang_deg) == 0
    for name in ("front", "cell", "mark", "wedge"):
        assert (back.solid ^ kiosk.solid(name)).volume() < 1e-6
