"""Who may see which page, and what it says; without a browser."""

import asyncio
import io
import re
import time

import pdfplumber
import pytest
from pages_site import DAY, FEVER, GOOD, OURS, csrf, post
from samples import AT, arrived
from starlette.testclient import TestClient

from fevergate.crypto.field_encryption import Vault
from fevergate.errors import StoreError
from fevergate.protocol.alarm_messages import Acknowledge, AlarmState, FeverSeen
from fevergate.protocol.messages import Identity
from fevergate.storage.store import Store
from fevergate.web import board, lamps, live
from fevergate.web.follow_ups import FollowUp, FollowUps

BOARD = "/board/{gate:str}"


def paths(site):
    """Every page there is, with something in its blanks."""
    blanks = {"gate": "north", "kiosk": "north-1", "boot": "1", "seq": "2", "table": "days"}
    blanks |= {"register": "visitors", "id": "1", "person": "1"}
    blanks |= {"name": "0" * 32, "kind": "csv", "secret": "0" * 43}
    for route in site.pages.app.routes:
        path = re.sub(r"{(\w+)(:\w+)?}", lambda blank: blanks[blank[1]], route.path)
        for method in sorted(getattr(route, "methods", None) or ()):
            if method != "HEAD":
                yield method, path


def test_what_is_no_form_is_refused_on_every_route_in_a_sentence(site, administrator):
    cut_off = OURS | {"content-type": "multipart/form-data; boundary=q"}
    routes = [path for method, path in paths(site) if method == "POST" and "/api/" not in path]
    routes.remove("/sign-out")  # reads no form
    for path in routes:
        answer = administrator.post(path, content=b"\xff", headers=cut_off)
        assert answer.status_code == 400 and "no form of ours" in answer.text, path
    no_json = administrator.post("/api/v1/trace", content=b"{", headers=OURS)
    assert "no form of ours" not in no_json.text


def test_nobody_who_has_not_signed_in_gets_anything_on_any_route(site):
    client = site.client()
    seen = list(paths(site))
    assert len(seen) > 45
    for method, path in seen:
        answer = client.request(method, path, headers=OURS)
        if path in ("/healthz", "/sign-in", "/first", "/language", "/theme"):
            continue
        if path.startswith("/setup/"):
            assert answer.status_code == 404  # open, to the board that has a code
            continue
        if path.startswith("/screen/"):
            # Open, to a display that has its link; its script holds nothing.
            assert answer.status_code == (200 if path == "/screen/worker.js" else 404)
            continue
        assert answer.status_code in (303, 401), (method, path)
        assert "38.4" not in answer.text and "north-1" not in answer.text


def test_a_guard_reaches_nothing_of_the_administrators(site, guard):
    for method, path in paths(site):
        if path.startswith("/admin"):
            answer = guard.request(method, path, headers=OURS)
            assert answer.status_code == 403, (method, path)
            assert "38.4" not in answer.text


def test_the_fever_log_shows_every_fever_and_who_saw_to_it(administrator):
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

    def said():
        with pdfplumber.open(io.BytesIO(administrator.get(pdf).content)) as document:
            text = document.pages[0].extract_text()
        words = "To be treated: 1."
        assert (words in administrator.get(page).text) == (words in text)
        return words in text

    assert said()
    half = {"clinical_c": "38.1", "outcome": "home"}
    assert post(guard, FEVER, action="save", **half).status_code == 303
    assert said()
    assert post(guard, FEVER, action="close", **half).status_code == 303
    assert not said()


def test_a_day_that_nobody_watched_is_no_report_of_zero(administrator):
    assert "this is not a report of zero" in administrator.get("/admin/log?date=2020-01-01").text


def test_a_kiosk_that_saw_nobody_beside_a_busy_one_is_named(site, administrator):
    site.gateway.commit([arrived(100 + n, at=AT + n) for n in range(200)])
    page = administrator.get(f"/admin/log?date={DAY}").text
    assert "covered, or a closed lane?" in page and "north-2 saw 0 people" in page


