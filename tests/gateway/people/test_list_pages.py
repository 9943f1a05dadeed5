"""The student office keeps the list on pages; a gateway's copy is only for reading."""

import re
from types import SimpleNamespace

import pytest
from campus_site import Clock as CampusTime
from campus_site import settings as campus_settings
from pages_site import GOOD, OURS
from pages_site import Site as GatewaySite
from people_helpers import entry
from starlette.testclient import TestClient

from fevergate.campus.app import CampusServer
from fevergate.people.changes import PeopleChanges
from fevergate.people.copying import ListCopy, page
from fevergate.people.list_table import only_reader
from fevergate.settings.gateway import CampusServerSettings
from harness.made_up_list import as_csv, as_xlsx, made_up


@pytest.fixture(params=["gateway", "campus"])
def office(request, tmp_path):
    """The list's home, a gateway or a campus server: its store, its audit and a function to sign
    in."""
    if request.param == "gateway":
        site = GatewaySite(tmp_path)
        yield SimpleNamespace(
            people=site.pages.people, audited=site.pages.store, client=site.client
        )
        site.close()
        return
    server = CampusServer(campus_settings(tmp_path, "campus.db"), CampusTime("2026-11-24 07:30"))
    server.accounts.begin(server.accounts.invite(), "李伟", GOOD)
    server.accounts.add("Zhang", GOOD, "guard")

    def client(name):
        signed_in = TestClient(server.app, base_url="https://pages", follow_redirects=False)
        signed_in.cookies.set("fevergate-language", "en")
        form = {"name": name, "password": GOOD}
        assert signed_in.post("/sign-in", data=form, headers=OURS).status_code == 303
        return signed_in

    yield SimpleNamespace(people=server.people, audited=server.pages.audited, client=client)
    server.close()


@pytest.fixture
def client(office):
    return office.client("李伟")


def csrf(client, path="/admin/list"):
    match = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert match
    return match[1]


def send(client, path, **form):
    """Send a form with its CSRF token; returns the page to which it leads."""
    data = {"csrf": csrf(client, "/account")} | {
        name.strip("_"): text for name, text in form.items()
    }
    if "/drafts/" in path:
        data = {"revision": shown_for(client.get(path).text)} | data
    answer = client.post(path, data=data, headers=OURS)
    return client.get(answer.headers["location"]) if answer.status_code == 303 else answer


def shown_for(page_of_draft):
    """The revision of the list with which a draft's page compares the draft."""
    match = re.search(r'name="revision" value="(\d+)"', page_of_draft)
    return match[1] if match else ""


def upload(client, content, name="list.csv", **form):
    data = {"csrf": csrf(client)} | form
    files = {"file": (name if content else "", content)}
    answer = client.post("/admin/list/upload", data=data, files=files, headers=OURS)
    if answer.status_code != 303:
        return answer, ""
    location = answer.headers["location"]
    return client.get(location), location


def test_a_list_is_shown_before_it_changes_anything_and_then_it_is_the_list(office, client):
    assert "There is no list yet" in client.get("/admin/list").text
    answer, location = upload(client, as_xlsx(made_up(60)), "list.xlsx")
    assert "<strong>60</strong> added" in answer.text
    assert office.people.state() is None
    after = send(client, location, action="apply")
    assert "60 people." in after.text
    repeat, _ = upload(client, as_csv(made_up(60), "gb18030"))
    assert "nothing to change" in repeat.text
    rows = [*made_up(60)[:-1]]
    rows[3] = (*rows[3][:4], "后勤处", *rows[3][5:])
    changed, location = upload(client, as_csv(rows))
    assert "Unit: " in changed.text and "→ 后勤处" in changed.text and "Gone: 1" in changed.text
    send(client, location, action="drop")
    assert office.people.by_number(rows[3][0]).unit != "后勤处"
    assert "60 added, 0 changed, 0 gone; 0 as before" in client.get("/admin/audit").text
    actions = [entry.action for entry in office.audited.audit(99)]
    assert "import list" in actions and "look at list difference" in actions


