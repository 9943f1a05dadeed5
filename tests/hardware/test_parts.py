"""The parts list: checked line by line, totalled, and complete for the boards."""

import re

import pytest
from hardware.bench import FIGURES, WIRING, board

from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD
from hardware_build import electrical, optics, parts
from hardware_build.errors import HardwareError

LISTED = parts.load()


def test_every_part_has_two_sources_and_a_dated_price():
    for part in LISTED:
        assert part.source_1 != part.source_2 and part.part_number
        assert 0 < part.low_cny <= part.high_cny
        assert re.fullmatch(r"20\d\d-\d\d", part.dated) and part.basis == "estimate"


@pytest.mark.parametrize("assembly", ["kiosk", "gateway"])
def test_the_table_shows_the_sum_of_its_rows(assembly):
    table = (parts.TABLE.parent / "parts.md").read_text()
    section = table.split(f"## {assembly} ")[1].split("\n## ")[0]
    rows = re.findall(
        r"\| ([\d.]+) \| ([\d.]+)–([\d.]+) \| [\d-]+ estimate \| [^|]+ \|  \|", section
    )
    assert len(rows) > 10
    low, high = (sum(float(row[0]) * float(row[n]) for row in rows) for n in (1, 2))
    assert f"合计: {low:.0f}–{high:.0f} CNY" in section
    assert (low, high) == pytest.approx(parts.total_cny(LISTED, assembly))


def test_each_fuse_that_is_drawn_is_bought_with_its_in_line_holder():
    for assembly, drawn in (("kiosk", "kiosk"), ("gateway", "gateway-gate1")):
        (rating,) = re.findall(r"fuse 保险丝 (T[\d.]+A)", WIRING[drawn])
        bought = [part for part in LISTED if part.assembly == assembly]
        assert [rating in part.part_number for part in bought].count(True) == 1
        assert any("holder in line" in part.item_en for part in bought)
    fuse_a = electrical.read(electrical.TABLE).value(float, "gate_output", "fuse_a")
    assert f"T{fuse_a:g}A" in WIRING["gateway-gate1"]


def test_the_readme_says_the_same_price():
    low, high = (round(price, -1) for price in parts.total_cny(LISTED, "kiosk"))
    readme = (parts.TABLE.parent.parent / "README.md").read_text()
    assert f"{low:.0f} to {high:.0f} yuan" in readme


def test_the_total_price_leaves_out_alternatives_to_the_default_parts():
    low, _ = parts.total_cny(LISTED, "kiosk")
    default = [part for part in LISTED if part.assembly == "kiosk" and part.choice == "default"]
    assert low == pytest.approx(sum(part.quantity * part.low_cny for part in default))
    assert sum(part.sensor != "" for part in default) == 1


def test_the_parts_list_has_the_boards_of_the_table_with_the_default_first():
    listed = [part for part in LISTED if part.item_en.startswith("microcontroller board")]
    titles = [model.title for model in BOARDS.values()]
    assert [part.choice for part in listed] == ["default", *["instead"] * (len(titles) - 1)]
    assert BOARDS[DEFAULT_BOARD].title == listed[0].part_number
    for part, title in zip(listed, titles, strict=True):
        assert title.split(" ")[0] == part.part_number
    table = (parts.TABLE.parent / "parts.md").read_text()
    assert all(part.part_number in table for part in listed)


def test_each_sensors_accuracy_is_the_optics():
    table = (parts.TABLE.parent / "parts.md").read_text()
    supply = next(part.value for part in FIGURES if part.english == electrical.SUPPLY)
    _, face = optics.load()
    for part in LISTED:
        if part.sensor:
            sensor = optics.find(part.sensor)
            error_c = optics.view(sensor, 100, face)["soft"]["site_error_c"]
            row = next(
                line for line in table.splitlines() if f"{part.part_number}" in line and "±" in line
            )
            assert f"| {error_c:+.2f} |" in row
            assert f"{error_c - sensor.tolerance_c - supply:+.2f} to " in row
    assert {"DCI", "BCC"} <= {part.sensor for part in LISTED}


@pytest.mark.parametrize(("name", "assembly"), [("carrier", "kiosk"), ("gate", "gateway")])
def test_all_that_is_on_a_board_is_bought(name, assembly):
    netlist = board(name)
    bought = [part for part in LISTED if part.assembly == assembly and part.choice != "instead"]
    for kind, sort in netlist.kinds.items():
        count = sum(part["kind"] == kind for part in netlist.parts.values())
        words = {
            "R": "resistor", "C": "capacitor X7R", "D": "diode signal", "DR": "diode rectifier",
            "TVS": "surge diode", "CP": "uF 16 V" if name == "carrier" else "uF 25 V",
        }.get(kind)  # fmt: skip
        if words:
            listed = sum(
                part.quantity
                for part in bought
                if words in part.item_en and not part.item_en.startswith("desk")
            )
            listed -= (name, kind) == ("carrier", "DR")  # the second is at the lock
        elif kind == "POWER":
            listed = sum(part.quantity for part in bought if "barrel jack" in part.item_en)
        elif kind in ("LDO", "ULN2803A", "NMOS", "NPN", "RELAY", "OPTO", "MLX90614"):
            listed = sum(part.quantity for part in bought if part.part_number.startswith(sort.name))
        else:
            continue
        assert listed == count, kind


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
("estimate,Melexis 3901090614 rev. 13,def", "estimate,,def", "sheet: Expected `str`"),
        ("Mouser,1,240,420", "Mouser,0,240,420", "line 2, quantity: Expected `float` > 0"),
        ("Mouser,1,240,420", "Mouser,1,420,240", "line 2, high_cny: expected at least 420"),
        ("Mouser,1,240,420", "Mouser,1,1e9,2e9", "low_cny: Expected `float` <"),
        ("DigiKey,Mouser,1,240", "Mouser,Mouser,1,240", "another source"),
        ("2026-11,estimate,Mel", "soon,estimate,Mel", "dated: Expected"),
        ("default,DCI", "default,DCX", "sensors.toml"),
        ("default,DCI", "perhaps,DCI", "choice"),
        ("2026-11,estimate,Melexis 3901090614 rev. 13,default,DCI", "2026-11,estimate", "columns"),
        ("assembly,item_en", "item_en,assembly", "line 1"),
        ("kiosk,infrared", "kisok,infrared", "assembly"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named(tmp_path, old, new, said):
    path = tmp_path / "parts.csv"
    text = parts.TABLE.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(HardwareError, match=said):
        parts.load(path)