def test_a_day_that_is_none_is_said_to_be_none(administrator):
    answer = administrator.get("/admin/log?date=tomorrow")
    assert answer.status_code == 400 and "YYYY-MM-DD" in answer.text


def test_a_follow_up_is_saved_half_done_and_gone_on_with(guard, administrator):
    token = csrf(guard)
    half = {"csrf": token, "clinical_c": "37.9", "clinical_site": "oral", "person": "王芳"}
    assert guard.post(FEVER, data=half | {"action": "save"}, headers=OURS).status_code == 303
    half |= {"revision": "1"}
    text = guard.get(FEVER).text
    assert 'value="37.9"' in text and "王芳" in text
    whole = half | {"outcome": "clinic", "action": "close"}
    assert guard.post(FEVER, data=whole, headers=OURS).status_code == 303
    row = administrator.get(f"/admin/log?date={DAY}").text
    assert "To the clinic" in row and ">37.9</td>" in row


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("clinical_c", "99", "from 30 to 45"),
        ("clinical_c", "warm", "from 30 to 45"),
        ("clinical_c", "nan", "from 30 to 45"),
        ("outcome", "escaped", "Choose from the list"),
        ("outcome", "", "Choose from the list"),
        ("clinical_site", "toe", "Choose from the list"),
        ("note", "x" * 1001, "too long"),
    ],
)
def test_a_field_that_cannot_be_is_said_and_the_rest_is_not_lost(guard, field, value, said):
    form = {"csrf": csrf(guard), "outcome": "home", "person": "王芳", "clinical_c": "37.0"}
    answer = guard.post(FEVER, data=form | {"action": "close", field: value}, headers=OURS)
    assert answer.status_code == 400 and said in answer.text and "王芳" in answer.text


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"outcome": "home"}, "clinical_c", "Without a second measurement it stays open"),
        ({"outcome": "released", "clinical_c": "37.3"}, "note", "say why in the note"),
        ({"outcome": "released", "clinical_c": "39.5", "note": " "}, "note", "say why"),
        ({"outcome": "", "clinical_c": "36.5"}, "outcome", "Choose from the list"),
    ],
)
def test_a_fever_that_nobody_measured_again_or_explained_stays_open(
    guard, administrator, form, field, words
):
    answer = post(guard, FEVER, action="close", person="王芳", **form)
    assert answer.status_code == 400 and words in answer.text and "王芳" in answer.text
    before, after = answer.text.split('aria-invalid="true" aria-describedby="wrong"')
    wrong = before[-60:] + after.split("</p>")[0]
    assert f'name="{field}"' in wrong and words in wrong
    assert post(guard, FEVER, action="save", person="王芳", **form).status_code == 303
    assert "(open)" in administrator.get(f"/admin/log?date={DAY}").text


@pytest.mark.parametrize(("clinical_c", "note"), [("37.2", ""), ("37.3", "just ran; 36.4 after")])
def test_somebody_without_a_fever_or_with_a_reason_is_released(guard, clinical_c, note):
    form = {"outcome": "released", "clinical_c": clinical_c, "note": note}
    assert post(guard, FEVER, action="close", **form).status_code == 303


def test_a_closed_follow_up_is_opened_again_by_an_administrator_who_says_why(
    guard, administrator, site
):
    form = {"outcome": "home", "clinical_c": "38.1"}
    assert post(guard, FEVER, action="close", **form).status_code == 303
    again = form | {"outcome": "clinic", "revision": "1", "reason": "the mother called"}
    assert "an administrator can open it again" in post(guard, FEVER, action="save", **again).text
    assert 'name="reason"' not in guard.get(FEVER).text
    answer = post(administrator, FEVER, action="save", **again | {"reason": " "})
    assert answer.status_code == 400 and "Say why" in answer.text
    assert post(administrator, FEVER, action="save", **again).status_code == 303
    (noted,) = [what for _, _, what in site.audit() if "reason" in what]
    assert noted == (
        "north-1/1/2 outcome: home → clinic, closed: True → False, reason: the mother called"
    )


