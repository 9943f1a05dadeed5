"""A visitor's day pass: the guard makes it, the kiosk reads it, and it ends when the visitor has
left."""

import logging
from base64 import b64decode

import pytest
import zxingcpp
from campus_site import local
from pages_site import OURS, Site, csrf, post
from PIL import Image, ImageDraw
from register_helpers import VISITOR
from samples import reading
from test_register_pages import clock, enter

from fevergate.people.card_list import CardList
from fevergate.storage.records import ReadingArrived

NOW = "2026-11-23 16:00"


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    set_clock(site, NOW)
    yield site
    site.close()


def set_clock(site, text):
    clock(site, text)
    site.pages.people_db._now = lambda: local(text)


@pytest.fixture
def guard(site):
    guard = site.client("Zhang")
    assert enter(guard, "visitors", **VISITOR).status_code == 303
    return guard


@pytest.fixture
def entry(site, guard):
    (entry,) = site.pages.entries.holding("visitors", local(NOW))
    return entry


def path_of(entry):
    return f"/registers/visitors/{entry.id}"


def make(client, entry):
    """Press the button that makes the entry's pass; returns the page that follows."""
    form = {"csrf": csrf(client, "/registers/visitors")}
    answer = client.post(f"{path_of(entry)}/pass", data=form, headers=OURS)
    return client.get(answer.headers["location"]) if answer.status_code == 303 else answer


def code_on(page):
    """The code that a camera reads on a page."""
    svg = b64decode(page.text.split("data:image/svg+xml;base64,")[1].split('"')[0]).decode()
    side = int(svg.split('viewBox="0 0 ')[1].split()[0])
    image = Image.new("L", (4 * side, 4 * side), 255)
    draw = ImageDraw.Draw(image)
    for part in svg.split('<path d="')[1].split("M")[1:]:
        x, y = (int(number) for number in part.split("h")[0].split())
        draw.rectangle((4 * x, 4 * y, 4 * x + 3, 4 * y + 3), 0)
    (code,) = [barcode.text for barcode in zxingcpp.read_barcodes(image)]
    return code


def permit(site, code):
    """The gateway's answer to a code at a kiosk: (person, permit), or None if it is unknown."""
    settings, people = site.settings, site.pages.people
    cards = CardList(settings.path("people.db"), people.vault, 10, site.pages.clock.now)
    cards.refresh()
    holder = cards.find(int(code.removeprefix("V"), 16))
    return (holder.person, holder.permit) if holder else None


def test_the_page_says_in_both_languages_where_and_until_when(site, guard, entry):
    page = make(guard, entry)
    for text in ("Visitor's day pass", "访客当日通行证", "2026-11-23 22:00", "east", "north"):
        assert text in page.text
    assert VISITOR["name"] not in page.text
    assert permit(site, code_on(page)) == (-entry.id, "enter")
    assert code_on(make(guard, entry)) == code_on(page)  # pressed again: the same code


@pytest.mark.parametrize("by", ["guard", "program"])
def test_it_ends_with_the_entry_and_stays_ended(site, guard, entry, by):
    code = code_on(make(guard, entry))
    if by == "guard":
        assert post(guard, path_of(entry), action="close", revision="1").status_code == 303
    else:
        below = f"/api/v1/registers/visitors/entries/{entry.id}/close"
        closed = site.program("registers").post(below, json={"revision": 1})
        assert closed.status_code == 200
    assert permit(site, code) == (-entry.id, "ask")
    assert guard.get(f"{path_of(entry)}/pass").status_code == 404
    assert make(guard, entry).status_code == 409
    page = guard.get("/registers/visitors")
    assert post(guard, path_of(entry), "/registers/visitors", action="reopen", revision="2")
    assert permit(site, code) == (-entry.id, "ask") and code not in page.text
    assert permit(site, code_on(make(guard, entry))) == (-entry.id, "enter")


def test_it_ends_at_closing_time_and_one_of_the_night_with_the_day(site, guard, entry):
    code = code_on(make(guard, entry))
    set_clock(site, "2026-11-23 21:59")
    assert permit(site, code) == (-entry.id, "enter")
    set_clock(site, "2026-11-23 22:00")
    assert permit(site, code) == (-entry.id, "ask")
    page = make(guard, entry)
    assert "2026-11-24 00:00" in page.text and code_on(page) != code


def test_the_code_is_in_no_address_log_audit_or_other_database(site, guard, entry, caplog):
    caplog.set_level(logging.DEBUG)
    page = make(guard, entry)
    code = code_on(page)
    assert code not in str(page.url) and code[1:] not in caplog.text.upper()
    assert code not in page.text  # only in the picture
    assert not [detail for _, _, detail in site.audit() if code[1:] in detail.upper()]
    done = [action for _, action, detail in site.audit() if detail == f"visitors {entry.id}"]
    assert {"make pass", "look at pass"} <= set(done)
    for file in site.settings.folder.glob("*.db*"):
        content = file.read_bytes()
        assert code.encode() not in content and bytes.fromhex(code[1:]) not in content, file


def test_a_pass_seen_again_offers_to_close_the_entry_and_closes_nothing(site, guard, entry):
    make(guard, entry)

    def passes(seq, text, verdict="normal"):
        message = reading(seq, verdict, at=local(text))
        site.gateway.commit([ReadingArrived(message, local(NOW), "north", person=-entry.id)])
        return guard.get("/registers/visitors").text

    passes(21, "2026-11-22 15:00")
    assert "passed" not in guard.get("/registers/visitors").text
    passes(22, "2026-11-23 15:00", "retry")
    assert "passed at 15:00" in passes(23, "2026-11-23 15:00")
    assert "has left?" not in passes(24, "2026-11-23 15:01")
    page = passes(25, "2026-11-23 15:50")
    assert "passed again at 15:50: has left?" in page and "Open: 1" in page


def test_nobody_else_makes_or_sees_a_pass(site, guard, entry):
    make(guard, entry)
    path = f"{path_of(entry)}/pass"
    assert site.client().get(path).status_code == 303  # to sign in
    site.pages.accounts.add("Tutor", "correct horse 电池", "tutor", ["计应2301"])
    assert site.client("Tutor").get(path).status_code == 403
    assert guard.get("/registers/supplies/1/pass").status_code == 404
    assert guard.get("/registers/visitors/1/pass").status_code == 404
    assert guard.post(path, headers=OURS).status_code == 403  # without the form's token
