"""A link for a wall display shows its gates and nothing else, until somebody revokes it."""

import asyncio
import json
import re
from io import BytesIO

import msgspec
import pytest
from pages_site import OURS, WHO, post
from PIL import Image
from samples import AT, arrived
from test_web_pages import paths

from fevergate.errors import AccountError
from fevergate.protocol.alarm_messages import AlarmState, FeverSeen
from fevergate.settings.gateway import KioskTitle
from fevergate.storage.records import Acknowledged
from fevergate.web import live, screen_pages
from fevergate.web.screens import MAX_SCREENS

SCREEN = "/screen/{secret:str}"


def screen_pages_of(site):
    return next(r.endpoint.__self__ for r in site.pages.app.routes if r.path == SCREEN)


def link(administrator, gate="", name="门卫室", language="zh"):
    answer = post(administrator, "/admin/screens", name=name, gate=gate, language=language)
    assert answer.status_code == 200, answer.text
    match = re.search(r"https://pages(/screen/[\w-]{43})<", answer.text)
    assert match
    return match[1]


def display_data(site, path):
    """What a display with this link is sent."""
    pages = screen_pages_of(site)
    screen = site.pages.screens.find(path.removeprefix("/screen/"))

    async def now():
        pages.now(screen)
        if pages._list._reading:
            await pages._list._reading
        return pages.now(screen)

    return json.loads(msgspec.json.encode(asyncio.run(now())))


def test_an_administrator_makes_a_link_that_needs_no_session_and_is_shown_once(site, administrator):
    path = link(administrator)
    display = site.client()
    page = display.get(path)
    assert page.status_code == 200 and 'lang="zh-CN"' in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "<nav" not in page.text and "<form" not in page.text
    listed = administrator.get("/admin/screens").text
    assert "门卫室" in listed and path not in listed and "all gates in turn" in listed


def test_the_secret_is_not_in_the_database(site, administrator):
    secret = link(administrator).removeprefix("/screen/")
    for file in site.settings.folder.glob("web.db*"):
        assert secret.encode() not in file.read_bytes()


def test_a_link_opens_no_other_page_and_acknowledges_nothing(site, administrator, monkeypatch):
    calls = []
    monkeypatch.setattr(site.pages.live, "_tell", lambda *call: calls.append(call) or True)
    path = link(administrator)
    secret = path.removeprefix("/screen/")
    display = site.client()
    display.get(path)
    for carried in (
        {},
        {"cookie": f"__Host-fevergate={secret}"},
        {"authorization": f"Bearer {secret}"},
    ):
        for method, page in paths(site):
            if page.startswith(("/screen/", "/static/")):
                continue
            answer = display.request(method, page, headers=OURS | carried, data={"csrf": secret})
            if page in ("/healthz", "/sign-in", "/first", "/language", "/theme"):
                continue
            assert answer.status_code in (303, 401, 404), (method, page)
            assert "38.4" not in answer.text
    for method in ("POST", "PUT", "DELETE"):
        assert display.request(method, path, headers=OURS).status_code == 405
    assert not calls


def test_a_link_of_one_gate_shows_no_other(site, administrator):
    event = display_data(site, link(administrator, "south"))
    assert [gate["title"] for gate in event["gates"]] == ["south"]
    assert "north" not in json.dumps(event)


def test_a_red_gate_is_shown_in_words_and_without_a_persons_name(site, administrator):
    site.settings.gates[0].title = "北门"
    site.settings.kiosk_titles["north-1"] = KioskTitle(title="左侧")
    site.pages.live._alarms["north"] = AlarmState(
        gate="north",
        state="raised",
        since=AT,
        fevers=2,
        last=FeverSeen(kiosk="north-1", boot=1, seq=2, body_c=38.4),
        amber=("north-1: offline",),
        by="Zhang",
    )
    north, south = display_data(site, link(administrator))["gates"]
    assert north["state"] == "red" and north["title"] == "北门" and north["headline"] == "发热"
    assert north["detail"].startswith("38.4 °C · 左侧") and north["reasons"] == ["左侧：离线"]
    assert south["state"] == "unknown" and "Zhang" not in json.dumps(north)


def test_no_fever_is_said_only_where_there_was_none(site, administrator):
    clear = AlarmState(gate="north", state="clear", since=AT)
    site.pages.live._alarms["north"] = clear
    site.pages.live._alarms["south"] = msgspec.structs.replace(clear, gate="south")
    north, south = display_data(site, link(administrator, language="en"))["gates"]
    assert north["state"] == south["state"] == "green"
    assert south["headline"] == "Watching, no fever today"
    now = site.pages.clock.now()
    site.gateway.commit([arrived(7, "fever", at=now), Acknowledged((WHO,), "Zhang", now)])
    north, south = display_data(site, link(administrator, language="en"))["gates"]
    assert north["headline"] == "All kiosks watch" and north["detail"].endswith("to follow up")


