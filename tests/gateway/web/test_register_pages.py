"""Registers on the pages: who may keep them, whose data each role is shown, and what is due."""

import io
import re

import openpyxl
import pytest
from campus_site import local
from pages_site import Site, post
from register_helpers import LOAN, VISITOR, hidden

from fevergate.registers.declarations import load_registers
from fevergate.web_common.register_pages import RegisterPages


@pytest.fixture
def site(tmp_path):
    (tmp_path / "registers.toml").write_text(LOAN)
    site = Site(tmp_path)
    clock(site, "2026-11-23 21:00")
    yield site
    site.close()


def clock(site, text):
    """Set the clock of the pages to `text` (local time)."""
    at = local(text)
    site.pages.clock.now = lambda: at
    site.pages.store._now = lambda: at
    site.pages.registers = site.pages.registers._replace(now=lambda: at)
    for route in site.pages.app.routes:
        owner = getattr(getattr(route, "endpoint", None), "__self__", None)
        if isinstance(owner, RegisterPages):
            owner._registers = site.pages.registers


def enter(client, register, **fields):
    path = f"/registers/{register}"
    form = {f"field-{name}": value for name, value in fields.items()}
    form |= {"id": hidden(client, path, "id"), "gate": "north"}
    return post(client, path, **form)


def test_a_guard_lets_a_visitor_in_and_out_and_sees_no_name_after(site):
    guard = site.client("Zhang")
    assert enter(guard, "visitors", **VISITOR).status_code == 303
    page = guard.get("/registers/visitors").text
    assert "王小明" in page and "13800000001" in page and "Open: 1" in page
    (entry,) = site.pages.entries.holding("visitors", local("2026-11-23 21:00"))
    path = f"/registers/visitors/{entry.id}"
    assert guard.get(path).status_code == 200
    assert post(guard, path, action="close", revision="1").status_code == 303
    page = guard.get("/registers/visitors").text
    assert "None is open" in page and "王小明" not in page
    assert guard.get(path).status_code == 403
    assert post(guard, path, action="reopen", revision="2").status_code == 303  # closed by mistake
    assert "王小明" in guard.get("/registers/visitors").text
    done = [action for _, action, detail in site.audit() if detail.startswith("visitors")]
    assert {"look at register", "enter", "look at entry", "close entry", "reopen entry"} <= {*done}
    assert not [detail for _, _, detail in site.audit() if "王小明" in detail]


def test_a_guard_cannot_reopen_an_entry_of_another_day(site):
    guard, admin = site.client("Zhang"), site.client("李伟")
    enter(guard, "visitors", **VISITOR)
    (entry,) = site.pages.entries.holding("visitors", local("2026-11-23 21:00"))
    path = f"/registers/visitors/{entry.id}"
    post(guard, path, action="close", revision="1")
    clock(site, "2026-11-24 07:00")
    assert post(guard, path, action="reopen", revision="2").status_code == 403
    assert guard.get(path).status_code == 403
    assert "王小明" not in guard.get("/registers/visitors").text
    assert post(admin, path, action="reopen", revision="2").status_code == 303


def test_more_than_a_thousand_who_never_signed_out_are_counted_and_the_newest_listed(site):
    guard = site.client("Zhang")
    enter(guard, "visitors", **VISITOR)
    with site.pages.store.transaction() as connection:
        for n in range(1, 1201):
            connection.execute(
                'insert into entries select register, ?, revision, first_at - 86400, at, "by",'
                " gate, fields, '', subject, amount, opened_at - 86400 - ?, closed_at, forgotten"
                " from entries where id > 2000",
                (n, n),
            )
    page = guard.get("/registers/visitors").text
    assert "Open: 1201" in page and "… and 201 more" in page and VISITOR["name"] in page
    assert "Still open at closing time (22:00): 1200" in page
    assert "Still open at closing time: 1200" in guard.get("/registers").text


def test_who_is_still_inside_at_closing_time_is_said(site):
    guard = site.client("Zhang")
    enter(guard, "visitors", **VISITOR, until="2026-11-23T21:30")
    assert "Nothing is due" in guard.get("/registers").text
    clock(site, "2026-11-23 21:45")
    assert "late" in guard.get("/registers/visitors").text
    clock(site, "2026-11-23 22:05")
    assert "Still open at closing time: 1" in guard.get("/registers").text
    assert "still open at closing time" in guard.get("/registers/visitors").text
    clock(site, "2026-11-24 07:00")
    assert "Still open at closing time (22:00): 1" in guard.get("/registers/visitors").text


def test_each_lens_and_gate_is_due_for_disinfection_every_day(site):
    guard = site.client("Zhang")
    places = site.pages.registers.places("en")
    assert {"north", "north/north-1"} <= set(places)
    assert f"Not done today: {len(places)}" in guard.get("/registers").text
    for place in places:
        done = enter(guard, "disinfection", place=place, agent="alcohol", by="Li Wei")
        assert done.status_code == 303
    assert "All of today is done" in guard.get("/registers/disinfection").text
    clock(site, "2026-11-24 00:01")
    assert "Not done today" in guard.get("/registers/disinfection").text


def test_supplies_are_summed_and_low_ones_are_said(site):
    guard = site.client("Zhang")
    for amount in ("1000", "-450,5"):
        assert enter(guard, "supplies", item="masks", amount=amount).status_code == 303
    assert "549.5" in guard.get("/registers/supplies").text
    assert "Low" not in guard.get("/registers").text
    enter(guard, "supplies", item="masks", amount="-49.5")
    assert "Low: Masks" in guard.get("/registers").text


