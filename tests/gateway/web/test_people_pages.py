"""The pages for the duty list, tokens, the audit, the accounts and one's own password."""

import re

from pages_site import GOOD, OURS, csrf, post

from fevergate.people.changes import ListEntry, PeopleChanges
from fevergate.web_common.tokens import Tokens


def test_the_guard_chooses_a_name_of_the_duty_list(site, administrator, guard):
    post(administrator, "/admin/duty", "/admin/people", name="Liu Yang", gate="north")
    post(administrator, "/admin/duty", "/admin/people", name="赵敏", gate="")
    post(administrator, "/admin/duty", "/admin/people", name="Sun", gate="south")
    (choice,) = re.findall(r'<select id="by".*?</select>', guard.get("/board/north").text)
    names = re.findall(r"<option>([^<]+)</option>", choice)
    assert names == ["Zhang", "Liu Yang", "赵敏"]
    calls = []
    site.pages.live.acknowledge = lambda gate, press: calls.append((gate, press.by)) or True
    on_board = {"since": "1795400000", "fevers": "1"}
    answer = post(guard, "/board/north/acknowledge", "/account", by="赵敏", **on_board)
    assert answer.status_code == 200
    assert calls == [("north", "赵敏")]
    answer = post(guard, "/board/north/acknowledge", "/account", by="Sun")
    assert answer.status_code == 400 and len(calls) == 1


def test_the_duty_list_takes_no_nonsense_and_can_be_shortened(site, administrator):
    for name, gate in (("", ""), ("x" * 33, ""), ("<b>", ""), ("Liu", "west")):
        answer = post(administrator, "/admin/duty", "/admin/people", name=name, gate=gate)
        assert answer.status_code == 400
    post(administrator, "/admin/duty", "/admin/people", name="Liu", gate="")
    post(administrator, "/admin/duty", "/admin/people", name="Liu", gate="", action="remove")
    assert site.pages.duty.everybody() == []


def test_a_token_is_shown_once_and_opens_what_it_is_for_until_it_is_revoked(site, administrator):
    form = {"name": "clinic", "days": "30", "scope-log": "1"}
    page = post(administrator, "/admin/tokens", **form).text
    (secret,) = re.findall(r"<code>(fg_[\w-]+)</code>", page)
    assert secret not in administrator.get("/admin/tokens").text
    raw = (site.settings.folder / "web.db-wal").read_bytes()
    assert secret.encode() not in raw and secret.removeprefix("fg_").encode() not in raw
    program = site.client()
    headers = {"Authorization": f"Bearer {secret}"}
    assert program.get("/api/v1/log", headers=headers).status_code == 200
    assert program.get("/api/v1/audit", headers=headers).status_code == 403
    (token,) = site.pages.tokens.all()
    assert token.used_at and token.by == "李伟"
    site.pages.tokens.issue("bureau", ["log"], 30, "李伟")
    assert [token.name for token in site.pages.tokens.all()] == ["bureau", "clinic"]
    post(administrator, "/admin/tokens", action="revoke", id=str(token.id))
    assert program.get("/api/v1/log", headers=headers).status_code == 401
    assert [token.name for token in site.pages.tokens.all()] == ["bureau"]


def test_a_token_works_for_its_days_and_not_by_a_clock_set_back_before_it_was_made(site):
    now = [1000.0]
    tokens = Tokens(site.pages.store, lambda: now[0])
    secret = tokens.issue("clinic", ["log"], 1, "李伟")
    for since_s, works in ((0, True), (86399, True), (86400, False), (-60, True), (-61, False)):
        now[0] = 1000.0 + since_s
        assert bool(tokens.find(secret)) is works, since_s


def test_the_list_tells_to_the_minute_when_a_token_was_last_used(site):
    now = [1000.0]
    tokens = Tokens(site.pages.store, lambda: now[0])
    secret = tokens.issue("clinic", ["log"], 1, "李伟")
    for since_s, used_s in ((0, 0), (60, 0), (61, 61)):
        now[0] = 1000.0 + since_s
        assert tokens.find(secret)
        assert [token.used_at for token in tokens.all()] == [1000.0 + used_s]


def test_a_token_ends_with_whoever_made_it(site, administrator):
    site.pages.accounts.add("Chen", GOOD, "administrator")
    by = {
        name: site.pages.tokens.issue("clinic", ["persons"], 400, name) for name in ("Chen", "李伟")
    }
    assert site.pages.tokens.find(by["Chen"])
    post(administrator, "/admin/people", action="remove", name="Chen")
    assert site.pages.tokens.find(by["Chen"]) is None and site.pages.tokens.find(by["李伟"])


