"""Whoever taps a card is shown at once on the board of that gate and on no other, for a minute or
while the gate's alarm is on. Each look is noted in the audit."""

import json
from datetime import datetime, timedelta

import pytest
from pages_site import GOOD, post
from people_helpers import Clock, entry
from samples import AT, reading

from fevergate.gateway.cards import READING, TAP, Cards, unsealed
from fevergate.people.changes import PeopleChanges
from fevergate.protocol.alarm_messages import AlarmState
from fevergate.protocol.messages import CardTapped, encode
from fevergate.storage.records import ReadingArrived
from fevergate.web.passers import MOST, Passers

CARD, OTHER, NEW = 305_419_896, 4711, 99
KEY = bytes(range(32))
BASE = "fevergate/v1/east/"


def sealed(label, count, card=CARD):
    return f"{unsealed(KEY, label, 7, count, f'{card:016x}'):016x}"


class Gate:
    """The pages of a site with a list, and what its kiosks say to them."""

    def __init__(self, site):
        self.site, self.pages = site, site.pages
        for kiosk in ("north-1", "south-1"):
            path = site.settings.folder / "kiosks" / kiosk / "settings.json"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps({"card_key": KEY.hex()}))
        people = [
            entry("1", "王小明", card=str(CARD), unit="计应2301"),
            entry("2", "李芳", card=str(OTHER), permit="stop"),
        ]
        PeopleChanges(self.pages.people).replace(people)
        self.pages.cards.refresh()
        self.clock_s = [0.0]
        self.pages.passers = Passers(
            site.settings, self.pages.cards, self.pages.clock.now, lambda: self.clock_s[0]
        )
        self.pages.live._passers = self.pages.passers
        self.count = 0

    def say(self, topic, message):
        self.pages.live.heard(BASE + topic, encode(message), lambda: None)

    def tap(self, card=CARD, kiosk="north-1"):
        self.count += 1
        self.say(
            f"{kiosk}/card", CardTapped(boot=7, tap=self.count, who=sealed(TAP, self.count, card))
        )

    def measure(self, verdict="normal", card=CARD, kiosk="north-1", at=None):
        self.count += 1
        sealed_card = sealed(READING, self.count, card)
        at = self.pages.clock.now() if at is None else at
        scan = reading(self.count, verdict, kiosk=kiosk, boot=7, at=at, who=sealed_card)
        self.say(f"{kiosk}/reading", scan)

    def alarm(self, fevers, since=None):
        since = self.pages.clock.now() if since is None else since
        state = "raised" if fevers else "clear"
        self.say("alarm/north", AlarmState(gate="north", state=state, fevers=fevers, since=since))

    def mark(self, gate="north"):
        return self.pages.passers.mark(gate, lambda gate_name: self.pages.live.now(gate_name).alarm)


@pytest.fixture
def gate(site):
    return Gate(site)


def names_on(client, gate="north"):
    answer = client.get(f"/board/{gate}/who")
    assert answer.status_code == 200
    return [(row["name"], row["permit"], row["stopped"]) for row in answer.json()["people"]]


def test_the_guard_sees_at_once_who_taps_and_who_may_not_enter(gate, guard):
    assert names_on(guard) == [] and gate.mark() == ""
    gate.tap()
    first = gate.mark()
    gate.tap(OTHER)
    gate.tap(NEW)
    assert gate.mark() not in ("", first)
    assert names_on(guard) == [
        ("a card on no list", "ask the guard", True),
        ("李芳", "may not enter", True),
        ("王小明", "may enter", False),
    ]
    assert names_on(guard, "south") == []
    assert ("Zhang", "look at passers", "north") in gate.site.audit()
    assert ("Zhang", "look at passers", "south") not in gate.site.audit()


def test_a_door_without_a_guard_shows_its_passers_on_the_board_that_watches_it(gate, guard):
    gate.pages.settings.gates[1].watched_by = "north"
    gate.pages.passers = gate.pages.live._passers = Passers(
        gate.pages.settings, gate.pages.cards, gate.pages.clock.now, lambda: gate.clock_s[0]
    )
    gate.tap()
    gate.clock_s[0] += 1
    gate.tap(OTHER, kiosk="south-1")
    people = guard.get("/board/north/who").json()["people"]
    assert [row["name"] for row in people] == ["李芳", "王小明"]
    assert [row["kiosk"] for row in people] == ["south · south-1", "north-1"]
    assert [name for name, _, _ in names_on(guard, "south")] == ["李芳"]
    mark = gate.mark()
    gate.tap(NEW, kiosk="south-1")
    assert gate.mark() != mark, "an open board asks again"
    gate.clock_s[0] += 61
    assert names_on(guard) == [] and gate.mark() == ""