@pytest.mark.parametrize("broken", ["line", "gateway"])
def test_a_line_that_is_lost_is_said(site, administrator, monkeypatch, broken):
    monkeypatch.setattr(live.BrokerClient, "connected", property(lambda _: broken != "line"))
    site.pages.live._gateway = broken != "gateway"
    assert display_data(site, link(administrator))["seen"] is False


def test_a_revoked_link_is_dark_at_once_and_an_open_display_ends(site, administrator, monkeypatch):
    monkeypatch.setattr(screen_pages, "CHECK_S", 0.0)
    monkeypatch.setattr(live, "BEAT_S", 0.3)
    path = link(administrator)
    pages = screen_pages_of(site)
    (screen,) = site.pages.screens.all()
    events = []

    async def watch():
        async for _ in pages._stream(path.removeprefix("/screen/"), screen):
            events.append(1)
            if len(events) == 2:
                form = {"action": "revoke", "id": str(screen.id)}
                assert post(administrator, "/admin/screens", **form).status_code == 303

    asyncio.run(asyncio.wait_for(watch(), 30))
    assert 2 <= len(events) <= 3 and not pages._open
    display = site.client()
    for below in ("", "/events", "/app.json"):
        assert display.get(path + below).status_code == 404
    assert "吊销" in display.get(path).text
    assert site.pages.screens.all() == []
    done = [(action, detail) for _, action, detail in site.audit()]
    assert ("make screen", "门卫室") in done and ("revoke screen", "门卫室") in done


def test_a_link_survives_a_restart_of_the_pages_and_a_year(site, administrator, monkeypatch):
    path = link(administrator)
    pages = type(site.pages)(site.settings)
    year = pages.clock.now() + 400 * 86400
    monkeypatch.setattr(pages.screens, "_now", lambda: year)
    screen = pages.screens.find(path.removeprefix("/screen/"))
    assert screen and pages.screens.all()[0].seen_at == year
    pages.store.close()


def test_links_are_bounded_and_one_makes_room_for_another(site, administrator):
    screens = site.pages.screens
    for number in range(MAX_SCREENS):
        screens.issue(f"wall {number}", "", "zh", "李伟")
    with pytest.raises(AccountError, match="screens"):
        screens.issue("one more", "", "zh", "李伟")
    assert "first revoke one" in administrator.get("/admin/screens").text
    screens.revoke(screens.all()[0].id)
    link(administrator)


@pytest.mark.parametrize(
    ("form", "says"),
    [({"name": ""}, "A name has"), ({"gate": "west"}, "no such gate"), ({"language": "x"}, "list")],
)  # fmt: skip
def test_a_link_that_cannot_be_is_refused_in_words(administrator, form, says):
    given = {"name": "hall", "gate": "", "language": "zh"} | form
    answer = post(administrator, "/admin/screens", **given)
    assert answer.status_code == 400 and says in answer.text


def test_a_guard_makes_and_sees_no_link(guard):
    assert guard.get("/admin/screens").status_code == 403
    assert guard.post("/admin/screens", headers=OURS).status_code == 403


def test_a_link_serves_only_a_limited_number_of_displays(site, administrator):
    path = link(administrator)
    pages = screen_pages_of(site)
    (screen,) = site.pages.screens.all()
    pages._open[screen.id] = screen_pages.MAX_OPEN
    assert site.client().get(f"{path}/events").status_code == 503


def test_a_tablet_keeps_a_display_and_the_board_as_an_app(site, administrator, guard):
    path = link(administrator, name="北门大厅")
    manifest = site.client().get(f"{path}/app.json").json()
    assert manifest["start_url"] == path and manifest["display"] == "fullscreen"
    assert "北门大厅" in manifest["name"]
    icon = guard.get(manifest["icons"][0]["src"])
    assert icon.status_code == 200 and icon.headers["content-type"] == "image/svg+xml"
    assert f'rel="manifest" href="{path}/app.json"' in site.client().get(path).text
    touch = 'rel="apple-touch-icon" href="/static/icon.png"'  # an iPad takes no SVG
    assert touch in site.client().get(path).text and touch in guard.get("/board/north").text
    with Image.open(BytesIO(guard.get("/static/icon.png").content)) as icon:
        assert icon.format == "PNG" and icon.size == (180, 180)
    board = guard.get("/board/north").text
    match = re.search(r'rel="manifest" href="(/static/app-en.json)"', board)
    assert match and guard.get(match[1]).json()["start_url"] == "/"
    assert "manifest-src 'self'" in guard.get("/board/north").headers["content-security-policy"]
    assert "awake.js" in board and "awake.js" in site.client().get(path).text