def test_what_people_write_is_text_and_never_a_page(guard):
    form = {"csrf": csrf(guard), "note": "<script>alert(1)</script>", "action": "save"}
    guard.post(FEVER, data=form, headers=OURS)
    assert "<script>alert" not in guard.get(FEVER).text


def test_a_form_that_is_not_ours_changes_nothing(guard, site):
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
def test_what_is_not_there_is_not_found(guard, path):
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
    noted = site.pages.store.query("select user, action, what from audit")
    assert ("Zhang", "look at follow-up", "north-1/1/2") in noted


def test_a_copy_of_the_database_names_nobody(guard, site):
    post(guard, FEVER, action="save", person="Wang Fang", phone="13800138000", note="coughs")
    for path in site.settings.folder.glob("web.db*"):
        for secret in (b"Wang Fang", b"13800138000", b"coughs"):
            assert secret not in path.read_bytes()
    assert "Wang Fang" in guard.get(FEVER).text


def test_without_its_key_a_follow_up_is_not_shown_and_the_page_says_so(guard, site):
    post(guard, FEVER, action="save", person="Wang Fang")
    vault = Vault(site.settings.folder / "another.key")
    site.pages.follow_ups = FollowUps(site.pages.store, vault)
    answer = guard.get(FEVER)
    assert answer.status_code == 503 and "cannot be read now" in answer.text


def test_a_key_that_is_none_is_named(tmp_path):
    (tmp_path / "persons.key").write_text("short")
    with pytest.raises(StoreError, match=r"persons\.key"):
        Vault(tmp_path / "persons.key").seal({"name": "x"})


def test_who_saves_over_somebody_elses_follow_up_is_told_and_loses_nothing(guard, administrator):
    form = {"csrf": csrf(guard), "revision": "0", "action": "save"}
    assert guard.post(FEVER, data=form | {"note": "first"}, headers=OURS).status_code == 303
    mine = form | {"csrf": csrf(administrator), "note": "second"}
    answer = administrator.post(FEVER, data=mine, headers=OURS)
    assert answer.status_code == 400
    assert "Somebody saved this meanwhile" in answer.text and "second" in answer.text
    assert "Last saved by Zhang" in answer.text and 'name="revision" value="1"' in answer.text
    again = administrator.post(FEVER, data=mine | {"revision": "1"}, headers=OURS)
    assert again.status_code == 303 and "second" in guard.get(FEVER).text


def test_a_follow_up_is_saved_under_the_name_on_duty_with_the_account_beside_it(site, guard):
    site.pages.duty.add("刘洋", "north")
    form = {"csrf": csrf(guard), "action": "save", "clinical_c": "37.9"}
    for revision, (by, saved) in enumerate(
        (("刘洋", "刘洋 (Zhang)"), ("Zhang", "Zhang"), ("nobody", "Zhang"), ("", "Zhang"))
    ):
        given = form | {"by": by, "revision": str(revision), "note": str(revision)}
        assert guard.post(FEVER, data=given, headers=OURS).status_code == 303
        assert f"Last saved by {saved}," in guard.get(FEVER).text
    noted = [what for _, action, what in site.audit() if action == "save follow-up"]
    assert noted[-1].startswith("north-1/1/2 by: 刘洋, clinical_c: None → 37.9")
    assert "by: " not in " ".join(noted[:-1])


def test_an_open_follow_up_of_yesterday_is_still_on_the_board(site, guard):
    now = time.time()
    site.gateway.commit([arrived(70, "fever", body_c=38.1, at=now - 26 * 3600)])
    site.gateway.commit([arrived(71, "fever", body_c=38.2, at=now - 9 * 86400)])
    page = guard.get("/board/north").text
    assert "/fevers/north-1/1/70" in page and "Open from the days before" in page
    assert "/fevers/north-1/1/71" not in page
    post(guard, "/fevers/north-1/1/70", action="close", outcome="released", clinical_c="36.4")
    assert "/fevers/north-1/1/70" not in guard.get("/board/north").text


