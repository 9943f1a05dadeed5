"""The follow-up of a fever on its page: saved, closed, opened again, kept and forgotten."""

import time

import pytest
from pages_site import DAY, FEVER, OURS, csrf, post
from samples import arrived

from fevergate.crypto.field_encryption import Vault
from fevergate.errors import StoreError
from fevergate.protocol.messages import Identity
from fevergate.storage.store import Store
from fevergate.web.follow_ups import FollowUp, FollowUps


def test_a_half_done_follow_up_is_saved_and_continued_later(guard, administrator):
    token = csrf(guard)
    half = {"csrf": token, "clinical_c": "37.9", "clinical_site": "oral", "person": "王芳"}
    assert guard.post(FEVER, data=half | {"action": "save"}, headers=OURS).status_code == 303
    half |= {"revision": "1"}
    text = guard.get(FEVER).text
    assert 'value="37.9"' in text and "王芳" in text
    complete = half | {"outcome": "clinic", "action": "close"}
    assert guard.post(FEVER, data=complete, headers=OURS).status_code == 303
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
def test_an_invalid_field_is_named_and_the_others_are_not_lost(guard, field, value, said):
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
    field_text = before[-60:] + after.split("</p>")[0]
    assert f'name="{field}"' in field_text and words in field_text
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
    correction = form | {"outcome": "clinic", "revision": "1", "reason": "the mother called"}
    assert (
        "an administrator can open it again" in post(guard, FEVER, action="save", **correction).text
    )
    assert 'name="reason"' not in guard.get(FEVER).text
    answer = post(administrator, FEVER, action="save", **correction | {"reason": " "})
    assert answer.status_code == 400 and "Say why" in answer.text
    assert post(administrator, FEVER, action="save", **correction).status_code == 303
    (entry,) = [detail for _, _, detail in site.audit() if "reason" in detail]
    assert entry == (
        "north-1/1/2 outcome: home → clinic, closed: True → False, reason: the mother called"
    )


def test_typed_text_is_shown_as_text_and_never_as_html(guard):
    form = {"csrf": csrf(guard), "note": "<script>alert(1)</script>", "action": "save"}
    guard.post(FEVER, data=form, headers=OURS)
    assert "<script>alert" not in guard.get(FEVER).text


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


def test_an_invalid_key_file_is_named(tmp_path):
    (tmp_path / "persons.key").write_text("short")
    with pytest.raises(StoreError, match=r"persons\.key"):
        Vault(tmp_path / "persons.key").seal({"name": "x"})


def test_saving_over_anothers_change_is_reported_and_loses_nothing(guard, administrator):
    form = {"csrf": csrf(guard), "revision": "0", "action": "save"}
    assert guard.post(FEVER, data=form | {"note": "first"}, headers=OURS).status_code == 303
    second = form | {"csrf": csrf(administrator), "note": "second"}
    answer = administrator.post(FEVER, data=second, headers=OURS)
    assert answer.status_code == 400
    assert "Somebody saved this meanwhile" in answer.text and "second" in answer.text
    assert "Last saved by Zhang" in answer.text and 'name="revision" value="1"' in answer.text
    repeat = administrator.post(FEVER, data=second | {"revision": "1"}, headers=OURS)
    assert repeat.status_code == 303 and "second" in guard.get(FEVER).text


def test_a_follow_up_is_saved_under_the_name_on_duty_with_the_account_beside_it(site, guard):
    site.pages.duty.add("刘洋", "north")
    form = {"csrf": csrf(guard), "action": "save", "clinical_c": "37.9"}
    for revision, (by, saved) in enumerate(
        (("刘洋", "刘洋 (Zhang)"), ("Zhang", "Zhang"), ("nobody", "Zhang"), ("", "Zhang"))
    ):
        given = form | {"by": by, "revision": str(revision), "note": str(revision)}
        assert guard.post(FEVER, data=given, headers=OURS).status_code == 303
        assert f"Last saved by {saved}," in guard.get(FEVER).text
    entries = [detail for _, action, detail in site.audit() if action == "save follow-up"]
    assert entries[-1].startswith("north-1/1/2 by: 刘洋, clinical_c: None → 37.9")
    assert "by: " not in " ".join(entries[:-1])


def test_an_open_follow_up_of_yesterday_is_still_on_the_board(site, guard):
    now = time.time()
    site.gateway.commit([arrived(70, "fever", body_c=38.1, at=now - 26 * 3600)])
    site.gateway.commit([arrived(71, "fever", body_c=38.2, at=now - 9 * 86400)])
    page = guard.get("/board/north").text
    assert "/fevers/north-1/1/70" in page and "Open from the days before" in page
    assert "/fevers/north-1/1/71" not in page
    post(guard, "/fevers/north-1/1/70", action="close", outcome="released", clinical_c="36.4")
    assert "/fevers/north-1/1/70" not in guard.get("/board/north").text


def test_a_guard_cannot_empty_a_closed_follow_up_and_every_revision_is_kept(
    site, guard, administrator
):
    post(guard, FEVER, action="close", outcome="clinic", clinical_c="38.4", person="王芳")
    answer = post(guard, FEVER, action="save")
    assert answer.status_code == 400 and "an administrator can open it again" in answer.text
    assert site.pages.follow_ups.get(Identity("north-1", 1, 2)).outcome == "clinic"
    form = {"outcome": "home", "reason": "the mother called"}
    assert post(administrator, FEVER, action="save", **form).status_code == 303
    revisions = site.pages.store.query(
        "select revision, outcome, closed, clinical_c from follow_up_revisions order by 1"
    )
    assert revisions == [(1, "clinic", 1, 38.4), (2, "home", 0, None)]
    entries = [detail for user, action, detail in site.audit() if action == "save follow-up"]
    assert entries[0].startswith("north-1/1/2 clinical_c: 38.4 → None, outcome: clinic → home")
    assert "王芳" not in str(entries) and "person" in entries[0]


def test_saving_a_follow_up_again_does_not_keep_its_name_longer(site, guard):
    now = [1000.0]
    ups = site.pages.follow_ups
    ups._now = lambda: now[0]
    fever = Identity("north-1", 1, 2)
    ups.save(fever, FollowUp(person="王芳"), "Zhang")
    now[0] += 86400
    ups.save(fever, FollowUp(person="王芳", note="x", revision=1), "Zhang")
    assert ups.forget(1500.0) == 1 and ups.get(fever).person == ""
    assert site.pages.store.query("select distinct sealed from follow_up_revisions") == [("",)]


def test_text_saved_by_another_meanwhile_is_shown_beside_ones_own(guard, administrator):
    post(guard, FEVER, action="save", note="first", outcome="home")
    form = {"csrf": csrf(administrator), "revision": "0", "action": "save", "note": "second"}
    page = administrator.post(FEVER, data=form, headers=OURS).text
    assert "Saved: first" in page and "Saved: Sent home" in page and ">second<" in page


def test_names_are_deleted_after_their_days_only_by_a_believed_clock(guard, site):
    form = {"csrf": csrf(guard), "clinical_c": "38.0", "person": "王芳", "phone": "138"}
    guard.post(FEVER, data=form | {"outcome": "home", "action": "close"}, headers=OURS)
    assert site.pages.forget_persons() == 0  # the gateway has not confirmed the time yet
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
