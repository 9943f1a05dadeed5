"""How a rollout hears what became of a kiosk's update."""

from types import SimpleNamespace

import pytest

from fevergate.protocol import Health, encode
from fevergate.rollout import FETCHING, ROLLED_BACK, TRIAL, Progress, Rollout


def after(state, **health):
    """Where a kiosk's update stands after it was at `state` and a health came."""
    under_way = Rollout.__new__(Rollout)
    under_way._bundle = SimpleNamespace(version="0.2.0")  # type: ignore[assignment]
    under_way._moved = lambda progress: None
    kiosk = Progress("north-1", state)
    message = Health(v=1, kiosk="north-1", boot=7, at=None, up_ms=1000, state="ok", **health)
    under_way._step(kiosk, "health", encode(message))
    return kiosk


@pytest.mark.parametrize(
    ("health", "state"),
    [
        ({"fw": "0.1.0", "update": "rolled back 0.2.0"}, ROLLED_BACK),
        ({"fw": "0.2.0", "update": ""}, TRIAL),
        ({"fw": "0.2.0", "update": "on trial"}, TRIAL),
        ({"fw": "0.1.0", "update": ""}, TRIAL),
    ],
)
def test_a_kiosks_health_tells_that_its_trial_failed_where_its_word_was_lost(health, state):
    assert after(TRIAL, **health).state == state


def test_before_the_trial_no_health_ends_an_update():
    assert after(FETCHING, fw="0.1.0", update="rolled back 0.1.9").state == FETCHING
    assert "did not prove healthy" in after(TRIAL, update="rolled back 0.2.0").why
