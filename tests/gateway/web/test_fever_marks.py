"""A board reloads its list of fevers if the list has changed, and only then."""

from datetime import date, timedelta

import msgspec
import pytest
from pages_site import DAY, WHO
from samples import AT, arrived, reading

from fevergate.protocol.alarm_messages import AlarmState
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.outbox import materialise
from fevergate.storage.records import Acknowledged, ReadingArrived
from fevergate.storage.strikes import StrikeRequest, strike, take_back
from fevergate.texts.translations import translator
from fevergate.web.board import Board
from fevergate.web.clock import PagesClock
from fevergate.web.fever_list import FeverList
from fevergate.web.follow_ups import FollowUp
from fevergate.web.live import GateNow

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
    """A function that reads north's mark; north has an unacknowledged fever and an undated one."""
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


@pytest.fixture
def listed(site, monkeypatch):
    """A function that reads again what a board says of north on the day of its fevers."""
    monkeypatch.setattr(PagesClock, "today", lambda _: date.fromisoformat(DAY))
    fevers = FeverList(site.pages)

    def read():
        fevers._listed = fevers._read()
        return fevers._listed["north"]

    return read


def test_a_board_counts_todays_fevers_and_what_is_open(site, listed):
    assert (listed().today, listed().open) == (1, 1)
    site.gateway.commit([arrived(4, "fever"), arrived(5, "fever", at=AT - DAY_S)])
    assert (listed().today, listed().open) == (2, 3)  # the fever of yesterday is open
    measured = FollowUp(clinical_c=38.1, outcome="clinic")
    site.pages.follow_ups.save(WHO, measured, "Zhang")
    assert listed().open == 3
    follow_up = msgspec.structs.replace(measured, closed=True, revision=1)
    site.pages.follow_ups.save(WHO, follow_up, "Zhang")
    assert (listed().today, listed().open) == (2, 2)


def test_what_has_not_changed_is_not_counted_again(site, listed, monkeypatch):
    before = listed()
    monkeypatch.setattr(FeverList, "_count", None)
    assert listed() == before


@pytest.mark.parametrize(
    ("state", "today"),
    [
        (AlarmState(gate="north", state="clear", since=AT), 0),
        (AlarmState(gate="north", state="raised", since=AT, fevers=1), 1),
        (AlarmState(gate="north", state="clear", since=AT, by="Zhang"), 1),
        (AlarmState(gate="north", state="clear", since=AT - DAY_S, by="Zhang"), 0),
    ],
)
def test_a_red_light_of_today_is_a_fever_though_it_could_not_be_stored(
    site, listed, monkeypatch, state, today
):
    strike(site.settings, ASKED)  # no stored fever counts
    listed()
    board = Board(site.pages)
    monkeypatch.setattr(board._list, "listed", lambda _: listed())
    now = GateNow(gate="north", now=AT, line=True, gateway=True, alarm=state, kiosks=[])
    names, alarms = site.settings.names("en"), {"north": state}
    assert board._gate_now(now, translator("en"), names, alarms).today == today
