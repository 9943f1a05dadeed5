"""A month later no name is left at a gateway or a campus server, but counts and fevers are."""

import campus_site
import pytest
from campus_site import Clock
from pages_site import DAY, WHO, Site
from people_helpers import entry
from register_helpers import VISITOR
from samples import AT

from fevergate.campus.app import CampusServer
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.people.changes import PeopleChanges
from fevergate.people.marks import NewMark
from fevergate.web import context
from fevergate.web.follow_ups import FollowUp
from fevergate.web_common.register_words import RegisterSite

DAY_S = 86400
MONTH_S = 31 * DAY_S
PATIENT = "吴晓妍"
STAYS, LEFT = entry(), entry("2023002", "李芳", telephone="139002")
LENT = {"place": "north", "agent": "uv", "by": "郑德恩"}


def enter_all(registers: RegisterSite) -> None:
    """A visitor, a disinfection and somebody on duty last night."""
    entries, form = registers.entries, registers.form()
    gate = next(iter(registers.gates("en")))
    places = registers.places("en")
    for name, fields, at in (
        ("visitors", VISITOR, gate),
        ("disinfection", LENT | {"place": next(iter(places))}, ""),
        ("duty", {"person": "冯博", "from": f"{DAY}T20:00", "to": "2026-11-24T08:00"}, ""),
    ):
        declared = entries.register(name)
        entries.add(
            name, form.read(declared, fields, at if declared.gate != "none" else ""), "李伟"
        )


SEALED = ("entries", "entry_revisions", "follow_ups", "follow_up_revisions")


def names_in(vault, query, tables) -> str:
    """All sealed values in these tables, opened and joined."""
    rows = [row for table in tables for row in query(f"select sealed from {table}")]  # noqa: S608
    return "".join(str(vault.open(sealed)) for (sealed,) in rows if sealed)


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.close()


def test_at_a_gateway(site, monkeypatch):
    shared, vault = site.pages, Vault(site.settings.folder / KEY)
    PeopleChanges(shared.people).replace([STAYS, LEFT])
    PeopleChanges(shared.people).replace([STAYS], drastic=True)
    persons = {person.name: person.person for person in shared.people.find("2023001", 9)}
    today = shared.clock.today()
    excused = NewMark(person=persons[STAYS.name], excused="flu")
    shared.marks.enter(today, [excused], "Chen")
    shared.follow_ups.save(WHO, FollowUp(clinical_c=38.4, person=PATIENT, phone="138"), "Zhang")
    enter_all(shared.registers)
    log = site.client("李伟").get(f"/admin/log?date={DAY}").text
    before = names_in(vault, shared.store.query, SEALED)
    assert all(name in before for name in (PATIENT, VISITOR["name"], LENT["by"], "冯博"))

    shared.store.note("Zhang", "acknowledge", "north by 冯博")
    now = max(shared.clock.now(), AT) + MONTH_S
    monkeypatch.setattr(context, "last_round", lambda _: now)
    shared.forget_persons()

    assert names_in(vault, shared.store.query, SEALED) == ""
    assert ("Zhang", "acknowledge", "north") in site.audit()
    assert not shared.people_db.query("select 1 from marks")
    assert [person.name for person in shared.people.find("2023001", 9)] == [STAYS.name]
    assert shared.people.find("2023002", 9) == []  # whoever left the list is erased
    assert site.client("李伟").get(f"/admin/log?date={DAY}").text.count("38.4") == log.count("38.4")
    counts = [shared.entries.count(name, 0, now) for name in ("visitors", "disinfection", "duty")]
    assert counts == [1, 1, 1]


def test_at_a_campus_server(tmp_path):
    now = Clock(f"{DAY} 21:00")
    settings = campus_site.settings(tmp_path)
    server = CampusServer(settings, now)
    vault = Vault(settings.path(KEY))
    server.store.keep(campus_site.delivery(campus_site.over(), campus_site.fever()))
    server.store.keep(campus_site.delivery(campus_site.after(person=PATIENT)))
    enter_all(server.registers)
    query, tables = server.pages.audited.query, (*SEALED[:2], "items")
    assert PATIENT in names_in(vault, query, tables) and VISITOR["name"] in names_in(
        vault, query, tables
    )
    server.pages.audited.note("Zhang", "take case", "east/gw-east/north-1/1/1 by 冯博")
    fevers = server.reports.now(DAY).total

    now.at += MONTH_S
    server.clerk.tick()

    assert names_in(vault, query, tables) == ""
    assert [row.what for row in server.pages.audited.audit(1)] == ["east/gw-east/north-1/1/1"]
    assert server.reports.now(DAY).total == fevers
    assert fevers.fevers == 1
    server.close()
