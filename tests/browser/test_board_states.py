"""Each state in which people meet the board, in a real browser."""

import pytest

from harness.browser import chromium
from harness.page_states import STATES, played
from harness.stage import Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stage") / "gateway"
    with chromium() as browser, Stage(folder, browser) as stage:
        yield stage


def test_a_state_is_told_and_the_site_is_calm_after_it(stage):
    assert all(state.what.endswith(".") for state in STATES.values())
    with played(stage, "red-both", "en") as page:
        assert page.get_by_role("button", name="I see to it").is_visible()
        assert {gate["alarm"]["state"] for gate in stage.now()} == {"raised"}
    assert {gate["alarm"]["state"] for gate in stage.now()} == {"clear"}