def test_a_gateway_without_a_database_is_said_to_be_so(site, guard, administrator):
    site.gateway.close()
    (site.settings.folder / "fevergate.db").rename(site.settings.folder / "aside.db")
    site.gateway = Store(site.settings.folder / "aside.db")
    for client, path in ((guard, "/board/north"), (administrator, "/admin/log")):
        answer = client.get(path)
        assert answer.status_code == 503 and "is the gateway running" in answer.text
    answer = site.program("log").get("/api/v1/log")
    assert answer.status_code == 503 and answer.json()["error"] == "store"


def test_an_open_board_ends_with_its_session(site, guard, monkeypatch):
    monkeypatch.setattr(board, "SESSION_CHECK_S", 0.0)
    monkeypatch.setattr(live, "BEAT_S", 0.3)

    async def heard():
        pages = next(r.endpoint.__self__ for r in site.pages.app.routes if r.path == BOARD)
        token = guard.cookies["__Host-fevergate"]
        async for _ in pages._stream(token, site.pages.accounts.session(token), "en"):
            seen.append(1)
            if len(seen) == 3:
                site.pages.accounts.remove("Zhang")

    seen = []
    asyncio.run(asyncio.wait_for(heard(), 20))
    assert len(seen) == 3


def test_a_guard_cannot_blank_what_is_closed_and_nothing_is_ever_gone(site, guard, administrator):
    post(guard, FEVER, action="close", outcome="clinic", clinical_c="38.4", person="王芳")
    answer = post(guard, FEVER, action="save")
    assert answer.status_code == 400 and "an administrator can open it again" in answer.text
    assert site.pages.follow_ups.get(Identity("north-1", 1, 2)).outcome == "clinic"
    form = {"outcome": "home", "reason": "the mother called"}
    assert post(administrator, FEVER, action="save", **form).status_code == 303
    kept = site.pages.store.query(
        "select revision, outcome, closed, clinical_c from follow_up_revisions order by 1"
    )
    assert kept == [(1, "clinic", 1, 38.4), (2, "home", 0, None)]
    noted = [what for user, action, what in site.audit() if action == "save follow-up"]
    assert noted[0].startswith("north-1/1/2 clinical_c: 38.4 → None, outcome: clinic → home")
    assert "王芳" not in str(noted) and "person" in noted[0]


def test_saving_again_keeps_no_name_any_longer(site, guard):
    now = [1000.0]
    ups = site.pages.follow_ups
    ups._now = lambda: now[0]
    who = Identity("north-1", 1, 2)
    ups.save(who, FollowUp(person="王芳"), "Zhang")
    now[0] += 86400
    ups.save(who, FollowUp(person="王芳", note="x", revision=1), "Zhang")
    assert ups.forget(1500.0) == 1 and ups.get(who).person == ""
    assert site.pages.store.query("select distinct sealed from follow_up_revisions") == [("",)]


def test_what_somebody_saved_meanwhile_is_shown_beside_ones_own(guard, administrator):
    post(guard, FEVER, action="save", note="first", outcome="home")
    mine = {"csrf": csrf(administrator), "revision": "0", "action": "save", "note": "second"}
    page = administrator.post(FEVER, data=mine, headers=OURS).text
    assert "Saved: first" in page and "Saved: Sent home" in page and ">second<" in page


def test_a_press_tells_the_gateway_which_fever_was_on_the_board(site, guard):
    told = []
    site.pages.live.acknowledge = lambda *told_now: told.append(told_now) or True
    newest = FeverSeen(kiosk="north-1", boot=7, seq=9)
    last = AlarmState(gate="north", state="raised", since=AT + 0.5, fevers=5, last=newest)
    site.pages.live._alarms["north"] = last  # later ones than the one that is sent
    shown = {"since": repr(AT + 0.5), "fevers": "2", "kiosk": "north-1", "boot": "7", "seq": "8"}
    form = {"csrf": csrf(guard), "by": "Zhang", **shown}
    assert guard.post("/board/north/acknowledge", data=form, headers=OURS).status_code == 200
    seen = FeverSeen(kiosk="north-1", boot=7, seq=8)
    assert told == [("north", Acknowledge(by="Zhang", since=AT + 0.5, fevers=2, last=seen))]
    for wrong in ({"since": ""}, {"fevers": "x"}, {"seq": "-1"}, {"boot": ""}, {"kiosk": "#"}):
        answer = guard.post("/board/north/acknowledge", data=form | wrong, headers=OURS)
        assert answer.status_code == 400
    assert len(told) == 1


