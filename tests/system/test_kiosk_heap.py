"""A term's mornings in the memory of a board."""

import re

from demonstration.system import System
from simulator import built_in_crowd

PEOPLE = 500
HANG_S = 280


def test_500_people_never_let_the_heap_run_out(tmp_path):
    """320 KiB on a 64-bit host is about the 160 KiB that an ESP32 leaves."""
    crowd = built_in_crowd(PEOPLE, 11, fever_share=0.05)
    with System(tmp_path / "demo", crowd, speed=30, gates={"north": ["north-1"]}) as system:
        (board,) = system.boards
        assert board.heap == "320K"
        system.wait_crowd(HANG_S)
        board.check()
    said = "\n".join(board.console)
    assert len(board.visits) == PEOPLE
    assert "MemoryError" not in said and "fell" not in said
    lowest = [int(free) for free in re.findall(r"heap_low=(\d+)", said)]
    assert len(lowest) > 5 and min(lowest) > 64 * 1024
