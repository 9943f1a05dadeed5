"""The power may go at every single change of the flash."""

from pathlib import Path

import pytest
import real_micropython as micropython

SCRIPT = Path(__file__).parent / "power_cuts.py"
AT_ONCE = 40


@pytest.mark.parametrize("how", ["clean", "torn"])
def test_no_cut_loses_a_reading_doubles_an_identity_or_keeps_the_board_from_booting(how):
    survived = 0
    while True:
        said = micropython.run(
            *(str(SCRIPT), str(micropython.ROOT / "firmware"), how, str(survived), str(AT_ONCE)),
            heap="400M",
        )
        more = int(said.split()[-1])
        survived += more
        if more < AT_ONCE:
            break
    assert survived > 600
