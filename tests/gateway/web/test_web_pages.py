"""Who may see which page, and what the pages say; tested without a browser."""

import io
import re

import pdfplumber
import pytest
from pages_site import DAY, FEVER, GOOD, OURS, csrf, post
from samples import AT, arrived
from starlette.testclient import TestClient

from fevergate.protocol.messages import Identity
from fevergate.storage.store import Store


def paths(site):
    """The path of every page, with values in the place of its parameters."""
    blanks = {"gate": "north", "kiosk": "north-1", "boot": "1", "seq": "2", "table": "days"}
    blanks |= {"register": "visitors", "id": "1", "person": "1"}
    blanks |= {"name": "0" * 32, "kind": "csv", "secret": "0" * 43}
    for route in site.pages.app.routes:
        path = re.sub(r"{(\w+)(:\w+)?}", lambda blank: blanks[blank[1]], route.path)
        for method in sorted(getattr(route, "methods", None) or ()):
            if method != "HEAD":
                yield method, path


def test_a_body_that_is_no_form_is_refused_in_a_sentence_on_every_route(site, administrator):
    cut_off = OURS | {"content-type": "multipart/form-data; boundary=q"}
    routes = [path for method, path in paths(site) if method == "POST" and "/api/" not in path]
    routes.remove("/sign-out")  # reads no form
    for path in routes:
        answer = administrator.post(path, content=b"\xff", headers=cut_off)
        assert answer.status_code == 400 and "not a form of these pages" in answer.text, path
    no_json = administrator.post("/api/v1/trace", content=b"{", headers=OURS)
    assert "not a form of these pages" not in no_json.text


def test_without_a_session_no_route_shows_anything(site):
    client = site.client()
    routes = list(paths(site))
    assert len(routes) > 45
    for method, path in routes:
        answer = client.request(method, path, headers=OURS)
        if path in ("/healthz", "/sign-in", "/first", "/language", "/theme"):
            continue
        if path.startswith("/setup/"):
            assert answer.status_code == 404  # open to a board that has a setup code
            continue
        if path.startswith("/screen/"):
            # Open to a wall display that has its link; the script contains no data.
            assert answer.status_code == (200 if path == "/screen/worker.js" else 404)
            continue
        assert answer.status_code in (303, 401), (method, path)
        assert "38.4" not in answer.text and "north-1" not in answer.text


def test_a_guard_reaches_no_page_of_the_administrators(site, guard):
    for method, path in paths(site):
        if path.startswith("/admin"):
            answer = guard.request(method, path, headers=OURS)
            assert answer.status_code == 403, (method, path)
            assert "38.4" not in answer.text


def test_the_fever_log_shows_every_fever_and_who_acknowledged_it(administrator):
    text = administrator.get(f"/admin/log?date={DAY}").text
    assert "38.4" in text and "Zhang" in text and "Fevers on this day: 1." in text
    csv = administrator.get(f"/admin/log.csv?date={DAY}")
    assert "38.4" in csv.text and "attachment" in csv.headers["content-disposition"]
    assert administrator.get(f"/admin/log.json?date={DAY}").json()["fevers"][0]["seq"] == 2


@pytest.mark.parametrize(
    ("language", "words"), [("en", "This page is not for you."), ("zh", "您无权查看此页。")]
)
def test_a_guard_is_told_in_words_that_a_page_is_not_for_guards(site, language, words):
    answer = site.client("Zhang", language).get("/admin/overview")
    assert answer.status_code == 403 and words in answer.text and "/sign-out" in answer.text


def test_a_case_that_is_open_is_counted_in_the_log_and_its_files(guard, administrator):
    page, pdf = f"/admin/log?date={DAY}", f"/admin/log.pdf?date={DAY}"

    def is_counted():
        with pdfplumber.open(io.BytesIO(administrator.get(pdf).content)) as document:
            text = document.pages[0].extract_text()
        words = "To follow up: 1."
        assert (words in administrator.get(page).text) == (words in text)
        return words in text

    assert is_counted()
    half = {"clinical_c": "38.1", "outcome": "home"}
    assert post(guard, FEVER, action="save", **half).status_code == 303
    assert is_counted()
    assert post(guard, FEVER, action="close", **half).status_code == 303
    assert not is_counted()


def test_a_day_that_nobody_watched_is_no_report_of_zero(administrator):
    assert "this is not a report of zero" in administrator.get("/admin/log?date=2020-01-01").text


def test_a_kiosk_that_saw_nobody_beside_a_busy_one_is_named(site, administrator):
    site.gateway.commit([arrived(100 + n, at=AT + n) for n in range(200)])
    page = administrator.get(f"/admin/log?date={DAY}").text
    assert "covered, or a closed lane?" in page and "north-2 saw 0 people" in page


def test_an_invalid_date_is_refused_with_the_expected_form(administrator):
    answer = administrator.get("/admin/log?date=tomorrow")
    assert answer.status_code == 400 and "YYYY-MM-DD" in answer.text


def test_a_form_from_another_site_changes_nothing(guard, site):
    token = csrf(guard)
    for data, headers in (
        ({"csrf": token}, {"origin": "https://evil"}),
        ({"csrf": token}, {"sec-fetch-site": "cross-site"}),
        ({"csrf": "x"}, OURS),
        ({}, OURS),
    ):
        answer = guard.post(
            FEVER, data=data | {"action": "save", "note": "forged"}, headers=headers
        )
        assert answer.status_code == 403
    assert site.pages.follow_ups.get(Identity("north-1", 1, 2)) is None


