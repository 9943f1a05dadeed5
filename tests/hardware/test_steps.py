"""The step-by-step instructions: every wire and part has its step, and every picture is legible."""

import re
from collections import Counter
from itertools import combinations, pairwise

import msgspec
import pytest
from hardware.bench import PINS, WIRING
from hypothesis import given
from hypothesis import strategies as st
from manifold3d import Manifold
from PIL import ImageFont

from hardware_build import assembly, modules, parts
from hardware_build.drawing import FONT
from hardware_build.enclosure import Enclosure
from hardware_build.errors import HardwareError
from hardware_build.steps import layout, routes, solids, source, wiring
from hardware_build.steps.canvas import Box, Canvas, width
from hardware_build.steps.pages import Book, picture_name
from hardware_build.table import HARDWARE


# A fixture, so that it is released at the end: manifold3d complains of solids that outlive it.
@pytest.fixture(scope="module")
def book():
    return Book(WIRING, parts.load(), Enclosure())


def builds():
    return {name: source.build(name) for name in source.BUILDS}


BUILDS = builds()
STEPS = [(name, step) for name, build in BUILDS.items() for step in build.step]
EACH_STEP = pytest.mark.parametrize(
    ("name", "step"), STEPS, ids=[f"{name}-{step.id}" for name, step in STEPS]
)


def drawings():
    return {name: list(modules.wires(WIRING[name])) for name in ("modules", "modules-gate")} | {
        "lamp-post": list(modules.wires(WIRING["lamp-post"]))
    }


DRAWINGS = drawings()


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_every_wire_of_the_drawing_is_put_in_by_exactly_one_step(drawing):
    put_in = Counter(
        wire
        for _, step in STEPS
        if step.wiring == drawing
        for wire in wiring.wires_of(step, DRAWINGS)
        if wire.metres != "0"
    )
    assert put_in == Counter(DRAWINGS[drawing])
    assert sum(put_in.values()) >= 19


@pytest.mark.parametrize("name", BUILDS)
def test_every_part_of_the_order_is_taken_by_a_step_and_no_other(name, book):
    build = BUILDS[name]
    ordered = {
        (part.assembly, part.item_en) for part in book.listed if part.assembly in build.assemblies
    }
    covered = {
        (part.assembly, part.item_en)
        for step in build.step
        for words in step.takes
        for part in book.listed
        if part.assembly in build.assemblies and part.item_en.startswith(words)
    }
    assert covered == ordered
    items = {part.item_en for step in build.step for part in book.taken(build, step)}
    assert items == {item for _, item in ordered}


def test_a_part_that_nobody_orders_is_named(book):
    step = msgspec.structs.replace(STEPS[0][1], takes=("golden screws",))
    with pytest.raises(HardwareError, match="the order has no golden screws"):
        book.taken(BUILDS["modules"], step)


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_no_screw_has_more_than_two_wires_and_no_pin_or_clamp_more_than_one(drawing):
    wire_counts = Counter()
    for name, step in STEPS:
        if step.wiring == drawing:
            at = BUILDS[name].at.get(drawing, {})
            for wire in wiring.wires_of(step, DRAWINGS):
                for end, key in zip((wire.here, wire.there), routes.keys(wire, at), strict=True):
                    wire_counts[layout_of(end), key] += 1
    for (device, key), wires in wire_counts.items():
        assert wires <= (1 if device in ("PI", "CLAMP", "TOWER", "BUTTON") else 2), (device, key)


def layout_of(end):
    return "RELAY" if end.device in ("INPUT", "CONTACTS") else end.device


def test_the_adapters_screws_are_those_of_the_pins():
    rows = source.devices().adapter
    names = [*rows.upper, *rows.lower]
    assert len(rows.upper) == len(rows.lower) == 22
    assert {str(pin) for pin in PINS.kiosk.values()} <= set(names)
    assert names.count("GND") == 4 and names.count("3V3") == 2 and names.count("5V") == 1


