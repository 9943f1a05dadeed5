"""A gateway without a campus server tells its contacts of a confirmed fever, through a real mail
server and a real webhook."""

import time
from contextlib import closing
from datetime import datetime
from types import SimpleNamespace

import pytest
from campus_site import local
from notice_helpers import MailServer, WebServer, contact, reply
from pages_site import FEVER, Site, post
from people_helpers import entry
from register_helpers import VISITOR
from samples import AT, arrived

import fevergate.web.clock
from fevergate.operations import doctor_notices
from fevergate.people.changes import ListEntry, PeopleChanges
from fevergate.people.marks import NewMark
from fevergate.protocol.messages import Identity
from fevergate.reports.fevers import unacknowledged
from fevergate.settings.contacts import NoticeTimes
from fevergate.settings.gateway import CampusServerSettings
from fevergate.storage.records import Acknowledged
from fevergate.web.confirmed_fevers import confirmed_fevers
from fevergate.web.notice_thread import NoticeThread
from fevergate.web_common.middleware import LANGUAGE

MEASURED = {"clinical_c": "38.9", "clinical_site": "axillary", "outcome": "clinic"}


class Alone(Site):
    """A gateway without a campus server, whose clock the test sets. Its contact `Chen` gets mail,
    `Zhou` and `Li` are reached by webhooks; `Li` is the next level."""

    def __init__(self, folder, mail, web):
        contacts = [
            contact("Chen", "email", language="en"),
            contact("Zhou", address=f"{web.url}/hook/secret-zhou"),
            contact("Li", address=f"{web.url}/hook/secret-li", level=2),
        ]
        times = NoticeTimes(again_min=10, next_level_min=20)
        super().__init__(folder, contacts=contacts, smtp=mail.smtp(), escalation=times)
        self.mail, self.web = mail, web
        self.thread = NoticeThread(self.pages)

    def measure(self, client, **fields):
        form = MEASURED | fields | {"person": "王芳", "action": "close", "note": "x"}
        assert post(client, FEVER, **form).status_code == 303

    def addressees(self):
        """Run three rounds of the notice thread; return the mail addresses and the webhook paths
        that were told in them."""
        before = len(self.mail.mails), len(self.web.posted)
        for _ in range(3):
            self.thread.tick()
        mails = [mail["To"] for mail in self.mail.mails[before[0] :]]
        hooks = [path for path, _ in self.web.posted[before[1] :]]
        return sorted(mails), sorted(hooks)


@pytest.fixture
def now(monkeypatch):
    at = SimpleNamespace(at=AT + 300)
    watch = SimpleNamespace(time=lambda: at.at, monotonic=time.monotonic)
    monkeypatch.setattr(fevergate.web.clock, "time", watch)
    return at


@pytest.fixture
def alone(tmp_path, now):
    with MailServer() as mail, WebServer() as web:
        site = Alone(tmp_path, mail, web)
        yield site
        site.close()


def test_mail_and_webhook_arrive_at_once_and_name_nobody(alone):
    guard = alone.client("Zhang")
    assert alone.addressees() == ([], [])
    alone.measure(guard)
    assert alone.addressees() == (["Chen@example.edu.cn"], ["/hook/secret-zhou"])
    (mail,), ((_, hook),) = alone.mail.mails, alone.web.posted
    assert "38.9 °C" in mail.get_content() and "gate north" in mail["Subject"]
    assert hook["kind"] == "confirmed" and hook["campus"] == "east" and "38.9 °C" in hook["body"]
    assert "王芳" not in mail.get_content() + str(hook)


def test_a_fever_that_a_tutor_enters_is_told_at_once_and_names_nobody(alone, now):
    PeopleChanges(alone.pages.people).replace([entry("1", "王小明", unit="软件 2301")])
    (person,) = alone.pages.people.find("1", 1)
    today = alone.pages.clock.today()
    hot = NewMark(person=person.person, clinical_c=38.9)
    alone.pages.marks.enter(today, [hot], "Chen")
    assert alone.addressees() == (["Chen@example.edu.cn"], ["/hook/secret-zhou"])
    (mail,) = alone.mail.mails
    text = mail["Subject"] + mail.get_content()
    assert "38.9 °C" in text and "unit 软件 2301" in text and "王小明" not in text
    key = alone.web.posted[-1][1]["key"]
    _, hand, day, case, *_ = key.split("/")
    assert (hand, day) == ("hand", today.isoformat()) and len(case) == 16
    warmer = NewMark(person=person.person, clinical_c=39.1)
    alone.pages.marks.enter(today, [warmer], "Chen")
    assert [fever.key for fever in confirmed_fevers(alone.pages)] == [
        f"confirmed/hand/{day}/{case}"
    ]
    assert "软件 2301 · by hand" in alone.client("Zhang").get("/told").text
    taken_back = NewMark(person=person.person, take_back="another's row")
    alone.pages.marks.enter(today, [taken_back], "Chen")
    assert alone.addressees() == (["Chen@example.edu.cn"], ["/hook/secret-zhou"])
    assert "taken back" in alone.mail.mails[-1].get_content()