def test_one_file_is_read_at_a_time_and_the_other_is_told_to_come_again(office, client):
    """Reading the largest file takes several hundred MB; the service may use 512 MB."""
    with only_reader("roster.xlsx"):
        answer, _ = upload(client, as_csv(made_up(5)))
    assert answer.status_code == 400 and "another file is being read" in answer.text
    assert office.people.state() is None
    assert upload(client, b"no list")[0].status_code == 400
    upload_answer, _ = upload(client, as_csv(made_up(5)))
    assert "<strong>5</strong> added" in upload_answer.text, "whatever was read before"


def test_a_mistake_is_named_by_row_and_column_and_nothing_is_changed(office, client):
    rows = made_up(5)
    rows[2] = ("", *rows[2][1:])
    answer, _ = upload(client, as_csv(rows))
    assert answer.status_code == 400
    assert "row 4, column 学号/工号: expected a number" in answer.text
    nothing, _ = upload(client, b"")
    assert nothing.status_code == 400 and "Choose a file." in nothing.text
    assert office.people.state() is None


def test_a_null_character_is_reported_as_a_mistake_not_as_a_database_failure(office, client):
    form = {"csrf": csrf(client), "name": "a\0", "password": GOOD}
    for path in ("/admin/people", "/sign-in", "/admin/list/policy"):
        assert client.post(path, data=form, headers=OURS).status_code == 400
    file = {"file": ("a\0.csv", as_csv(made_up(3)))}
    answer = client.post("/admin/list/upload", data=form, files=file, headers=OURS)
    assert answer.status_code == 400
    for path in ("/roll?unit=%00", "/admin/list/unit?name=%00", "/admin/list/drafts/%00"):
        assert client.get(path).status_code == 400
    answer = client.get("/api/v1/log?date=%00")
    assert answer.status_code == 400 and "null" in answer.json()["detail"]
    assert client.get("/roll").status_code == 200


def test_a_truncated_file_needs_a_confirmation_and_a_changed_list_another_look(office, client):
    PeopleChanges(office.people).replace([entry(str(number)) for number in range(60)])
    cut = "学号,姓名,班级,类别\n" + "".join(f"{n},王小明,计应2301,学生\n" for n in range(9))
    answer, location = upload(client, cut.encode())
    assert "51 people would leave the list" in answer.text
    assert "More than a tenth" in send(client, location, action="apply").text
    page_of_it = client.get(location).text
    PeopleChanges(office.people).replace([entry(str(number)) for number in range(61)])
    token = re.search(r'name="csrf" value="([^"]+)"', page_of_it)
    assert token
    form = {"csrf": token[1], "action": "apply", "gone": "yes", "revision": shown_for(page_of_it)}
    late = client.post(location, data=form, headers=OURS)
    assert "was changed meanwhile" in late.text
    assert "9 people." in send(client, location, action="apply", gone="yes").text
    expired = client.get(location)
    assert expired.status_code == 400 and "too long ago" in expired.text


def test_of_two_browsers_on_one_draft_each_applies_what_it_was_shown(office, client):
    PeopleChanges(office.people).replace([entry("1"), entry("2")])
    _, location = upload(client, "学号,姓名,班级,类别\n1,王小明,计应2301,学生\n".encode())
    first = shown_for(client.get(location).text)
    PeopleChanges(office.people).replace([entry("1"), entry("2"), entry("3")])
    colleague = office.client("李伟")
    assert shown_for(colleague.get(location).text) != first
    late = send(client, location, action="apply", revision=first)
    assert "was changed meanwhile" in late.text, "the first one has not seen that 3 would go"
    assert office.people.by_number("3").until is None
    assert send(colleague, location, action="apply").status_code == 200
    assert office.people.by_number("3").until is not None
    forged = send(client, location, action="apply", revision="x")
    assert forged.status_code == 400


