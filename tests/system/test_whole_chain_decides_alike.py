"""The same people get the same verdicts before the virtual sensor and in the evaluation."""

from dataclasses import replace
from statistics import fmean, stdev

import pytest
from simulator_helpers import PEOPLE_FILE

from fevergate.evaluation.people_file import load_people
from fevergate.evaluation.replay import replay
from fevergate.storage.connection import open_reader
from harness.system import System
from harness.worker import wait_until
from kiosk.estimate import SITES
from kiosk.scan import peak_of
from kiosk.screening import _BODY_MIN_C, THRESHOLD_C
from simulator import built_in_crowd

VERDICTS = {"green": "normal", "red": "fever", "amber": "retry"}
HANG_S = 600

NOISE_SD_C = 0.15
"""Noise (°C) that the sensor may add: 0.10 °C of the part itself (data sheet, xCI), the loss by a
swaying head, and the gain by holding the peak."""

MARGIN_C = 0.4
"""Distance (°C) from a threshold beyond which noise does not change a verdict."""

needs_people = pytest.mark.skipif(
    not PEOPLE_FILE.exists(), reason="the measured people are not beside this repository"
)


@pytest.mark.parametrize("site", ["canthus", "face_max", "forehead"])
@pytest.mark.parametrize("crowd", ["built-in", pytest.param("measured", marks=needs_people)])
def test_board_and_gateway_decide_as_the_evaluation_does(tmp_path, site, crowd):
    if crowd == "built-in":
        people = built_in_crowd(24, 11, fever_share=0.2, site=site)
    else:
        # The dates are left out: on the board all these people come in one morning.
        measured = load_people(PEOPLE_FILE, site)
        people = [replace(person, at=None) for person in measured[120:144]]
    # Each person keeps one temperature, the peak that a scan finds. A simulated face would hold its
    # last round, which the filter would take for a spike.
    people = [replace(person, rounds_c=(peak_of(person.rounds_c),) * 4) for person in people]
    judged, _ = replay(people, SITES[site], fever_c=38.0)
    gates = {"north": ["north-1"]}
    with System(tmp_path / "chain", people, site=site, speed=10, gates=gates) as system:
        system.wait_crowd(HANG_S)
        wait_until(system.settled, HANG_S, "everything is stored")
        visits = system.boards[0].visits
        reader = open_reader(system.settings.path(system.settings.database))
        rows = list(
            reader.query("select * from readings where reason != 'unconfirmed' order by boot, seq")
        )
        reader.close()
    assert len(visits) == len(people)
    noise_c, sure, after_cold = [], 0, False
    for visit, expected in zip(visits, judged, strict=True):
        own_rows, rows = rows[: visit.tries], rows[visit.tries :]
        noise_c += [row["body_c"] - expected.score_c for row in own_rows]
        # A person who comes within a minute after a cold one may be the same person, warming up.
        waits, after_cold = after_cold, "amber" in visit.colours
        borders = (THRESHOLD_C, _BODY_MIN_C)
        if not waits and min(abs(expected.score_c - border) for border in borders) > MARGIN_C:
            sure += 1
            assert VERDICTS[visit.answer] == expected.verdict, (visit, expected)
            assert own_rows[-1]["verdict"] == expected.verdict
    assert not rows
    assert sure >= 6
    assert abs(fmean(noise_c)) < NOISE_SD_C and stdev(noise_c) < NOISE_SD_C
