"""The duty list of a gateway."""

import pytest
from duty_roster import Roster


@pytest.fixture
def roster(tmp_path):
    roster = Roster(tmp_path)
    yield roster
    roster.store.close()
