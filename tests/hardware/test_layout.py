"""The carrier's stored layout agrees with the netlist and with the housing. Only one test needs
KiCad."""

import hashlib
import io
import re
import shutil
from dataclasses import replace
from functools import cache
from itertools import combinations

import pytest
from PIL import Image
from shapely import LinearRing, LineString, Point

from hardware_build.enclosure import Enclosure
from hardware_build.errors import HardwareError
from hardware_build.layout import ORIGIN_MM, finished, making, page, plan
from hardware_build.layout.copper import Pad, Track, Via

PLAN = plan.load()
BOARD = finished.load(page.BOARD)


def copper(board):
    """Each pad, track and via as (net, layers, x1, y1, x2, y2, half its width, the object)."""
    for pad in board.pads:
        half = min(pad.wide, pad.high) / 2
        dx, dy = pad.wide / 2 - half, pad.high / 2 - half
        line = (pad.x - dx, pad.y - dy, pad.x + dx, pad.y + dy)
        yield pad.net, set(pad.layers), *line, half, pad
    for track in board.tracks:
        ends = (track.x1, track.y1, track.x2, track.y2)
        yield track.net, {track.layer}, *ends, track.width / 2, track
    for via in board.vias:
        yield via.net, {0, 1}, via.x, via.y, via.x, via.y, PLAN.rules.via / 2, via


@cache
def line(x1, y1, x2, y2):
    return LineString([(x1, y1), (x2, y2)])


def between(shape, other):
    """Distance of the edges of two pieces of copper; below 0 they touch."""
    return line(*shape[2:6]).distance(line(*other[2:6])) - shape[6] - other[6]


def pieces(board):
    """For each net its connected pieces of copper, by number, and the pads of each piece."""
    shapes = [shape for shape in copper(board) if shape[0]]
    above = list(range(len(shapes)))

    def top(number):
        while above[number] != number:
            number = above[number]
        return number

    for first, second in combinations(range(len(shapes)), 2):
        a, b = shapes[first], shapes[second]
        if a[0] == b[0] and a[1] & b[1] and between(a, b) < -0.05:
            above[top(first)] = top(second)
    # A pour joins the copper that its outline crosses: its spokes end within a pad or go through.
    for layer, net, outline in board.pours:
        edge = LinearRing(outline)
        reached = [
            number
            for number, shape in enumerate(shapes)
            if shape[0] == net and layer in shape[1] and edge.distance(line(*shape[2:6])) < shape[6]
        ]
        for number in reached[1:]:
            above[top(number)] = top(reached[0])
    pads = {}
    for number, shape in enumerate(shapes):
        if isinstance(shape[7], Pad):
            pads.setdefault(shape[0], {}).setdefault(top(number), []).append(shape[7])
    return pads


def test_the_board_has_the_parts_of_the_netlist_and_each_pad_its_net():
    assert set(BOARD.parts) == set(PLAN.parts)
    for name, part in PLAN.parts.items():
        assert BOARD.parts[name] == (part.footprint, part.value)
        drawn = {pad.number: pad.net for pad in BOARD.pads if pad.part == name and pad.net}
        assert drawn == part.pads, name
    assert (
        BOARD.digest == hashlib.sha256((page.BOARD.parent / "carrier.net").read_bytes()).hexdigest()
    )
    assert page.outdated(PLAN) == []


def test_a_board_of_another_netlist_is_told():
    (line,) = page.outdated(replace(PLAN, digest="0" * 64))
    assert line.startswith("circuit/carrier.kicad_pcb: laid out from another netlist")


def test_every_net_is_one_piece_of_copper():
    joined = pieces(BOARD)
    assert set(joined) == set(PLAN.nets)
    assert {net: len(groups) for net, groups in joined.items() if len(groups) != 1} == {}