@pytest.mark.parametrize("drawing", ["modules-gate", "lamp-post"])
def test_the_meter_readings_in_the_steps_are_those_of_the_contacts_at_rest(drawing):
    """Without the tower, amber's screw is connected to 0 V and no other lamp's screw is."""
    (step,) = [
        step
        for name, step in STEPS
        if step.picture.kind == "meter"
        and step.picture.on == "relay"
        and (name == "lamp-post") == (drawing == "lamp-post")
    ]
    joined = [{f"RELAY {n} COM", f"RELAY {n} NC"} for n in "1234"]
    for wire in DRAWINGS[drawing]:
        if "TOWER" not in (wire.here.device, wire.there.device) and not wire.via:
            joined.append({screw(wire.here), screw(wire.there)})
    nets = []
    for ends in joined:
        touching = [net for net in nets if net & ends]
        nets = [net for net in nets if not net & ends] + [ends.union(*touching)]
    ground = next(net for net in nets if "JACK 0V" in net)
    rows = source.devices().relay
    lamps = {}
    for measure in step.measure:
        first, second = (
            f"RELAY {(rows.upper if key[0] == 'u' else rows.lower)[int(key[1:]) - 1]}"
            for key in measure.ends
        )
        closed = {first, second} <= ground
        assert closed == measure.want[0].startswith("less than 1"), measure
        lamps[measure.why[0].split()[0]] = closed
    assert {name for name, closed in lamps.items() if closed} == {"amber"}
    assert {"red", "green", "the"} <= set(lamps)


def screw(end):
    if end.device in ("INPUT", "CONTACTS"):
        words = end.label.split()
        return "RELAY " + (" ".join(words[:2]) if end.device == "CONTACTS" else words[0])
    return f"{end.device} {end.label}"


def test_power_comes_after_the_meter_and_the_board_after_the_wires():
    for name, first in (("modules", "meter"), ("lamp-post", "check")):
        ids = [step.id for step in BUILDS[name].step]
        on_adapter = [step.id for step in BUILDS[name].step if step.picture.on == "adapter"]
        assert ids.index("flash") < ids.index(on_adapter[0])
        assert on_adapter[-2:] == [first, "power"]
        order = (
            ["gate-meter", "gate-amber", "gate-pi"]
            if name == "modules"
            else ["meter", "amber", "first"]
        )
        assert all(ids.index(a) < ids.index(b) for a, b in pairwise(order))


@EACH_STEP
def test_each_step_is_said_and_drawn_in_both_languages(name, step, book):
    for language in source.LANGUAGES:
        page = (HARDWARE / f"{name}-steps-{language}.md").read_text(encoding="utf-8")
        alt = book.alt(BUILDS[name], step, language).replace("**", "")
        file = f"pictures/steps/{picture_name(name, step, language)}"
        assert page.count(f"![{alt}]({file})") == 1
        svg = (HARDWARE / file).read_text(encoding="utf-8")
        assert 'role="img"' in svg and '<rect width="760"' in svg  # a background of its own
        assert source.text_in(step.title, language) in svg
        sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', svg)]
        assert min(sizes) >= 10
        for row in book.rows(BUILDS[name], step, language):
            assert f"| {' | '.join(row)} |" in page
        for measure in step.measure:
            assert source.text_in(measure.want, language) in svg
    chinese = re.compile(r"[\u3400-\u9fff]")
    assert not chinese.search(
        source.text_in(step.text, "en").replace("中文", "").replace("读卡器", "")
    )
    assert chinese.search(source.text_in(step.text, "zh"))


@EACH_STEP
def test_no_word_lies_on_another_or_on_a_wire(name, step, book):
    if step.picture.kind == "housing":
        return  # drawn once, by the generator, which itself refuses such texts
    place = BUILDS[name].step.index(step)
    for language in source.LANGUAGES:
        canvas = book.picture(BUILDS[name], place, language)
        assert canvas.clashes() == []
        for box in canvas.texts:
            size = (box.bottom - box.top) / 1.15
            assert ImageFont.truetype(FONT, 100).getlength(box.name) <= 100 / size * (
                box.right - box.left
            )


@EACH_STEP
def test_each_lit_wire_begins_and_ends_at_its_terminals(name, step, book):
    if step.picture.kind != "wires":
        return
    canvas = book.picture(BUILDS[name], BUILDS[name].step.index(step), "en")
    steep = [run for run in canvas.runs if run[0][0] != run[1][0] and run[0][1] != run[1][1]]
    assert all(abs(a[0] - b[0]) < 12 and abs(a[1] - b[1]) < 12 for a, b in steep)
    level = [(*sorted((a[0], b[0])), a[1]) for a, b in canvas.runs if a[1] == b[1] and a[0] != b[0]]
    for (a0, a1, ay), (b0, b1, by) in combinations(level, 2):
        # Two wires on one line would be taken for a single wire.
        assert abs(ay - by) > 8 or a1 <= b0 or b1 <= a0, (ay, by)


