"""fevergate doctor says how old a gateway's copy of the list is."""

import time

import pytest
from people_helpers import entry, gateway_people
from samples import settings

from fevergate.operations.doctor_people import OLD_S, people
from fevergate.people.changes import PeopleChanges
from fevergate.people.copying import ListCopy, page
from fevergate.settings.gateway import CampusServerSettings


def findings(folder, campus_server=None):
    gateway_settings = settings(campus_server=campus_server)
    gateway_settings.folder = folder
    return [(finding.state, finding.text[1]) for finding in people(gateway_settings)]


def test_a_site_without_a_list_hears_nothing_of_one(tmp_path, clock):
    assert findings(tmp_path) == []
    with gateway_people(tmp_path, clock):
        assert findings(tmp_path) == []


@pytest.mark.parametrize(("age_s", "state"), [(0.0, "ok"), (OLD_S * 3.2, "warning")])
def test_an_old_copy_is_told_from_a_fresh_one(tmp_path, clock, age_s, state):
    for name in ("home", "copy"):
        (tmp_path / name).mkdir()
    clock.at = time.time() - age_s
    server = CampusServerSettings(url="https://campus.example")
    with (
        gateway_people(tmp_path / "home", clock) as home,
        gateway_people(tmp_path / "copy", clock) as copy,
    ):
        PeopleChanges(home).replace([entry("1"), entry("2")])
        assert findings(tmp_path / "home") == [("ok", "2 people on this gateway's own list")]
        assert findings(tmp_path / "home", server)[0][0] == "failed"
        ListCopy(copy).take(page(home, "", "", 0))
        ((level, text),) = findings(tmp_path / "copy", server)
    assert level == state and text.startswith("2 people")
    assert (" 3 h ago" in text) == (state == "warning")