def test_somebody_is_looked_up_given_a_permit_and_erased(office, client):
    PeopleChanges(office.people).replace([entry("2023001", "王小明"), entry("2023002", "李芳")])
    person = office.people.by_number("2023001").person
    result = send(client, "/admin/list", text="王小明")
    assert f'href="/admin/list/people/{person}"' in result.text and "2023002" not in result.text
    assert "Nobody has that" in send(client, "/admin/list", text="王").text
    path = f"/admin/list/people/{person}"
    assert "138001" in client.get(path).text
    day = re.search(r'name="until" value="([^"]+)"', client.get(path).text)
    assert day
    stopped = send(client, path, action="override", permit="stop", until=day[1])
    assert "may not enter" in stopped.text
    clock = office.people.statements.clock
    assert office.people.permit(person, clock()) == "stop"
    assert "王小明" in client.get("/admin/list/policy").text
    send(client, path, action="end")
    assert office.people.permit(person, clock()) == "enter"
    for until in ("", "2020-01-01", "9999-99-99", "2199-01-01"):
        refused = send(client, path, action="override", permit="stop", until=until)
        assert refused.status_code == 400, until
    send(client, path, action="forget")
    assert office.people.by_number("2023001") is None
    assert "Erased" in client.get(path).text
    entries = [f"{entry.action} {entry.what}" for entry in office.audited.audit(99)]
    assert client.get("/admin/list/upload").headers["location"] == "/admin/list"
    assert "may not enter" in client.get("/admin/audit").text
    assert f"forget person {person}" in entries and f"override {person}: stop" in entries
    assert not [text for text in entries if "王小明" in text or "2023001" in text]


def test_a_policy_is_in_force_at_once(office, client):
    PeopleChanges(office.people).replace([entry("1", class_="甲类"), entry("2")])
    assert len(office.people.expected(office.people.statements.clock())) == 2
    after = send(client, "/admin/list/policy", kind="student", class_="甲类", permit="stop")
    assert "may not enter" in after.text and "李伟" in after.text
    assert len(office.people.expected(office.people.statements.clock())) == 1
    for form in ({"kind": "robot"}, {"permit": "fly"}):
        policy = {"kind": "student", "class_": "", "permit": "ask"} | form
        assert send(client, "/admin/list/policy", **policy).status_code == 400


def test_guards_see_nothing_of_it_and_nobody_from_elsewhere_uploads(office, client):
    guard = office.client("Zhang")
    for path in ("", "/policy", "/people/1", "/unit?name=x"):
        assert guard.get(f"/admin/list{path}").status_code == 403
    files = {"file": ("list.csv", as_csv(made_up(3)))}
    data = {"csrf": "no"}
    assert (
        client.post("/admin/list/upload", data=data, files=files, headers=OURS).status_code == 403
    )
    data = {"csrf": csrf(client)}
    elsewhere = {"origin": "https://elsewhere"}
    answer = client.post("/admin/list/upload", data=data, files=files, headers=elsewhere)
    assert answer.status_code == 403
    large = {"file": ("list.csv", bytes(10_100_000))}
    assert (
        client.post("/admin/list/upload", data=data, files=large, headers=OURS).status_code == 413
    )
    assert client.get("/admin/list/people/999999999999").status_code == 404


def test_a_gateways_copy_is_looked_at_and_changed_nowhere(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "copy").mkdir()
    home = GatewaySite(tmp_path / "home")
    PeopleChanges(home.pages.people).replace([entry("2023001")])
    campus_server = CampusServerSettings(url="https://campus.example")
    site = GatewaySite(tmp_path / "copy", campus_server=campus_server)
    client = site.client("李伟")
    assert "kept at the campus server" in client.get("/admin/list").text
    ListCopy(site.pages.people).take(page(home.pages.people, "", "", 0))
    text = client.get("/admin/list").text
    assert "change it there" in text and "New list" not in text
    assert "王小明" in client.get("/admin/list/unit?name=计应2301").text
    assert send(client, "/admin/list/people/1", action="forget").status_code == 404
    assert send(client, "/admin/list/policy", kind="student").status_code == 404
    assert "Save" not in client.get("/admin/list/policy").text
    for gateway in (site, home):
        gateway.close()