@pytest.mark.parametrize("what", ["track", "via", "pour"])
def test_copper_that_is_missing_leaves_a_net_in_two(what):
    changes = {
        "track": {"tracks": [track for track in BOARD.tracks if track != BOARD.tracks[0]]},
        "via": {"vias": BOARD.vias[1:]},
        "pour": {"pours": []},
    }[what]
    net = {"track": BOARD.tracks[0], "via": BOARD.vias[0], "pour": Via(PLAN.pour_net, 0, 0)}[
        what
    ].net
    assert len(pieces(replace(BOARD, **changes))[net]) > 1


def test_nets_keep_their_distance_by_a_second_calculation():
    """A pad is treated as the circle or line inscribed in it; KiCad checks the corners."""
    near = []
    for shape, other in combinations(copper(BOARD), 2):
        if shape[0] == other[0] or not shape[1] & other[1]:
            continue
        clearance = max(
            PLAN.rules.clearances.get(net, PLAN.rules.clearance) for net in (shape[0], other[0])
        )
        if between(shape, other) < clearance - 0.001:
            near.append((shape[7], other[7]))
    assert near == []


def test_the_lock_keeps_away_from_the_pour_too():
    """The limit is 1.45 mm instead of 1.5 mm, because KiCad draws round corners as polygons."""
    lock = [shape for shape in copper(BOARD) if shape[0] in PLAN.rules.clearances]
    lock += [shape for shape in copper(BOARD) if getattr(shape[7], "clearance", 0)]
    assert len(lock) > 6
    for shape in lock:
        for layer, _, outline in BOARD.pours:
            if layer in shape[1]:
                near = LinearRing(outline).distance(line(*shape[2:6])) - shape[6]
                assert near > 1.45, shape[7]


def test_tracks_are_as_wide_as_their_current_asks():
    for track in BOARD.tracks:
        assert track.width == PLAN.rules.width(track.net)
    assert set(PLAN.currents) == set(PLAN.rules.widths)
    for net, most in PLAN.currents.items():
        assert page.ampere(PLAN.rules.width(net)) >= most, net


def test_it_fits_the_housings_posts_and_leaves_its_screws_free():
    kiosk = Enclosure()
    inside = kiosk.inside
    assert BOARD.size == (inside.carrier_w_mm, inside.carrier_h_mm)
    left, top = -inside.carrier_w_mm / 2, inside.carrier_mm + inside.carrier_h_mm / 2
    assert sorted((x + left, top - y) for x, y, _ in BOARD.holes) == sorted(kiosk.carrier_screws())
    assert {size for *_, size in BOARD.holes} == {3.2}
    for x, y, _ in BOARD.holes:
        for shape in copper(BOARD):
            assert line(*shape[2:6]).distance(Point(x, y)) - shape[6] > 3.3, shape[7]


def holes(drill):
    """Each hole of a drill file: x, y (down) and diameter, mm."""
    tools = {name: float(size) for name, size in re.findall(r"^(T\d+)C([\d.]+)$", drill, re.M)}
    size = 0.0
    for text in drill.splitlines():
        size = tools.get(text, size)
        if place := re.fullmatch(r"X(-?[\d.]+)Y(-?[\d.]+)", text):
            yield float(place[1]), -float(place[2]), size


