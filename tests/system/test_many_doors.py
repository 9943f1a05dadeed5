"""Sites with doors of every kind, as `tools/demo --doors` plays them with twenty doors."""

from kiosk_helpers import changed
from rich.console import Console

from demonstration import post_light
from demonstration.arguments import LEAST_DOORS, MOST_DOORS
from demonstration.door_figures import DoorFigures
from demonstration.doors import AMBER_S, Doors, real_doors
from harness.door_site import Door, DoorSite, gateways

DOORS = [Door("gate-1", "pins"), Door("hall-1", "post"), Door("door-1", "none", "hall-1")]


def test_twenty_doors_are_three_on_pins_five_posts_and_twelve_without():
    east, west = gateways(20)
    kinds = [door.kind for door in east + west]
    assert [kinds.count(kind) for kind in ("pins", "post", "none")] == [3, 5, 12]
    assert len(set(east + west)) == 20
    for site in (east, west):
        on_pins = {door.name for door in site if door.kind == "pins"}
        assert 1 <= len(on_pins) <= 2  # a Raspberry Pi has two sets of pins
        lit = {door.name for door in site if door.kind != "none"}
        assert {door.watched_by for door in site if door.kind == "none"} == lit
        assert len({door.kind for door in site if door.name in real_doors([east, west])}) == 3


def test_of_any_number_of_doors_each_red_is_shown_somewhere():
    for doors in range(LEAST_DOORS, MOST_DOORS + 1):
        sites = gateways(doors)
        assert sum(map(len, sites)) == doors and len(sites) <= 2
        for site in sites:
            names = {door.name for door in site if door.kind != "none"}
            assert all(door.watched_by in names for door in site if door.kind == "none")


def test_a_fever_goes_from_kiosk_to_tower_and_the_press_back_to_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr(post_light, "SAMPLES", 2)
    figures = DoorFigures(3, 1, 1, 1, 1, real_kiosks=1)
    site = DoorSite(tmp_path / "site", "east", DOORS, real=["hall-1"], speed=8, seed=1)
    # A lost connection is noticed after one and a half keep-alives: else that would be 45 s.
    changed(
        site.boards["hall-1"], "kiosk/mqtt_link.py", ("_KEEP_ALIVE_S = 30", "_KEEP_ALIVE_S = 2")
    )
    with site:
        Doors([site], figures, Console(quiet=True)).play(seed=1)
    assert not figures.failed, figures
    assert figures.fevers == figures.shown == figures.acknowledged == 3
    assert figures.own_red == 1 and figures.readings >= 15
    assert figures.post_lights == 2 and 0 < figures.cut_amber_s < AMBER_S
    assert figures.kiosk_cut_amber_s > 0
    assert not [note for note in figures.notes if "busy" not in note]
