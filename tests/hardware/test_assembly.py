"""The housing can be put together in the order that the page gives: each tool reaches its screw."""

from dataclasses import replace

import pytest
from manifold3d import Manifold

from hardware_build import assembly, parts
from hardware_build.enclosure import HEAD_MM, KEYHOLES_MM, SHANK_MM, Enclosure


# A fixture, so that it is released at the end: manifold3d complains of solids that outlive it.
@pytest.fixture(scope="module")
def kiosk():
    return Enclosure()


def blocked(kiosk):
    return {
        step.english: sorted({name for _, name in assembly.in_the_way(kiosk, step)})
        for step in assembly.steps(kiosk)
        if assembly.in_the_way(kiosk, step)
    }


def test_each_tool_of_each_step_reaches_its_screw(kiosk):
    assert blocked(kiosk) == {}
    assert sum(len(step.tools) for step in assembly.steps(kiosk)) == 17


def test_nothing_that_is_there_fills_anothers_place(kiosk):
    last = assembly.steps(kiosk)[-1]
    bodies = {name: assembly.there(kiosk, name) for name in last.there}
    for n, (name, body) in enumerate(bodies.items()):
        for other in list(bodies)[:n]:
            assert (body ^ bodies[other]).volume() < 1e-3, (name, other)


def test_the_corners_cannot_be_reached_once_it_hangs(kiosk):
    """An earlier housing failed here: the screws of wall, wedge and back could each be reached only
    with the others undone."""
    corners = assembly.steps(kiosk)[5]
    hung = replace(corners, there=(*corners.there, "wall"))
    assert {name for _, name in assembly.in_the_way(kiosk, hung)} == {"wall"}
    # Nor can the wedge's screws be reached once the front is on.
    wedge = assembly.steps(kiosk)[2]
    closed = replace(wedge, there=(*wedge.there, "front", "carrier"))
    assert assembly.in_the_way(kiosk, closed)


def test_a_wider_wedge_is_found_in_the_way_of_the_screws(kiosk, monkeypatch):
    wide = assembly.there(kiosk, "wedge").scale((1.4, 1.5, 1))
    monkeypatch.setattr(Enclosure, "solid", lambda self, name: wide)
    corners = replace(assembly.steps(kiosk)[5], there=("wedge",))
    assert assembly.in_the_way(kiosk, corners)


def test_it_hangs_on_its_screws_and_does_not_slip_off(kiosk):
    wedge = next(part.solid for part in kiosk.parts if part.name == "wedge")

    def fits(radius, x, y):

        rod = Manifold.cylinder(6, radius, radius, 24).translate((x, y, -1))
        return (wedge ^ rod).volume() < 1e-6

    for y in KEYHOLES_MM:
        assert fits(4.2, 0, y - 5)  # the head goes in
        assert fits(2.0, 0, y + 5) and not fits(4.2, 0, y + 5)  # and rests above
    assert SHANK_MM < HEAD_MM


@pytest.mark.parametrize(
    ("words", "screws"), [("M3x10 and M3 nut", 2), ("M3x10 PA", 8), ("M3x8 PA", 4), ("4x40", 3)]
)
def test_the_screws_that_the_steps_need_are_bought(words, screws):
    bought = [
        part
        for part in parts.load()
        if part.assembly == "kiosk" and part.part_number.startswith(words)
    ]
    assert [part.quantity for part in bought] == [screws]


def test_the_hole_for_a_self_tapping_screw_is_narrower_than_the_screw(kiosk):
    """Self-tapping screws of 3 mm in holes of 3.4 mm held nothing."""
    for (x, y), name, z in (
        *(((at), "back", -kiosk.box.depth_mm + 2) for at in kiosk.carrier_screws()),
        *(((at), "front", -kiosk.box.depth_mm + 2) for at in kiosk.corners()),
    ):

        def cut(radius, x=x, y=y, name=name, z=z):
            rod = Manifold.cylinder(2, radius, radius, 24).translate((x, y, z))
            return (kiosk.solid(name) ^ rod).volume()

        assert cut(1.2) < 1e-6 < cut(1.5)
