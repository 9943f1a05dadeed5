"""The pages take the day from the gateway's judgement of its clock, and show if it is in doubt."""

import asyncio
import time
from datetime import datetime, timedelta

import pytest
from pages_site import OURS, csrf, post
from samples import arrived

from fevergate.clock.judge import ClockState
from fevergate.storage import clock_memory

AHEAD_S = 2 * 86400.0
ZH, EN = "网关时钟存疑", "clock is in doubt"


@pytest.fixture
def ahead(site):
    """A machine whose clock is two days ahead of the time that the gateway goes by."""
    set_state(site, at=time.time() - AHEAD_S, believed=False, why="ahead", off_s=AHEAD_S)
    return site


def set_state(site, **state):
    clock_memory.remember(site.gateway, ClockState(**state))
    site.pages.clock.refresh()


def day(site, at):
    return datetime.fromtimestamp(at, site.settings.zone).date()


def doubted(text):
    """Whether the sentence about the doubt, which every page has, is shown."""
    assert EN in text
    return 'class="doubt" hidden' not in text


PATHS = ("/board/north", "/admin/overview", "/admin/log", "/admin/kiosks")


def test_a_clock_in_doubt_is_said_on_every_page_in_both_languages(ahead, administrator):
    for path in PATHS:
        assert doubted(administrator.get(path).text), path
    assert ZH in ahead.client("李伟", "zh").get("/board/north").text


def test_a_clock_that_is_believed_shows_no_doubt(site, administrator):
    set_state(site, at=time.time(), believed=True, why="synchronised")
    assert not any(doubted(administrator.get(path).text) for path in PATHS)


def test_today_is_the_day_that_the_gateway_goes_by(ahead, administrator, guard):
    right = day(ahead, time.time() - AHEAD_S)
    ahead.gateway.commit([arrived(70, "fever", body_c=39.3, at=time.time() - AHEAD_S)])
    board = guard.get("/board/north").text
    assert "39.3" in board and "None so far" not in board
    assert f'name="to" value="{right}"' in administrator.get("/admin/overview").text
    log = administrator.get("/admin/log").text
    assert f'value="{right}" max="{right}"' in log and "39.3" in log
    overview = ahead.program("log").get("/api/v1/overview").json()
    assert overview["end"] == right.isoformat()


def test_a_boards_event_says_the_day_and_whether_it_is_sure(ahead):
    board = next(r.endpoint.__self__ for r in ahead.pages.app.routes if r.path == "/events")

    async def event_now():
        return board._now(0.0, lambda text: text, "en")

    event = asyncio.run(event_now())
    assert event.date == day(ahead, time.time() - AHEAD_S).isoformat() and not event.clock


def test_a_day_is_not_signed_before_it_has_begun_by_the_gateways_time(ahead, administrator):
    tomorrow = day(ahead, time.time()).isoformat()
    form = {"csrf": csrf(administrator, "/admin/people"), "date": tomorrow}
    answer = administrator.post("/admin/log/sign", data=form, headers=OURS)
    assert answer.status_code == 400 and "has not begun" in answer.text
    right = day(ahead, time.time() - AHEAD_S).isoformat()
    assert post(administrator, "/admin/log/sign", "/admin/log", date=right).status_code == 303
    ((at,),) = ahead.pages.store.query("select at from sign_offs")
    assert day(ahead, at).isoformat() == right


def test_a_clock_behind_the_last_believed_time_is_doubted_before_the_gateway_says_so(site, guard):
    set_state(site, at=time.time() + 3 * 86400, believed=True, why="synchronised")
    assert doubted(guard.get("/board/north").text)
    assert site.pages.clock.today() == day(site, time.time()) + timedelta(days=3)


def test_a_judgement_that_nobody_can_read_changes_nothing(ahead, guard):
    assert not ahead.pages.clock.believed
    ahead.pages.clock._path = ahead.settings.path("nowhere.db")
    ahead.pages.clock.refresh()
    assert not ahead.pages.clock.believed
    assert doubted(guard.get("/board/north").text)


def test_before_a_gateway_has_run_nobody_doubts(site, guard):
    assert site.pages.clock.believed and not doubted(guard.get("/board/north").text)
