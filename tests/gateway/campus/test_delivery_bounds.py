"""What one gateway's token may add to the campus server, and what it may not."""

import hashlib
from contextlib import closing
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from campus_site import DAY, Clock, Parts, after, counts, delivery, fever, local, over, settings
from hypothesis import given
from hypothesis import strategies as st
from samples import AT
from starlette.testclient import TestClient

from fevergate.campus import delivery_bounds, new_kiosks
from fevergate.campus.app import CampusServer
from fevergate.campus.delivery_bounds import LEFT_S, NewRows, check_date
from fevergate.campus.settings import Campus
from fevergate.clock.judge import KNOWN_PAST, LEAP_S
from fevergate.errors import OverBoundError
from fevergate.protocol.campus_messages import DaySummary, Delivery, GatewayDay, HourSummary

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def parts(tmp_path):
    with closing(Parts(tmp_path)) as parts:
        yield parts


def hour(kiosk):
    begin = int(local(f"{DAY} 09:00"))
    return HourSummary(kiosk=kiosk, gate="north", hour=begin, revision=1)


def day(kiosk, date=DAY, revision=1):
    return DaySummary(kiosk=kiosk, gate="north", date=date, revision=revision, normal=1)


@pytest.mark.parametrize("at", [KNOWN_PAST - 1, AT + LEFT_S + 1, AT + 5 * 366 * 86400])
def test_a_fever_of_a_wrong_clock_is_kept_under_the_time_at_which_it_came(at):
    misdated = msgspec.structs.replace(fever(1), at=at)
    expected = msgspec.structs.replace(misdated, at=AT)
    assert check_date(misdated, AT, ZONE, believed=True) == expected
    assert check_date(misdated, AT, ZONE, believed=False) == misdated


@given(st.floats(KNOWN_PAST, 4e9), st.booleans())
def test_an_hour_or_day_is_taken_once_it_has_begun_and_no_real_one_is_refused(begin, believed):
    date = datetime.fromtimestamp(begin, ZONE).date().isoformat()
    items = (
        HourSummary(kiosk="north-1", gate="north", hour=begin, revision=1),
        day("north-1", date),
        GatewayDay(date=date, revision=1, kiosks=[]),
    )
    for now in (begin + 86400 + 3600, begin - LEFT_S - 86400):
        answers = [_taken(item, now, believed) for item in items]
        assert answers == [now > begin or not believed] * 3


def _taken(item, now, believed):
    try:
        return check_date(item, now, ZONE, believed=believed) is item
    except OverBoundError:
        return False


def test_counts_of_a_clock_that_is_ahead_are_taken_but_no_day_as_over():
    """The counts are corrected with the clock. If the card breaks before, nobody else has them."""
    begin = AT // 3600 * 3600
    ahead = HourSummary(kiosk="north-1", gate="north", hour=begin, revision=1)
    now = begin - LEAP_S
    assert check_date(ahead, now, ZONE, believed=True) is ahead
    assert check_date(fever(1), now, ZONE, believed=True) == fever(1)
    with pytest.raises(OverBoundError, match="not over yet"):
        check_date(over(), now, ZONE, believed=True)


def test_a_gateway_counts_no_more_kiosks_of_a_day_than_it_can_have(parts, monkeypatch):
    monkeypatch.setattr(delivery_bounds, "MOST_KIOSKS", 3)
    parts.keep(day("a"), day("b"))
    with pytest.raises(OverBoundError, match=f"kiosks on {DAY}: expected at most 3") as refused:
        parts.keep(day("b", revision=2), day("c"), day("d"), over(counts("a")))
    assert refused.value.keys == {f"day/d/{DAY}"}
    parts.keep(day("b", revision=2), day("c"), over(counts("a")), day("d", "2026-11-22"))
    parts.keep(day("x"), day("y"), day("z"), campus="west")  # gw-west has its own share


@pytest.mark.parametrize(
    ("bound", "items", "beyond"),
    [
        ("MOST_FEVERS", [fever(1), fever(2), fever(3)], {"fever/north-1/1/3"}),
        ("MOST_COUNTS", [day("a"), day("b"), day("c")], {f"day/c/{DAY}"}),
        ("MOST_COUNTS", [hour("a"), day("a"), hour("b")], {hour("b").key}),
    ],
)
def test_rows_of_a_day_have_a_bound(parts, monkeypatch, bound, items, beyond):
    monkeypatch.setattr(delivery_bounds, bound, 2)
    parts.keep(items[0])
    with pytest.raises(OverBoundError, match="expected at most 2") as refused:
        parts.keep(*items)
    assert refused.value.keys == beyond
    parts.keep(*items[:2], fever(1, kiosk="north-9"))
    parts.keep(*items[:2])


