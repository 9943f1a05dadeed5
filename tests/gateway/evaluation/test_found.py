"""The shares that the kiosk's page shows are those of the measured people."""

import pytest
from simulator_helpers import PEOPLE_FILE

from fevergate.evaluation.detection_shares import (
    DETECTION_SHARES,
    FEVER_FROM_C,
    MILD_FROM_C,
    THRESHOLDS_C,
)
from fevergate.evaluation.people_file import load_people
from fevergate.evaluation.replay import replay
from kiosk.estimate import SITES
from kiosk.screening import FEVER


@pytest.mark.skipif(not PEOPLE_FILE.exists(), reason="the measured people are not beside this")
@pytest.mark.parametrize("site", DETECTION_SHARES)
def test_the_shares_found_are_those_of_the_measured_people(site):
    crowds = [
        [person for person in load_people(PEOPLE_FILE, site, camera) if person.oral_c is not None]
        for camera in ("FLIR", "ICI")
    ]
    for oral_c in (MILD_FROM_C, FEVER_FROM_C):
        for threshold_c, share in zip(THRESHOLDS_C, DETECTION_SHARES[site][oral_c], strict=True):
            ill_people = [
                person
                for crowd in crowds
                for person in replay(crowd, SITES[site], oral_c, threshold_c)[0]
                if person.ill
            ]
            fever_count = sum(person.verdict == FEVER for person in ill_people)
            assert round(fever_count / len(ill_people), 2) == share, threshold_c