def test_a_permit_that_was_changed_on_the_page_is_in_force_at_the_next_tap(
    gate, guard, administrator
):
    person = gate.pages.people.by_number("2").person
    gate.tap(OTHER)
    tomorrow = gate.pages.clock.today() + timedelta(days=1)
    path = f"/admin/list/people/{person}"
    form = {"action": "override", "permit": "enter", "until": tomorrow.isoformat()}
    assert post(administrator, path, **form).headers["location"] == path
    answers = []
    gateway = Cards(
        gate.site.settings, lambda _kiosk, permit: answers.append(permit), gate.pages.clock.now
    )
    for cards in (gateway, gate.pages.cards):
        cards.tick()
    gate.tap(OTHER)
    assert [permit for _, permit, _ in names_on(guard)] == ["may enter", "may not enter"]
    gateway.tapped("north-1", CardTapped(boot=7, tap=50, who=sealed(TAP, 50, OTHER)))
    assert [answer.permit for answer in answers] == ["enter"]


def test_a_reading_joins_its_tap_and_is_shown_by_itself_without_one(gate, guard):
    gate.tap()
    gate.measure()
    assert len(names_on(guard)) == 1
    gate.measure(card=OTHER)
    assert [name for name, _, _ in names_on(guard)] == ["李芳", "王小明"]
    gate.measure(card=CARD, at=gate.pages.clock.now() - 3600)  # sent late by the kiosk
    assert len(names_on(guard)) == 2


def test_after_a_minute_only_the_person_whose_alarm_is_on_is_still_shown(gate, guard):
    gate.measure("fever")
    gate.tap(OTHER)
    gate.alarm(1)
    gate.clock_s[0] += 61
    assert [name for name, _, _ in names_on(guard)] == ["王小明"]
    assert guard.get("/board/north/who").json()["people"][0]["fever"]
    gate.alarm(0)
    assert names_on(guard) == [] and gate.mark() == ""
    gate.measure("fever")
    gate.clock_s[0] += 61
    gate.alarm(1, gate.pages.clock.now() + 600)  # another person's alarm; no board was open between
    assert names_on(guard) == []


def test_only_the_last_ones_are_kept(gate, guard):
    for card in range(1, 3 * MOST):
        gate.tap(card)
    assert len(names_on(guard)) == MOST


def test_tutors_and_strangers_see_nobody_and_events_have_no_name(gate, site, guard):
    gate.tap()
    site.pages.accounts.add("Chen", GOOD, "tutor", ["计应2301"])
    assert site.client("Chen").get("/board/north/who").status_code == 403
    assert site.client().get("/board/north/who").status_code == 303
    assert guard.get("/board/nowhere/who").status_code == 404
    gate.pages.take_presences()
    assert gate.pages.measured_today.expected == 1  # a person who may not enter is not expected


def test_the_follow_up_of_a_fever_has_the_name_of_the_card_until_it_is_saved(
    gate, site, guard, administrator
):
    person = gate.pages.people.by_number("1").person
    scan = reading(5, "fever", boot=7, at=AT, who="0" * 16)
    site.gateway.commit([ReadingArrived(scan, AT, "north", person=person)])
    page = guard.get("/fevers/north-1/7/5").text
    assert 'name="person" maxlength="64" autocomplete="off" value="王小明"' in page
    assert 'value="计应2301"' in page and "ask whether it is the person" in page
    assert "王小明" not in guard.get("/fevers/north-1/1/2").text
    day = datetime.fromtimestamp(AT, gate.pages.settings.zone).date()
    for path in (f"/admin/log.csv?date={day}", f"/admin/fevers.csv?from={day}&to={day}"):
        plain, with_names = (administrator.get(path + more).text for more in ("", "&names=1"))
        assert "王小明" not in plain
        (row,) = [row for row in with_names.splitlines() if "王小明" in row]
        assert "计应2301" in row
    assert not gate.pages.store.query("select 1 from follow_ups")


def test_the_page_of_a_kiosk_says_who_tapped_there(gate, administrator):
    (gate.site.settings.folder / "admin.password").write_text("x")
    gate.tap(kiosk="north-1")
    page = administrator.get("/admin/kiosks/north-1").text
    assert "王小明" in page and "may enter" in page
    assert "王小明" not in administrator.get("/admin/kiosks/south-1").text


def test_a_card_at_a_kiosk_of_no_gate_is_shown_nowhere(gate):
    passers = Passers(gate.site.settings, gate.pages.cards, Clock(AT))
    assert not passers.tapped("stray", CardTapped(boot=7, tap=1, who=sealed(TAP, 1)))
    assert isinstance(gate.pages.cards, Cards)
