"""The housing: no part is in the sensor's view, the measured spot lies on the inner corner of the
eye, and each part can be printed."""

from math import atan2, degrees, radians, tan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware_build import boards, measures, optics, printable
from hardware_build.enclosure import Enclosure
from hardware_build.errors import HardwareError
from hardware_build.table import Table, read

PARTS = ("front", "cell", "mark", "back", "wedge")


# A fixture, so that it is released at the end: manifold3d complains of solids that outlive it.
@pytest.fixture(scope="module")
def kiosk():
    return Enclosure()


@pytest.fixture
def solids(kiosk):
    return {part.name: part.solid for part in kiosk.parts}


def table(**changes):
    """The table of measures with some figures changed, e.g. box__wall_mm=3."""
    read_in = read(measures.TABLE)
    data = {group: dict(values) for group, values in read_in.data.items()}
    for key, value in changes.items():
        group, name = key.split("__")
        data[group][name] = value
    return Table(read_in.path, read_in.text, data)


def test_no_wall_enters_the_view(kiosk):
    assert (kiosk.whole ^ kiosk.view_cone).volume() == 0


def test_a_wall_in_the_view_would_be_seen(kiosk, solids):
    hood = solids["cell"].scale((0.3, 0.3, 1)).translate((0, 0.7 * kiosk.box.axis_mm, 0))
    assert (hood ^ kiosk.view_cone).volume() > 1


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(optics.load()[0])),
    st.floats(40, 300),
    st.floats(1.5, 4),
    st.floats(3, 30),
)
def test_whatever_sensor_and_distance_no_wall_enters_the_view_or_it_is_refused(
    part, away, clear, hood
):
    changes = {"view__distance_mm": away, "view__clear": clear, "view__hood_mm": hood}
    try:
        housing = Enclosure(table(**changes), part)
    except HardwareError:
        return
    assert (housing.whole ^ housing.view_cone).volume() < 1e-6


def test_a_view_too_wide_for_any_hood_is_refused():
    with pytest.raises(HardwareError, match="sees 90°"):
        Enclosure(part="BAA")


def test_the_eye_that_looks_into_the_mark_has_its_inner_corner_on_the_axis(kiosk):
    away, face = kiosk.view.distance_mm, kiosk.face
    # The mirror's normal meets the pupil; the corner of the eye is beside the pupil, on the axis.
    pupil = kiosk.mark.aside_mm - away * tan(radians(kiosk.mirror_turn_deg))
    assert pupil == pytest.approx(face.aside_mm, abs=0.1)


def test_an_eye_that_misses_the_axis_by_its_own_width_does_not_see_itself(kiosk):
    # A person stops on seeing the own pupil, which shows as long as it is no farther off the
    # mirror's normal than the mirror is wide. So the warm patch must be wider than the mirror.
    assert kiosk.mark.mirror_mm <= 0.8 * kiosk.face.site_mm


def test_the_mirrors_pocket_is_turned_by_the_mirrors_angle(kiosk, solids):
    body = printable.mesh(solids["mark"])
    flat = (body.face_normals[:, 2] > 0.9) & (body.face_normals[:, 0] < -0.05)
    normal = body.face_normals[flat][body.area_faces[flat].argmax()]
    assert degrees(atan2(-normal[0], normal[2])) == pytest.approx(kiosk.mirror_turn_deg, abs=0.1)


def test_the_hood_does_not_hide_the_eye_from_the_mark(kiosk):
    away = kiosk.view.distance_mm
    at_rim = (kiosk.hood_long_mm - 2) / away
    ray = kiosk.mark.aside_mm + at_rim * (kiosk.face.aside_mm - kiosk.mark.aside_mm)
    assert ray - kiosk.mark.mirror_mm / 2 > kiosk.hood_radius_mm


def test_the_kiosk_hangs_low_enough_for_the_smallest_people(kiosk):
    figures = kiosk.figures()
    eye = figures["axis_high_mm"] + figures["distance_mm"] * 0.2588  # sin 15°
    assert kiosk.mount.tilt_deg == 15
    assert eye == pytest.approx(kiosk.mount.low_eye_mm + kiosk.mount.shoes_mm, abs=0.1)


def test_the_wedge_makes_the_kiosk_look_up_by_its_tilt(kiosk, solids):
    wedge = solids["wedge"]

    def deep(y):
        _, _, _, _, _, high = (
            wedge.trim_by_plane((0, 1, 0), y).trim_by_plane((0, -1, 0), -y - 0.5).bounding_box()
        )
        return high

    assert degrees(atan2(deep(-46) - deep(46), 92)) == pytest.approx(kiosk.mount.tilt_deg, abs=0.3)


def test_no_two_parts_fill_one_place(kiosk):
    fixed = [part for part in kiosk.parts if part.name != "wedge"]
    for n, part in enumerate(fixed):
        for other in fixed[:n]:
            assert (part.solid ^ other.solid).volume() < 1e-6, (part.name, other.name)


@pytest.mark.parametrize("name", boards.load().models)
def test_each_board_has_room_below_the_divider(kiosk, name):
    length, width = boards.load().outlines_mm[name]
    assert length <= kiosk.inside.board_long_mm and width <= kiosk.inside.board_wide_mm
    assert kiosk.inside.board_wide_mm - width < 3  # a narrower board would slide about


def test_the_can_hangs_on_spokes_with_air_around(kiosk, solids):
    figures = kiosk.figures()
    assert figures["spokes_k_per_w"] > 5 * figures["solid_k_per_w"]
    # Between two spokes a ray from the collar outwards meets only air across the whole gap.
    cell = solids["cell"].translate((0, -kiosk.box.axis_mm, 0))
    outer = kiosk.can_radius_mm + kiosk.cell.collar_mm
    z = -kiosk.box.wall_mm - 1
    gap = [hit.distance for hit in cell.ray_cast((outer + 0.05, 0, z), (outer + 30, 0, z))]
    assert 30 * gap[0] >= kiosk.cell.gap_mm - 0.2


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_one_closed_body_that_prints_without_supports(name, kiosk):
    path = measures.TABLE.parent / "enclosure" / f"{name}.stl"
    assert path.stat().st_size < 300_000
    solid = printable.load_stl(path)
    assert printable.mesh(solid).is_watertight
    assert len(solid.decompose()) == 1
    assert solid.bounding_box()[2] == pytest.approx(0, abs=1e-4)
    assert printable.thinnest_mm(solid) >= kiosk.print.wall_mm
    assert printable.unsupported_mm2(solid, kiosk.print.overhang_deg) == 0


def test_the_checks_find_what_cannot_be_printed(solids):
    front = solids["front"]
    assert printable.unsupported_mm2(front.translate((0, 0, 60)), 46) > 1000
    thin = Enclosure(table(box__wall_mm=1.2)).parts[0].printed
    assert printable.thinnest_mm(thin) < 1.21
    with pytest.raises(HardwareError, match=r"no STL|no closed body"):
        printable.parsed(b"solid nothing\nendsolid\n")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"box__wall_mm": 0}, r"\[box\] wall_mm: Expected `float` >= 1.2"),
        ({"view__distance_mm": "far"}, "distance_mm: Expected `float`"),
        ({"mark__aside_mm": 20}, "within the hood"),
        ({"mark__aside_mm": 45}, "outside the box"),
        ({"box__axis_mm": 70}, "axis_mm: expected"),
        ({"view__part": 5}, "part: Expected `str`"),
    ],
)
def test_a_measure_that_cannot_be_is_refused(changes, said):
    with pytest.raises(HardwareError, match=said):
        Enclosure(table(**changes))
