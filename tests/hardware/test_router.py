"""The router joins every net, crosses no other, keeps the distances, and names a net that it cannot
route."""

from itertools import combinations

import pytest
from hardware.test_layout import between
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware_build.errors import UnroutedError
from hardware_build.layout.copper import Board, Pad, Rules
from hardware_build.layout.router import Router

RULES = Rules(0.25, 0.2, 0.8, 0.4, 0.5, {"WIDE": 0.8, "ALSO": 0.8}, {"FAR": 1.0})


def pad(net, x, y, layers=(0, 1)):
    return Pad("P", "1", net, x, y, 1.6, 1.6, 0.8, True, layers)


def board(pads, wide=16.0, high=12.0, holes=()):
    nets = sorted({pad.net for pad in pads if pad.net})
    return Board(wide, high, pads, list(holes), RULES, nets)


def lines(given_board, tracks, vias):
    yield from (
        (pad.net, set(pad.layers), pad.x, pad.y, pad.x, pad.y, pad.wide / 2)
        for pad in given_board.pads
    )
    for track in tracks:
        ends = (track.x1, track.y1, track.x2, track.y2)
        yield track.net, {track.layer}, *ends, track.width / 2
    for via in vias:
        yield via.net, {0, 1}, via.x, via.y, via.x, via.y, RULES.via / 2


def joined(net, shapes):
    """Whether all copper of a net is one piece."""
    own = [shape for shape in shapes if shape[0] == net]
    piece, remaining = own[:1], own[1:]
    while touching := [
        shape
        for shape in remaining
        if any(shape[1] & other[1] and between(shape, other) < -0.05 for other in piece)
    ]:
        piece += touching
        remaining = [shape for shape in remaining if shape not in touching]
    return not remaining


def wrong(given_board, tracks, vias):
    """Nets that are not joined, and pairs of nets that are too near."""
    shapes = list(lines(given_board, tracks, vias))
    apart = {net for net in given_board.nets if not joined(net, shapes)}
    near = {
        (shape[0], other[0])
        for shape, other in combinations(shapes, 2)
        if shape[0] != other[0]
        and shape[1] & other[1]
        and between(shape, other) < (1.0 if "FAR" in (shape[0], other[0]) else 0.2) - 1e-3
    }  # fmt: skip
    return apart, near


PLACES = [(2.0 + 3 * n % 15, 2.0 + 3 * (n // 5)) for n in range(15) if n != 7]


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.permutations(PLACES), st.lists(st.sampled_from("ABC"), min_size=4, max_size=8))
def test_any_board_with_room_is_routed_without_a_fault(places, names):
    given_board = board([pad(net, *place) for net, place in zip(names, places, strict=False)])
    try:
        tracks, vias = Router(given_board).route()
    except UnroutedError as error:
        assert error.net in names
        return
    assert wrong(given_board, tracks, vias) == (set(), set())
    assert Router(given_board).route() == (tracks, vias)


def test_nets_that_cross_use_both_sides():
    pads = [pad("A", 2, 6), pad("A", 14, 6), pad("B", 8, 2), pad("B", 8, 10)]
    given_board = board(pads)
    tracks, vias = Router(given_board).route()
    assert wrong(given_board, tracks, vias) == (set(), set())
    assert {track.layer for track in tracks} == {0, 1}


def test_a_net_in_the_way_is_taken_out_and_routed_again():
    """Net A, routed first, takes the wide gap. The two wide nets need that gap, one on each side of
    the board."""
    fence = [pad("", 8, y) for y in (0.8, 2.0, 3.2, 4.4, 7.6, 8.8, 11.2)]
    pads = [pad(net, x, y) for net, y in (("A", 6), ("ALSO", 4), ("WIDE", 8)) for x in (2, 14)]
    given_board = board([*pads, *fence])
    tracks, vias = Router(given_board).route()
    assert wrong(given_board, tracks, vias) == (set(), set())
    assert max(track.y2 for track in tracks if track.net == "A") > 9.6


def test_wide_nets_are_wide_and_far_nets_far():
    pads = [
        pad("WIDE", 2, 2),
        pad("WIDE", 14, 2),
        pad("FAR", 2, 6),
        pad("FAR", 14, 6),
        pad("A", 2, 9),
    ]
    given_board = board([*pads, pad("A", 14, 9)])
    tracks, vias = Router(given_board).route()
    assert wrong(given_board, tracks, vias) == (set(), set())
    assert {track.width for track in tracks if track.net == "WIDE"} == {0.8}


def test_a_net_without_a_way_is_named():
    fence = [pad("", 8, y) for y in (1.2, 2.4, 3.6, 4.8, 6.0, 7.2, 8.4, 9.6, 10.8)]
    with pytest.raises(UnroutedError, match="net A"):
        Router(board([pad("A", 2, 6), pad("A", 14, 6), *fence])).route()


def test_screws_are_gone_around():
    given_board = board([pad("A", 2, 6), pad("A", 14, 6)], holes=[(8, 6, 2.5)])
    tracks, vias = Router(given_board).route()
    screw = ("", {0, 1}, 8, 6, 8, 6, 2.5)
    assert min(between(screw, shape) for shape in lines(given_board, tracks, vias)) >= -1e-3