def test_each_of_many_fevers_by_hand_is_told_and_none_is_called_corrected(alone, now):
    """A flood of fevers from one kiosk is cut off. Fevers entered by hand are not: each belongs to
    a person of the list, and the newest person is as ill as the first."""
    PeopleChanges(alone.pages.people).replace([entry(str(n)) for n in range(70)])
    people = [alone.pages.people.by_number(str(n)).person for n in range(70)]
    today = alone.pages.clock.today()
    for half in (people[:50], people[50:]):
        hot = [NewMark(person=person, clinical_c=38.9) for person in half]
        alone.pages.marks.enter(today, hot, "Chen")
        alone.pages.cases.follow(confirmed_fevers(alone.pages))
        now.at += 60
    assert len(alone.pages.cases.waiting()) == 70


def test_a_gateway_with_its_own_list_itself_tells_how_many_are_unmeasured(alone, now):
    settings = alone.settings
    settings.escalation.unmeasured_at = [f"{datetime.fromtimestamp(now.at, settings.zone):%H:%M}"]
    alone.thread = NoticeThread(alone.pages)
    PeopleChanges(alone.pages.people).replace([entry("1"), entry("2")])
    settings.campus_server = CampusServerSettings(url="https://province.example", own_list=False)
    assert alone.addressees() == ([], []), "the campus server tells it"
    settings.campus_server.own_list = True
    assert alone.addressees() == (["Chen@example.edu.cn"], ["/hook/secret-zhou"])
    assert "not measured" in alone.mail.mails[-1]["Subject"]


def test_only_a_fever_that_nobody_acknowledges_is_told_and_then_told_to_the_next_level(alone, now):
    alone.settings.escalation.fever_after_min = 15
    now.at = AT + 130
    alone.gateway.commit([arrived(8, "fever", body_c=38.6), arrived(9, "fever")])
    raised_at = max(row["raised_at"] for row in alone.gateway.db["fevers"].rows)
    alone.gateway.commit([Acknowledged((Identity("north-1", 1, 9),), "Zhang", raised_at + 60)])
    now.at = raised_at + 899
    assert alone.addressees() == ([], [])
    now.at = raised_at + 911
    assert alone.addressees() == (["Chen@example.edu.cn"], ["/hook/secret-zhou"])
    (mail,) = alone.mail.mails
    assert "fever not acknowledged" in mail["Subject"] and "38.6 °C" in mail.get_content()
    now.at += 1200
    assert alone.addressees() == ([], ["/hook/secret-li"]), "the next level, and nobody twice"
    alone.gateway.commit([arrived(10, "fever")])
    newest = max(row["raised_at"] for row in alone.gateway.db["fevers"].rows)
    now.at = newest + 900 + 24 * 3600 + 11
    assert alone.addressees() == ([], []), "nobody is sent to the gate for what is a day old"


def test_a_flood_of_one_kiosk_hides_no_fever_of_another(tmp_path):
    with closing(Site(tmp_path)) as site:
        flood = [arrived(100 + n, "fever") for n in range(60)]
        site.gateway.commit([*flood, arrived(5, "fever", kiosk="north-2")])
        with site.pages.reader() as reader:
            waiting = unacknowledged(reader, 0.0, 1e12, 50)
    kiosks = [identity.kiosk for identity in waiting]
    assert (kiosks.count("north-1"), kiosks.count("north-2")) == (50, 1)


