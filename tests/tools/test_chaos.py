"""Faults that need a whole school around the gateway: no reading is lost, no fever stays dark, and
each report is right."""

from shutil import which

import pytest

from faults.chaos import KIOSKS, Chaos
from faults.judge import WRONG
from faults.school import CARD_MB, School


@pytest.mark.timeout(1800)  # enough for a busy machine
@pytest.mark.skipif(which("cc") is None, reason="a clock is moved by a C library: needs gcc")
def test_nothing_is_lost_dark_or_wrong_when_card_clock_and_a_kiosks_date_change():
    with School(KIOSKS + 1, switchable=False) as school:
        mounted = school.put_database_on_a_card(CARD_MB)
        kinds = ["card", "date", *(["unset"] if mounted else ["clock"])]
        figures = Chaos(school, seed=5, minutes=0.0, progress=lambda _: None).run(kinds, len(kinds))
    assert sum(figures["faults"].values()) == len(kinds) and figures["fevers"] > 0
    assert not any(figures[name] for name in WRONG), figures