def test_rows_without_end_come_no_faster_than_the_disk_bears(monkeypatch):
    monkeypatch.setattr(delivery_bounds, "NEW_ROWS_BURST", 10.0)
    now = [0.0]
    rows = NewRows(lambda: now[0])
    assert rows.take("gw-east", 10) and not rows.take("gw-east", 1)
    assert rows.take("gw-west", 10)
    now[0] = 5.0
    assert rows.take("gw-east", 5) and not rows.take("gw-east", 1)
    now[0] = 86_400.0  # a silent day allows no more at once than the start did
    assert not rows.take("gw-east", 11) and rows.take("gw-east", 10)


def test_what_comes_too_fast_is_stored_later_and_none_of_it_now(parts):
    parts.store._new_rows.take("gw-east", int(delivery_bounds.NEW_ROWS_BURST) - 1)
    with pytest.raises(OverBoundError, match="the others are taken later") as refused:
        parts.keep(day("a"), day("b"))
    assert not refused.value.keys and not parts.store.heard()
    parts.keep(day("a"))


def test_a_token_brings_up_no_more_kiosks_with_fevers_than_a_gateway_has(parts, monkeypatch):
    """Otherwise each invented kiosk would cause a notice, perhaps sent before a real kiosk's."""
    monkeypatch.setattr(new_kiosks, "MOST_KIOSKS", 3)
    now = [0.0]
    parts.store._new_kiosks = new_kiosks.NewKiosks(lambda: now[0])
    parts.keep(fever(1, kiosk="a"), after(1, kiosk="a"), after(1, kiosk="b"))
    with pytest.raises(OverBoundError, match="new kiosks with fevers") as refused:
        parts.keep(*(after(seq, kiosk=kiosk) for kiosk in "bcde" for seq in (1, 2)))
    assert refused.value.keys == {f"follow_up/{kiosk}/1/{seq}" for kiosk in "de" for seq in (1, 2)}
    parts.keep(after(2, kiosk="b"), after(2, kiosk="c"), fever(1, kiosk="c"))
    with pytest.raises(OverBoundError):
        parts.keep(fever(1, kiosk="d"))
    parts.store.keep(delivery(fever(1, kiosk="d")), "after the stolen token was replaced")
    parts.keep(fever(1, kiosk="w"), after(1, kiosk="x"), campus="west")  # gw-west has its own share
    now[0] = 86_400 / 3
    parts.keep(fever(1, kiosk="e"))
    parts.store._new_kiosks = new_kiosks.NewKiosks(lambda: now[0])  # after a restart
    parts.keep(*(fever(2, kiosk=kiosk) for kiosk in "abcde"), *(fever(1, kiosk=k) for k in "fgh"))
    with pytest.raises(OverBoundError):
        parts.keep(fever(1, kiosk="i"))


def test_a_token_invents_no_campus_after_campus_where_the_settings_name_none(tmp_path):
    """Otherwise each would be a line of every report, and cause a notice once it is silent."""
    token = hashlib.sha256(b"stolen").hexdigest()
    site = CampusServer(
        settings(tmp_path, tokens={"gw-1": token}, campuses={}), Clock(f"{DAY} 08:00")
    )
    answers = [send(site, f"invented-{number}") for number in range(9)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 6
    assert answers[-1].json()["error"]["field"] == "$.campus"
    assert len(site.store.heard()) == len(site.reports.now(DAY).campuses) == 3
    assert send(site, "invented-0").status_code == 200
    site.close()
    campuses = {"real": Campus(gateways=["gw-1"])}
    site = CampusServer(
        settings(tmp_path, tokens={"gw-1": token}, campuses=campuses), Clock(f"{DAY} 08:00")
    )
    assert send(site, "real").status_code == 200, "the settings say where it is"
    site.close()


def send(site, campus):
    body = msgspec.json.encode(Delivery(campus=campus, gateway="gw-1", items=[day("a")]))
    bearer = {"authorization": "Bearer stolen"}
    return TestClient(site.app).post("/v1/summaries", content=body, headers=bearer)