def test_a_case_is_told_again_and_to_the_next_level_until_somebody_takes_it(alone, now):
    guard = alone.client("Zhang")
    alone.measure(guard)
    alone.addressees()
    now.at += 599
    assert alone.addressees() == ([], [])
    now.at += 1
    assert alone.addressees() == (["Chen@example.edu.cn"], ["/hook/secret-zhou"])
    now.at += 600
    hooks = ["/hook/secret-li", "/hook/secret-zhou"]
    assert alone.addressees() == (["Chen@example.edu.cn"], hooks)
    page = guard.get("/told").text
    assert "Confirmed fever: nobody" in page and "38.9 °C" in page
    assert post(guard, "/told", key="confirmed/north-1/1/2").status_code == 303
    now.at += 3600
    assert alone.addressees() == ([], [])
    page = guard.get("/told").text
    assert "Zhang in charge since" in page and "Confirmed fever: nobody" not in page
    assert ("Zhang", "take case", "north-1/1/2 by Zhang") in alone.audit()


def test_who_took_a_case_is_forgotten_and_the_page_still_says_that_somebody_had_it(alone, now):
    alone.measure(alone.client("Zhang"))
    alone.addressees()
    (case,) = alone.pages.cases.waiting()
    alone.pages.cases.take(case.fever.key, "赵敏")
    assert alone.pages.cases.forget(now.at - 86400) == 0
    assert alone.pages.cases.forget(now.at + 1) == 1
    page = alone.client("Zhang").get("/told").text
    assert "… in charge since" in page and "赵敏" not in page


def test_a_measurement_that_is_no_fever_is_told_to_nobody(alone):
    alone.measure(alone.client("Zhang"), clinical_c="36.8", outcome="released")
    assert alone.addressees() == ([], [])


def test_the_page_says_what_came_back_and_hides_the_addresses_secret(alone):
    alone.mail.refuse["RCPT"] = "550 no such mailbox"
    alone.web.answer = lambda to: reply(to, 500, b"no room")
    guard = alone.client("Zhang")
    alone.measure(guard)
    alone.addressees()
    page = guard.get("/told").text
    assert "550 no such mailbox" in page and "HTTP 500: no room" in page
    assert "secret-zhou" not in page and "waits, 1 tries" in page


def test_the_chinese_page_explains_why_the_mail_server_refused(alone):
    alone.mail.refuse["RCPT"] = "535 5.7.8 authentication failed"
    guard = alone.client("Zhang")
    alone.measure(guard)
    alone.addressees()
    guard.cookies.set(LANGUAGE, "zh")
    page = guard.get("/told").text
    assert "用户名或密码不被接受（" in page and "535 5.7.8 authentication failed" in page


def test_a_guard_at_the_board_sees_that_a_case_waits_until_somebody_takes_it(alone):
    guard = alone.client("Zhang")
    alone.measure(guard)
    alone.addressees()
    assert alone.pages.confirmed_waiting == 1
    post(guard, "/told", key="confirmed/north-1/1/2", by="nobody of the list")
    assert alone.pages.confirmed_waiting == 0
    (case,) = alone.pages.cases.recent()
    assert case.taken_by == "Zhang"


def test_by_night_only_the_contact_on_night_duty_is_told(alone, now):
    for night_contact in alone.settings.contacts[:2]:
        night_contact.on_duty = True
    alone.pages.duty.add("Chen", "north", now.at - 36000, now.at + 100)
    alone.pages.duty.add("Zhou", "", now.at + 100, now.at + 43300)
    now.at += 100  # the shift changes
    alone.measure(alone.client("Zhang"))
    assert alone.addressees() == ([], ["/hook/secret-zhou"])


def test_whoever_is_on_duty_may_be_named_as_having_it(alone):
    alone.pages.duty.add("赵敏", "north")
    guard = alone.client("Zhang")
    alone.measure(guard)
    alone.addressees()
    assert "<option>赵敏</option>" in guard.get("/told").text
    post(guard, "/told", key="confirmed/north-1/1/2", by="赵敏")
    (case,) = alone.pages.cases.recent()
    assert case.taken_by == "赵敏"


def test_a_gateway_without_contacts_shows_no_such_page_in_its_navigation(tmp_path):
    site = Site(tmp_path)
    guard = site.client("Zhang")
    assert 'href="/told"' not in guard.get("/account").text
    assert "No contact is set" in guard.get("/told").text
    site.close()


