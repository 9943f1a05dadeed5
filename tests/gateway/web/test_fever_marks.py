"""A board reloads its list of fevers when that has changed, and at nothing else."""

from datetime import date, timedelta

import pytest
from pages_site import DAY, WHO
from samples import AT, arrived, reading

from fevergate.storage.outbox import materialise
from fevergate.storage.records import Acknowledged, ReadingArrived
from fevergate.storage.strikes import StrikeRequest, strike, take_back
from fevergate.web.clock import PagesClock
from fevergate.web.fever_list import FeverList
from fevergate.web.follow_ups import FollowUp

ASKED = StrikeRequest(
    kiosk="north-1", day=date.fromisoformat(DAY), by="李伟", reason="stolen", trusted=True
)
CHANGES = {
    "a fever": lambda site: site.gateway.commit([arrived(4, "fever")]),
    "an acknowledgement": lambda site: site.gateway.commit(
        [Acknowledged((reading(9).identity,), "Zhang", AT + 200)]
    ),
    "the date of an undated fever": lambda site: site.gateway.commit(
        [arrived(12, boot=2, up_ms=12_000)]
    ),
    "a follow-up": lambda site: site.pages.follow_ups.save(WHO, FollowUp(note="x"), "Zhang"),
    "a strike": lambda site: strike(site.settings, ASKED),
    "a strike that is taken back": lambda site: take_back(site.settings, ASKED),
}
OTHERS = {
    "a person without a fever": lambda site: site.gateway.commit([arrived(13, boot=3)]),
    "a fever of another gate": lambda site: site.gateway.commit(
        [ReadingArrived(reading(1, "fever", kiosk="south-1"), AT, "south")]
    ),
    "a fever that comes again": lambda site: site.gateway.commit([arrived(9, "fever")]),
    "what the campus server is told": lambda site: materialise(site.gateway, site.settings, AT),
}


@pytest.fixture
def mark(site):
    """Reads north's mark; one fever there is not acknowledged, another is not dated."""
    site.gateway.commit([arrived(9, "fever"), arrived(11, "fever", boot=2, at=None, up_ms=11_000)])
    fevers = FeverList(site.pages)
    return lambda: fevers.board("north")[0]


@pytest.mark.parametrize("what", CHANGES)
def test_a_board_reloads_after(site, mark, what):
    if what == "a strike that is taken back":
        CHANGES["a strike"](site)
    before = mark()
    CHANGES[what](site)
    assert mark() != before


@pytest.mark.parametrize("what", OTHERS)
def test_a_board_does_not_reload_after(site, mark, what):
    before = mark()
    OTHERS[what](site)
    assert mark() == before


def test_a_board_reloads_at_midnight(mark, monkeypatch):
    before = mark()
    tomorrow = PagesClock.today
    monkeypatch.setattr(PagesClock, "today", lambda clock: tomorrow(clock) + timedelta(days=1))
    assert mark() != before
