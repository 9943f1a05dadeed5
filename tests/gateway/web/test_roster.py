"""When a roster is uploaded, its changes are shown before they are made and a bad row is named.
Guards may not upload one."""

import re
from html import unescape

from pages_site import OURS, csrf

from fevergate.people.list_table import only_reader

ROSTER = "name,gate,from,to\nChen,North,2999-01-01 08:00,2999-01-01 20:00\n"


def upload(client, content, **fields):
    data = {"csrf": csrf(client, "/admin/roster")} | fields
    files = {"file": ("roster.csv", content.encode(), "text/csv")}
    return client.post("/admin/roster", data=data, files=files, headers=OURS)


def test_a_rosters_changes_are_shown_and_then_made(site, administrator):
    page = upload(administrator, ROSTER.replace("North", "north"))
    assert page.status_code == 200 and "<strong>1</strong> added" in page.text
    assert site.pages.duty.everybody() == []
    (planned,) = re.findall(r'name="planned" value="([^"]+)"', page.text)
    answer = upload(administrator, "", action="apply", planned=unescape(planned))
    assert answer.status_code == 303
    (shift,) = site.pages.duty.everybody()
    assert (shift.name, shift.gate, shift.timed) == ("Chen", "north", True)
    assert ("李伟", "import duty", "+1 -0 =0") in site.audit()
    assert "nothing to change" in upload(administrator, ROSTER.replace("North", "north")).text


def test_a_bad_row_is_named_and_nothing_is_taken(site, administrator):
    page = upload(administrator, ROSTER + "Li,west,2999-01-01 08:00,2999-01-01 20:00\n")
    assert page.status_code == 400 and "row 3, column gate: expected one of" in page.text
    assert upload(administrator, "").status_code == 400
    with only_reader("list.xlsx"):
        assert "another file is being read" in upload(administrator, ROSTER).text
    for planned in ("", "[]x", '[{"name": "<b>", "gate": "", "begin": 1, "end": 9e12}]'):
        upload(administrator, "", action="apply", planned=planned)
    assert site.pages.duty.everybody() == []


def test_removing_one_shift_on_the_accounts_page_leaves_the_persons_other_shift(
    site, administrator
):
    now = site.pages.clock.now()
    site.pages.duty.add("Chen", "north", now - 3600, now + 3600)
    site.pages.duty.add("Chen", "north", now + 7200, now + 10800)
    page = administrator.get("/admin/people").text
    shifts = re.findall(r'name="shift" value="(\d+)"', page)
    assert len(shifts) == 2
    form = {"name": "Chen", "gate": "north", "action": "remove", "shift": shifts[0]}
    data = {"csrf": csrf(administrator, "/admin/people")} | form
    administrator.post("/admin/duty", data=data, headers=OURS)
    assert site.pages.duty.at("north") == [] and len(site.pages.duty.everybody()) == 1


def test_a_roster_is_not_for_guards(guard):
    assert guard.get("/admin/roster").status_code == 403