def test_without_a_session_a_form_is_told_so_and_not_led_away(site):
    answer = site.client().post("/board/north/acknowledge", data={}, headers=OURS)
    assert answer.status_code == 401


def test_open_boards_are_bounded(site, guard, monkeypatch):
    monkeypatch.setattr(board, "MAX_BOARDS", 0)
    answer = guard.get("/events")
    assert answer.status_code == 503


def test_a_proxy_is_told_to_pass_each_change_on_at_once(guard, monkeypatch):
    async def once(*_):
        yield b"data: {}\n\n"

    monkeypatch.setattr(board, "events", once)
    answer = guard.get("/events")
    assert answer.status_code == 200 and answer.headers["x-accel-buffering"] == "no"


def test_a_mistake_of_ours_is_said_in_words_with_every_header(site, monkeypatch):
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


def test_a_number_as_long_as_a_book_is_just_not_there(guard):
    assert guard.get("/fevers/north-1/1/" + "9" * 5000).status_code == 404


def test_who_is_signed_in_already_is_led_home(guard):
    assert guard.get("/sign-in").headers["location"] == "/board/north"
    assert guard.get("/sign-in?again=1").status_code == 200


def test_a_wrong_password_and_a_departure_are_noted(site, guard):
    form = {"name": "Zhang", "password": "a wrong password"}
    site.client().post("/sign-in", data=form, headers=OURS)
    site.client().post("/sign-in", data=form | {"name": "x" * 5000}, headers=OURS)
    guard.post("/sign-out", data={"csrf": csrf(guard)}, headers=OURS)
    assert ("-", "turned away", "Zhang testclient") in site.audit()
    assert ("-", "turned away", f"{'x' * 64} testclient") in site.audit()
    assert ("Zhang", "sign out", "") in site.audit()


def test_nobody_pushes_out_of_the_audit_what_was_noted(site):
    for _ in range(500):
        site.pages.store.note("Zhang", "look at follow-up", "north-1/1/2")
    (line,) = [one for one in site.pages.store.audit(999) if one.action == "look at follow-up"]
    assert line.times == 500


def test_names_go_after_their_days_by_a_clock_that_is_believed(guard, site):
    form = {"csrf": csrf(guard), "clinical_c": "38.0", "person": "王芳", "phone": "138"}
    guard.post(FEVER, data=form | {"outcome": "home", "action": "close"}, headers=OURS)
    assert site.pages.forget_persons() == 0  # the gateway has not said what time it is
    gateway = Store(site.settings.folder / "fevergate.db")

    def believes(at):
        gateway.db.execute("insert or replace into meta values ('housekept_at', ?)", (str(at),))

    days = site.settings.retention.persons_days
    believes(time.time() + (days - 1) * 86400)
    assert site.pages.forget_persons() == 0
    believes(time.time() + (days + 1) * 86400)
    assert site.pages.forget_persons() == 1
    gateway.close()
    text = guard.get(FEVER).text
    assert "王芳" not in text and 'value="38.0"' in text


def test_the_language_can_be_changed_and_only_leads_to_our_own_pages(guard):
    for back in ("https://evil", "//evil", "/\\evil"):
        answer = guard.get("/language", params={"to": "zh", "back": back})
        assert answer.headers["location"] == "/"
    assert "处置登记" in guard.get(FEVER).text