def test_the_page_and_doctor_warn_that_nobody_is_told_of_a_confirmed_fever(
    tmp_path, now, monkeypatch
):
    monkeypatch.setattr(doctor_notices, "time", SimpleNamespace(time=lambda: now.at))
    with closing(Site(tmp_path)) as site:

        def doctor():
            return [f.text[1] for f in doctor_notices.notices(site.settings)]

        guard = site.client("Zhang")
        assert "No contact is set" in guard.get(FEVER).text
        assert len(doctor()) == 1 and "nobody is notified of a confirmed fever" in doctor()[0]
        low = MEASURED | {"clinical_c": "36.8", "outcome": "released"}
        post(guard, FEVER, **low, action="save")
        assert "nobody notified" not in guard.get("/board/north").text
        post(guard, FEVER, **MEASURED, action="save")
        assert "! nobody notified" in guard.get("/board/north").text
        assert "未通知任何人" in site.client("李伟", "zh").get("/board/north").text
        PeopleChanges(site.pages.people).replace([entry("1")])
        (person,) = site.pages.people.find("1", 1)
        hot = NewMark(person=person.person, clinical_c=38.9)
        site.pages.marks.enter(site.pages.clock.today(), [hot], "Chen")
        assert doctor()[1].startswith("2 confirmed fever(s)")
        site.settings.contacts = [contact("Chen", kinds=["report"])]
        assert "nobody was notified" in doctor()[1] and "1 contact(s)" in doctor()[2]
        site.settings.contacts = [contact("Chen")]
        assert len(doctor()) == 1 and "1 contact(s)" in doctor()[0]
        assert "nobody notified" not in guard.get("/board/north").text
        assert "No contact is set" not in guard.get(FEVER).text
        site.settings.contacts.clear()
        now.at += 24 * 3600 + 1
        assert "nobody notified" not in guard.get("/board/north/fevers?of=open").text
        assert len(doctor()) == 1


def test_doctor_says_whether_the_mail_server_lets_the_gateway_in(alone):
    def states():
        return [finding.state for finding in doctor_notices.notices(alone.settings)]

    assert states() == ["ok", "ok"] and alone.mail.mails == []
    alone.settings.smtp = alone.mail.smtp(username="fevergate")
    assert states() == ["ok", "failed"]  # there is no password file


def test_at_the_set_hour_it_is_told_how_many_of_the_list_are_not_measured(alone, now):
    PeopleChanges(alone.pages.people).replace(
        [ListEntry(number=f"2026{n}", name="王芳", kind="student") for n in range(3)]
    )
    now.at = local("2026-11-25 09:59")
    assert alone.addressees() == ([], [])
    now.at = local("2026-11-25 10:01")
    assert alone.addressees() == (["Chen@example.edu.cn"], ["/hook/secret-zhou"])
    (mail,), ((_, hook),) = alone.mail.mails, alone.web.posted
    assert "3 not measured" in mail["Subject"] and hook["kind"] == "unmeasured"
    assert "王芳" not in mail.get_content() + str(hook)
    now.at = local("2026-11-25 10:59")
    assert alone.addressees() == ([], [])


def test_doctor_names_a_contact_who_is_never_on_duty(alone):
    alone.settings.contacts[0].on_duty = alone.settings.contacts[1].on_duty = True
    alone.pages.duty.add("Zhou", "", AT, AT + 1e9)
    warnings = [f for f in doctor_notices.notices(alone.settings) if f.state == "warning"]
    assert [finding.text[1].rpartition(": ")[2] for finding in warnings] == ["Chen"]


def test_visitors_still_inside_at_closing_time_are_told_to_the_contact_on_duty_there(alone, now):
    chen, zhou, _ = alone.settings.contacts
    chen.on_duty = zhou.on_duty = True
    now.at = local("2026-11-24 21:00")
    for name, gate in (("Chen", "north"), ("Zhou", "south")):
        alone.pages.duty.add(name, gate, now.at - 3600, now.at + 36000)
    registers = alone.pages.registers
    new = registers.form().read(registers.entries.register("visitors"), VISITOR, "north")
    first = registers.entries.add("visitors", new, "Zhang")
    registers.entries.add("visitors", new, "Zhang")
    registers.entries.close("visitors", first.id, "Zhang", 1)
    now.at = local("2026-11-24 21:59")
    assert alone.addressees() == ([], [])
    now.at = local("2026-11-24 22:00")
    assert alone.addressees() == (["Chen@example.edu.cn"], [])
    mail = alone.mail.mails[-1]
    text = mail["Subject"] + mail.get_content()
    assert "1 still open at closing time" in text and "gate north" in text and "Visitors" in text
    assert VISITOR["name"] not in text
    now.at = local("2026-11-24 22:30")
    assert alone.addressees() == ([], []), "once a day"
    now.at = local("2026-11-25 07:00")
    assert alone.addressees() == ([], [])