@pytest.mark.parametrize(
    "path",
    [
        "/fevers/north-1/1/1",
        "/fevers/north-1/1/99999",
        "/fevers/..%2f..%2fetc/1/1",
        "/board/nowhere",
        "/board/north'%20or%201=1--",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
    ],
)
def test_an_unknown_page_is_not_found(guard, path):
    answer = guard.get(path)
    assert answer.status_code == 404
    assert "Traceback" not in answer.text and "import" not in answer.text


def test_a_form_as_large_as_a_film_is_refused_before_it_is_read(guard):
    answer = guard.post(FEVER, data={"note": "x" * 100_000}, headers=OURS)
    assert answer.status_code == 413 and "more than is taken at once" in answer.text


def test_every_answer_carries_the_headers_that_keep_others_out(site, guard):
    for answer in (guard.get(FEVER), site.client().get("/sign-in"), guard.get("/board/nowhere")):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
    cookies = (
        site.client()
        .post("/sign-in", data={"name": "Zhang", "password": GOOD}, headers=OURS)
        .headers["set-cookie"]
    )
    for word in ("__Host-", "HttpOnly", "Secure", "SameSite=strict"):
        assert word in cookies


def test_every_look_at_personal_data_is_noted(guard, site):
    guard.get(FEVER)
    rows = site.pages.store.query("select user, action, what from audit")
    assert ("Zhang", "look at follow-up", "north-1/1/2") in rows


def test_a_missing_database_is_reported_on_the_pages(site, guard, administrator):
    site.gateway.close()
    (site.settings.folder / "fevergate.db").rename(site.settings.folder / "aside.db")
    site.gateway = Store(site.settings.folder / "aside.db")
    for client, path in ((guard, "/board/north"), (administrator, "/admin/log")):
        answer = client.get(path)
        assert answer.status_code == 503 and "is the gateway running" in answer.text
    answer = site.program("log").get("/api/v1/log")
    assert answer.status_code == 503 and answer.json()["error"] == "store"


def test_without_a_session_a_form_is_answered_401_and_not_redirected(site):
    answer = site.client().post("/board/north/acknowledge", data={}, headers=OURS)
    assert answer.status_code == 401


def test_an_internal_error_is_reported_in_words_with_every_header(site, monkeypatch):
    def broken(*_):
        raise RuntimeError("secret detail")

    guard = site.client("Zhang")
    monkeypatch.setattr(site.pages.duty, "at", broken)
    client = TestClient(
        site.pages.app,
        base_url="https://pages",
        cookies=guard.cookies,
        raise_server_exceptions=False,
    )
    answer = client.get("/board/north")
    assert answer.status_code == 500 and "red lights work without us" in answer.text
    assert "secret" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_very_long_number_in_an_address_is_not_found(guard):
    assert guard.get("/fevers/north-1/1/" + "9" * 5000).status_code == 404


def test_a_signed_in_person_is_sent_from_the_sign_in_page_to_the_start_page(guard):
    assert guard.get("/sign-in").headers["location"] == "/board/north"
    assert guard.get("/sign-in?again=1").status_code == 200


def test_a_wrong_password_and_a_sign_out_are_in_the_audit(site, guard):
    form = {"name": "Zhang", "password": "a wrong password"}
    site.client().post("/sign-in", data=form, headers=OURS)
    site.client().post("/sign-in", data=form | {"name": "x" * 5000}, headers=OURS)
    guard.post("/sign-out", data={"csrf": csrf(guard)}, headers=OURS)
    assert ("-", "turned away", "Zhang testclient") in site.audit()
    assert ("-", "turned away", f"{'x' * 64} testclient") in site.audit()
    assert ("Zhang", "sign out", "") in site.audit()


def test_a_repeated_look_is_one_line_of_the_audit_with_its_count(site):
    for _ in range(500):
        site.pages.store.note("Zhang", "look at follow-up", "north-1/1/2")
    (line,) = [
        entry for entry in site.pages.store.audit(999) if entry.action == "look at follow-up"
    ]
    assert line.times == 500


def test_the_language_can_be_changed_and_only_leads_to_our_own_pages(guard):
    for address in ("https://evil", "//evil", "/\\evil"):
        answer = guard.get("/language", params={"to": "zh", "back": address})
        assert answer.headers["location"] == "/"
    assert "处置登记" in guard.get(FEVER).text


def test_the_administrator_adds_and_removes_accounts(administrator, site):
    token = csrf(administrator, "/admin/people")
    new = {"csrf": token, "name": "Wang", "password": GOOD, "role": "guard"}
    assert administrator.post("/admin/people", data=new, headers=OURS).status_code == 303
    assert site.client("Wang").get("/board/north").status_code == 200
    short = new | {"name": "Zhao", "password": "short"}
    answer = administrator.post("/admin/people", data=short, headers=OURS)
    assert answer.status_code == 400 and "10 to 200" in answer.text
    removal = {"csrf": token, "name": "Wang", "action": "remove"}
    assert administrator.post("/admin/people", data=removal, headers=OURS).status_code == 303
    assert ("Wang", "guard") not in site.pages.accounts.people()
