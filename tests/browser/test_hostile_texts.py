"""What people, kiosks and gateways write is shown as text on every page and never runs as code."""

from contextlib import closing
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from campus_site import after, counts, fever, over
from hostile_texts import NAME, TEXTS, crawled

from fevergate.people.changes import ListEntry, PeopleChanges
from fevergate.protocol.campus_messages import Delivery, GivenNames, StruckSpan
from fevergate.protocol.messages import Verdict
from fevergate.provision.titles import Titles
from fevergate.web.app import Pages
from harness.browser import PASSWORD, chromium
from harness.campus import CampusHost, SimulatedClock
from harness.site import Site

TITLE = Titles(TEXTS[1], TEXTS[0])
NAMES = {"north": (TEXTS[1], TEXTS[0])}


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def test_no_hostile_text_runs_on_a_gateways_pages(tmp_path, browser):
    site = Site(
        *(tmp_path / "gateway", {"north": ["north-1", "north-2"]}),
        titles=TITLE,
        gate_titles={"north": TITLE},
    )
    with site, closing(Pages(site.settings)) as pages:
        pages.accounts.begin(pages.accounts.invite(), NAME, PASSWORD)
        site.start_gateway()
        site.start_web()
        site.kiosk("north-1").reading(Verdict.FEVER, 38.5)
        crawl = crawled(browser, site.url, "/board/north", "/admin/overview", "/account")
    assert crawl.wrong == []
    assert len(crawl.shown) > 15


def test_no_hostile_text_runs_on_the_campus_servers_pages(tmp_path, browser):
    clock = SimulatedClock("2026-11-24", ZoneInfo("Asia/Shanghai"))
    clock.set("2026-11-24", "08:00")
    titles = {"east": (TEXTS[1], TEXTS[0])}
    with CampusHost(tmp_path / "campus", {"east": ["gw-east"]}, clock, titles=titles) as host:
        host.server.accounts.begin(host.server.accounts.invite(), NAME, PASSWORD)
        begin = fever(1).at - 1800
        struck = StruckSpan(begin=begin, end=begin + 3600, at=begin, by=TEXTS[0], reason=TEXTS[1])
        person: dict[str, Any] = {
            "person": TEXTS[0],
            "unit": TEXTS[1],
            "phone": TEXTS[2],
            "note": "".join(TEXTS),
        }
        items = [
            over(counts("north-1", normal=9, fever=1), counts("north-2", struck=[struck])),
            fever(1, acknowledged_by=TEXTS[1]),
            after(1, closed=True, outcome="clinic", clinical_c=38.3, **person),
        ]
        names = GivenNames(gates=NAMES, kiosks={"north-1": NAMES["north"]})
        host.server.store.keep(
            Delivery(campus="east", gateway="gw-east", items=items, names=names), "f00d" * 4
        )
        for text in TEXTS:
            host.server.store.refuse("gw-east", text, text, text.encode())
        PeopleChanges(host.server.people).replace(
            [
                ListEntry(number=f"2026{n}", name=text, kind="student", campus="east", unit=text)
                for n, text in enumerate(TEXTS)
            ]
        )
        host.tick()
        crawl = crawled(browser, host.url, "/reports", "/status", "/roll", "/account")
    assert crawl.wrong == []
    assert len(crawl.shown) > 10