def test_a_token_without_scope_or_with_too_long_a_life_is_refused(site, administrator):
    form = {"name": "clinic", "days": "30", "scope-log": "1"}
    for change in ({"name": ""}, {"days": "401"}, {"days": "0"}, {"days": "²"}, {"scope-log": ""}):
        assert post(administrator, "/admin/tokens", **form | change).status_code == 400
    assert site.pages.tokens.all() == []


def test_the_audit_tells_who_did_what_and_that_somebody_looked(administrator, site):
    for n in range(120):
        site.pages.store.note("Zhang", "acknowledge", f"north by {n}")
    page = administrator.get("/admin/audit").text
    assert "north: 119" in page and "north: 2<" not in page
    (older,) = re.findall(r'href="(/admin/audit\?before=\d+)"', page)
    assert "north: 2<" in administrator.get(older).text
    assert ("李伟", "look at audit", "") in site.audit()
    assert administrator.get("/admin/audit?before=x'--").status_code == 200


def test_changing_the_own_password_signs_the_person_out_everywhere(site, guard):
    second = site.client("Zhang")
    new = "another good password"
    answer = post(guard, "/account", old_password="wrong", password=new)
    assert answer.status_code == 400 and "present password is wrong" in answer.text
    answer = post(guard, "/account", old_password=GOOD, password="short")
    assert answer.status_code == 400
    assert post(guard, "/account", old_password=GOOD, password=new).status_code == 303
    for client in (guard, second):
        assert client.get("/board/north").headers["location"].startswith("/sign-in")
    form = {"name": "Zhang", "password": new}
    assert site.client().post("/sign-in", data=form, headers=OURS).status_code == 303


def test_night_is_chosen_and_kept(site):
    client = site.client()
    answer = client.get("/theme?to=night&back=/sign-in")
    assert answer.headers["location"] == "/sign-in"
    assert 'data-theme="night"' in client.get("/sign-in").text
    client.get("/theme?to=<script>")
    assert 'data-theme="night"' in client.get("/sign-in").text


def test_a_person_that_was_removed_is_out_at_once(site, administrator, guard):
    assert guard.get("/board/north").status_code == 200
    data = {"csrf": csrf(administrator, "/admin/people"), "name": "Zhang", "action": "remove"}
    administrator.post("/admin/people", data=data, headers=OURS)
    assert guard.get("/board/north").status_code == 303
    assert ("李伟", "remove person", "Zhang") in site.audit()


def test_a_tutor_sees_nothing_but_the_own_page(site, administrator):
    form = {"name": "Chen", "password": GOOD, "role": "tutor", "units": "软件 2101\r\n软件 2102"}
    assert post(administrator, "/admin/people", **form | {"units": ""}).status_code == 400
    assert post(administrator, "/admin/people", **form).status_code == 303
    assert "软件 2101 · 软件 2102" in administrator.get("/admin/people").text
    tutor = site.client("Chen")
    assert tutor.get("/").headers["location"] == "/roll"
    for path in (
        *("/board/north", "/board/north/fevers", "/events", "/admin/log", "/admin/people"),
        *("/fevers/north-1/1/2", "/fevers", "/rollers", "/api/v1/log", "/api/v1/people"),
    ):
        assert tutor.get(path).status_code in (401, 403), path
    assert tutor.post("/board/north/acknowledge", headers=OURS).status_code == 403
    assert "/board/" not in tutor.get("/account").text
    change = {"action": "units", "name": "Chen", "units": "软件 2103"}
    assert post(administrator, "/admin/people", **change).status_code == 303
    assert site.pages.accounts.tutors() == {"Chen": ("软件 2103",)}
    assert ("李伟", "set units", "Chen: 软件 2103") in site.audit()


def test_a_tutor_gets_no_unit_that_nobody_of_the_list_is_in(site, administrator):
    listed = [
        ListEntry(number=f"{n}", name="学生", kind="student", campus=campus, unit="软件 2101")
        for n, campus in enumerate(("east", "west"))
    ]
    PeopleChanges(site.pages.people).replace(listed)
    form = {"name": "Chen", "password": GOOD, "role": "tutor"}
    refused = post(administrator, "/admin/people", **form, units="软件 2101\neats/软件 2101")
    assert refused.status_code == 400 and "CAMPUS/UNIT: eats/软件 2101</p>" in refused.text
    assert "Chen" not in site.pages.accounts.tutors()
    units = "east/软件 2101\n 软件  2101 \n"
    assert post(administrator, "/admin/people", **form, units=units).status_code == 303
    change = {"action": "units", "name": "Chen", "units": "软件 2110"}
    assert post(administrator, "/admin/people", **change).status_code == 400
    assert site.pages.accounts.tutors() == {"Chen": ("east/软件 2101", "软件 2101")}