def test_gerber_files_have_the_holes_of_the_board_and_all_layers():
    names = {path.name for path in page.GERBER.iterdir()}
    layers = ("F_Cu", "B_Cu", "F_Mask", "B_Mask", "F_Silkscreen", "F_Paste", "Edge_Cuts")
    assert names == {f"carrier-{layer}.gbr" for layer in layers} | {
        "carrier-PTH.drl", "carrier-NPTH.drl"
    }  # fmt: skip
    drilled = {
        name: sorted(
            (round(x - ORIGIN_MM, 2), round(y - ORIGIN_MM, 2), size)
            for x, y, size in holes((page.GERBER / f"carrier-{name}.drl").read_text())
        )
        for name in ("PTH", "NPTH")
    }
    plated = [(pad.x, pad.y, pad.drill) for pad in BOARD.pads if pad.drill]
    plated += [(via.x, via.y, PLAN.rules.via_drill) for via in BOARD.vias]
    assert drilled["PTH"] == sorted((round(x, 2), round(y, 2), size) for x, y, size in plated)
    assert drilled["NPTH"] == sorted((round(x, 2), round(y, 2), size) for x, y, size in BOARD.holes)
    for side, layer in (("F", 0), ("B", 1)):
        text = (page.GERBER / f"carrier-{side}_Cu.gbr").read_text()
        assert text.count("\nG36*") == sum(1 for pour in BOARD.pours if pour[0] == layer) > 0
        for track in BOARD.tracks:
            if track.layer == layer:
                end = f"X{round((track.x2 + 100) * 1e6)}Y-{round((track.y2 + 100) * 1e6)}D01*"
                assert end in text, track


def test_the_picture_is_of_this_board():
    image = Image.open(io.BytesIO(page.PICTURE.read_bytes()))
    assert image.info["fevergate-source"] == hashlib.sha256(page.BOARD.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("R16 = [35.3, 31.8, 0]\n", "", r"R16: expected once, in \[places\] or in \[off_board\]"),
        (
            "R16 = [35.3, 31.8, 0]",
            "R16 = [35.3, 31.8]",
            r"line \d+.*R16: Expected `array` of length 3",
        ),
        ("R16 = [35.3, 31.8, 0]", "R17 = [35.3, 31.8, 0]", r"R16: expected once"),
        ("COIL = 0.5", "COYL = 0.5", r"line \d+.*COYL: expected a net of the netlist"),
        ("clearance_mm = 0.2\n", "clearance_mm = 20\n", r"clearance_mm: Expected `float` <= 5"),
        (
            'netlist = "carrier.net"',
            'netlist = "carier.net"',
            r"line \d+.*expected a netlist beside",
        ),
    ],
)
def test_a_table_that_is_wrong_is_told_by_line(tmp_path, old, new, said):
    text = plan.TABLE.read_text()
    assert text.count(old) == 1
    (tmp_path / "layout.toml").write_text(text.replace(old, new))
    shutil.copy(plan.TABLE.with_name("carrier.net"), tmp_path)
    with pytest.raises(HardwareError, match=said):
        plan.load(tmp_path / "layout.toml")


def test_parts_in_each_others_room_are_told():
    rooms = {
        "R1": (10.0, 10.0, 20.0, 13.0),
        "R2": (19.0, 12.0, 30.0, 15.0),
        "R3": (0.0, 0.0, 9.0, 9.0),
        "R4": (90.0, 20.0, 96.0, 24.0),
    }
    assert plan.crowded(PLAN, rooms) == [
        "R1 stands in the room of R2",
        "R3 stands in the room of screw at 4, 4",
        "R4 leaves the board",
    ]


def test_kicad_itself_finds_no_fault(tmp_path):
    """KiCad's rule check and connectivity check find nothing; with a track removed and pads
    widened, they do."""
    if not making.has_kicad():
        pytest.skip("KiCad 6 is not installed: apt install kicad kicad-footprints")
    for name in ("carrier.kicad_pcb", "carrier.kicad_pro"):
        shutil.copy(page.BOARD.with_name(name), tmp_path)
    good = making.check(tmp_path, "carrier")
    assert (good.unconnected, good.errors, good.warnings) == (0, [], [])
    path = tmp_path / "carrier.kicad_pcb"
    text = path.read_text()
    track = next(
        segment for segment in re.findall(r"\n  \(segment .*", text) if "(width 1)" in segment
    )
    path.write_text(text.replace(track, "").replace("(size 2.4 2.4)", "(size 3.4 2.4)"))
    bad = making.check(tmp_path, "carrier")
    assert bad.unconnected > 0 and any("[clearance]" in error for error in bad.errors)
    assert isinstance(BOARD.tracks[0], Track)