boxes = st.tuples(
    *[st.floats(0, 700) for _ in range(2)], *[st.floats(1, 90) for _ in range(2)]
).map(lambda at: Box(at[0], at[1], at[0] + at[2], at[1] + at[3]))


@given(boxes, boxes)
def test_boxes_meet_where_they_have_a_point_in_common(box, other):
    apart = (
        box.right <= other.left
        or other.right <= box.left
        or box.bottom <= other.top
        or other.bottom <= box.top
    )
    assert box.meets(other) == other.meets(box) == (not apart)


def test_texts_that_overlap_or_leave_the_picture_are_reported():
    canvas = Canvas(300, "x")
    canvas.text((20, 40), "first")
    assert canvas.clashes() == []
    canvas.text((30, 44), "second")
    canvas.wire([(0, 100), (200, 100)], "#ff0000")
    canvas.text((50, 104), "third")
    canvas.text((280, 150), "too far to the right")
    assert canvas.clashes() == ["second / first", "third / a wire", "too far to the right / edge"]


@given(st.text(st.sampled_from("aW1测 温"), max_size=12))
def test_a_text_is_given_room_for_each_letter(text):
    assert width(text, 10) >= sum(10 if ord(letter) > 0x3000 else 6 for letter in text) - 1e-6


def test_a_wire_to_one_of_several_screws_without_a_choice_is_refused():
    with pytest.raises(HardwareError, match="expected in `at` one of l22, u1, u21, u22"):
        routes.keys(next(w for w in DRAWINGS["modules"] if w.here.label == "GND"), {})


def test_a_wrong_field_is_named_with_its_file(tmp_path):
    text = (source.FOLDER / "lamp-post.toml").read_text(encoding="utf-8")
    (tmp_path / "lamp-post.toml").write_text(text.replace("takes =", "take ="), encoding="utf-8")
    with pytest.raises(HardwareError, match=r"lamp-post\.toml: .*take"):
        source.build("lamp-post", tmp_path)
    doubled = text.replace('id = "meter"', 'id = "box"')
    (tmp_path / "lamp-post.toml").write_text(doubled, encoding="utf-8")
    with pytest.raises(HardwareError, match="two steps with the id box"):
        source.build("lamp-post", tmp_path)


def test_labels_lose_the_other_language():
    assert layout.in_language("5 common + 公共正", "en") == "5 common +"
    assert layout.in_language("5 common + 公共正", "zh") == "5 公共正"
    assert layout.in_language("+12V", "zh") == "+12V"


def test_what_lies_behind_is_not_drawn():
    cube = Manifold.cube((10, 10, 10), True)
    wall = Manifold.cube((40, 40, 1), True)
    red, grey = (200, 0, 0), (200, 200, 200)
    view = solids.View(20, 15)

    def fills(away):
        pieces = [solids.Piece(wall, grey), solids.Piece(cube.translate((0, 0, away)), red)]
        picture = solids.render(pieces, view, 2)
        return {fill[3:] for _, fill in picture.faces}, len("".join(picture.edges))

    seen, edges = fills(20)
    hidden, fewer = fills(-20)
    assert "0000" in seen and "0000" not in hidden and fewer < edges


def test_the_screws_in_the_wall_are_where_the_keyholes_hang():
    kiosk = Enclosure()
    point = (3.0, -20.0, 7.0)
    wall_point = assembly.from_the_kiosk(kiosk, point)
    assert assembly._from_the_wall(kiosk, wall_point) == pytest.approx(point)
    heights = [
        float(text)
        for text in re.findall(
            r">\d   ([\d.]+) cm<",
            (HARDWARE / "pictures/steps/modules-wall-en.svg").read_text(encoding="utf-8"),
        )
    ]
    first, second, lug = heights
    assert first - second == pytest.approx(4.0, abs=0.11)
    assert second - lug == pytest.approx((87 - 15) / 10, abs=0.11)
    assert first * 10 < kiosk.mount.low_eye_mm