def test_people_are_let_in_and_out_by_the_administrator(administrator, site):
    token = csrf(administrator, "/admin/people")
    new = {"csrf": token, "name": "Wang", "password": GOOD, "role": "guard"}
    assert administrator.post("/admin/people", data=new, headers=OURS).status_code == 303
    assert site.client("Wang").get("/board/north").status_code == 200
    short = new | {"name": "Zhao", "password": "short"}
    answer = administrator.post("/admin/people", data=short, headers=OURS)
    assert answer.status_code == 400 and "10 to 200" in answer.text
    gone = {"csrf": token, "name": "Wang", "action": "remove"}
    assert administrator.post("/admin/people", data=gone, headers=OURS).status_code == 303
    assert ("Wang", "guard") not in site.pages.accounts.people()


def test_without_a_line_an_acknowledgement_says_so(guard):
    form = {"csrf": csrf(guard), "by": "Zhang", "since": str(AT), "fevers": "1"}
    answer = guard.post("/board/north/acknowledge", data=form, headers=OURS)
    assert answer.status_code == 503 and answer.json() == {
        "error": "line",
        "detail": "The gateway cannot be told now: use the button.",
    }


def untried(site, client, **state):
    """What a board says after a lamp test was asked for at a gate in this state."""
    if state:
        given = {"gate": "north", "state": "clear", "since": AT} | state
        site.pages.live._alarms["north"] = AlarmState(**given)
    answer = post(client, "/board/north/lamps", "/board/north", by="Zhang")
    assert answer.status_code == 303
    text = client.get(answer.headers["location"]).text
    said = re.search(r'role="alert">([^<]*(?:lamps were not|灯光未)[^<]*)<', text)
    return said[1] if said else ""


def test_the_board_says_that_no_lamp_was_tried_and_why(site, guard, monkeypatch):
    assert "the gateway cannot be told now" in untried(site, guard)  # there is no line
    monkeypatch.setattr(site.pages.live, "try_lamps", lambda gate, by: True)
    monkeypatch.setattr(lamps, "ANSWER_S", 0.0)
    assert "Does it know this gate?" in untried(site, guard)  # the gateway drops it
    monkeypatch.undo()
    monkeypatch.setattr(site.pages.live, "try_lamps", lambda gate, by: True)
    assert untried(site, guard, state="raised", fevers=1).endswith("this gate is red.")
    dark = "no lamp can be lit: lgpio is not installed"
    assert "the reason is shown above" in untried(site, guard, amber=(dark,))
    chinese = site.client("Zhang", "zh")
    assert untried(site, chinese, amber=(dark,)) == "灯光未测试：灯无法点亮，原因见上方。"
    assert not any(action == "try lamps" for _, action, _ in site.audit())


def test_the_server_gives_up_on_the_gateway_before_the_button_gives_up_on_the_server(guard):
    words = re.search(
        r'id="silent"[^>]* data-seconds="(\d+)"[^>]*>([^<]*)<', guard.get("/board/north").text
    )
    assert words
    assert int(words[1]) > lamps.ANSWER_S and f"within {words[1]} seconds" in words[2]


def test_a_guard_has_the_lamps_tried_and_it_is_noted_who(site, guard, monkeypatch):
    """It begins after it was asked for."""
    asked = []

    def try_lamps(gate, by):
        asked.append((gate, by))
        state = AlarmState(gate=gate, state="clear", since=AT, amber=("lamp test: red",))
        site.pages.live._alarms[gate] = state
        return True

    monkeypatch.setattr(site.pages.live, "try_lamps", try_lamps)
    site.pages.live._alarms["north"] = AlarmState(gate="north", state="clear", since=AT)
    assert post(guard, "/board/north/lamps", "/board/north", by="Nobody").status_code == 400
    assert guard.post("/board/north/lamps", data={"by": "Zhang"}, headers=OURS).status_code == 403
    assert asked == []
    assert untried(site, guard) == "" and asked == [("north", "Zhang")]
    assert ("Zhang", "try lamps", "north by Zhang") in site.audit()


def test_an_address_cannot_put_words_of_its_own_onto_the_board(guard):
    text = guard.get("/board/north?untried=<b>Go+home").text
    assert "Go home" not in text and '<details id="lamps" class="card lamps">' in text