def test_a_fifth_register_of_a_site_needs_no_code(site):
    guard = site.client("Zhang")
    assert "Thermometers on loan" in guard.get("/registers").text
    assert enter(guard, "thermometers", number="7", borrower="周敏").status_code == 303
    page = guard.get("/registers/thermometers").text
    assert "周敏" in page and "Given back" in page
    chinese = site.client("Zhang", language="zh").get("/registers/thermometers").text
    assert "体温计借用" in chinese and "归还" in chinese


def test_a_wrong_value_is_said_at_its_field_and_nothing_typed_is_lost(site):
    guard = site.client("Zhang")
    answer = enter(guard, "visitors", **VISITOR, celsius="50")
    assert answer.status_code == 400
    assert 'aria-invalid="true"' in answer.text and "王小明" in answer.text
    assert site.pages.entries.count("visitors", 0, 1e12) == 0


def test_the_same_form_twice_is_one_entry(site):
    guard = site.client("Zhang")
    form = {"field-item": "masks", "field-amount": "5"}
    form["id"] = hidden(guard, "/registers/supplies", "id")
    for _ in range(2):
        assert post(guard, "/registers/supplies", **form).status_code == 303
    assert site.pages.entries.sums("supplies") == {"masks": 5}


def test_an_administrator_looks_back_searches_corrects_and_exports(site):
    guard, admin = site.client("Zhang"), site.client("李伟")
    enter(guard, "visitors", **VISITOR)
    enter(guard, "visitors", **VISITOR | {"name": "Liu Yang"})
    path = "/admin/registers/visitors"
    assert guard.get(path).status_code == 403
    page = admin.get(path).text
    assert "王小明" in page and "Liu Yang" in page and "Entries: 2" in page
    answer = post(admin, path, text="小明", **{"from": "2026-11-20", "to": "2026-11-23"})
    assert "王小明" in answer.text and "Liu Yang" not in answer.text
    link = re.search(r"/registers/visitors/\d+", answer.text)
    assert link
    form = {f"field-{name}": value for name, value in VISITOR.items()} | {"field-why": "维修"}
    done = post(admin, link[0], action="correct", revision="1", gate="north", **form)
    assert done.status_code == 303
    assert "Revisions" in admin.get(link[0]).text
    audit = [(action, detail) for _, action, detail in site.audit()]
    assert ("correct entry", f"{link[0][11:].replace('/', ' ')} why") in audit
    assert not [detail for _, detail in audit if "小明" in detail]
    number = link[0].rpartition("/")[2]
    for language, words in (("en", f"Visitors {number} Why"), ("zh", f"访客登记 {number} 事由")):
        text = site.client("李伟", language).get("/admin/audit").text
        assert f">{words}<" in text


def test_exports_have_names_only_where_they_are_asked_for(site):
    guard, admin = site.client("Zhang"), site.client("李伟")
    enter(guard, "visitors", **VISITOR, celsius="36.5")
    for kind in ("csv", "json", "xlsx", "pdf"):
        path = f"/admin/registers/visitors.{kind}?from=2026-11-23&to=2026-11-23"
        assert guard.get(path).status_code == 403
        plain, with_names = admin.get(path), admin.get(f"{path}&names=1")
        assert plain.status_code == with_names.status_code == 200
        if kind in ("csv", "json"):
            assert "36.5" in plain.text
            assert "王小明" not in plain.text and "王小明" in with_names.text
    book = openpyxl.load_workbook(io.BytesIO(named_xlsx(admin)))
    values = {str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row}
    assert {"王小明", "13800000001", "36.5"} <= values
    files = [detail for _, action, detail in site.audit() if action == "take register"]
    assert "visitors-with-names-2026-11-23-2026-11-23.csv" in files


CHANGED = """
[visitors]
title = "访客登记"
title_en = "Visitors"
gate = "one"
open = true

[visitors.fields]
name = { title = "姓名", title_en = "Name" }
phone = { title = "电话", title_en = "Telephone", type = "number" }
unit = { title = "单位", title_en = "Unit", type = "time" }
"""


def test_what_was_entered_as_personal_stays_so_when_the_declaration_is_changed(site):
    guard, admin = site.client("Zhang"), site.client("李伟")
    enter(guard, "visitors", **VISITOR)
    (entry,) = site.pages.entries.holding("visitors", local("2026-11-23 21:00"))
    post(guard, f"/registers/visitors/{entry.id}", action="close", revision="1")
    (site.settings.folder / "registers.toml").write_text(CHANGED)
    site.pages.entries.registers = load_registers(site.settings.folder)
    values = [*VISITOR.values(), VISITOR["name"].encode("unicode_escape").decode()]
    assert [value for value in values if value in guard.get("/registers/visitors").text] == []
    for kind in ("csv", "json"):
        path = f"/admin/registers/visitors.{kind}?from=2026-11-23&to=2026-11-23"
        plain, with_names = admin.get(path).text, admin.get(f"{path}&names=1").text
        assert [value for value in values if value in plain] == []
        assert "王小明" in with_names and "送货" in with_names


def named_xlsx(admin):
    path = "/admin/registers/visitors.xlsx?from=2026-11-23&to=2026-11-23&names=1"
    return admin.get(path).content


def test_a_guard_cannot_open_the_duty_register_nor_entries_or_registers_that_do_not_exist(site):
    guard = site.client("Zhang")
    assert guard.get("/registers/duty").status_code == 403
    assert guard.get("/registers/parking").status_code == 404
    assert guard.get("/registers/visitors/17").status_code == 404
    assert "Duty" not in re.sub(r"(?s)<header>.*</header>", "", guard.get("/registers").text)
    assert "Duty" in site.client("李伟").get("/registers").text
