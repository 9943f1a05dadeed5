"""Whoever signs in is sent to the page that was asked for, and never to another site."""

from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pages_site import FEVER, GOOD, OURS

from fevergate.web_common.middleware import COOKIE
from fevergate.web_common.routes import local_path


def signed_in(client, path, name):
    """Ask for `path`, sign in on the page that is shown instead, and return the address that the
    browser is then sent to."""
    page = client.get(path).headers["location"]
    answer = client.get(page)
    assert answer.status_code == 200
    to = answer.text.split('name="to" value="')[1].split('"')[0].replace("&amp;", "&")
    form = {"name": name, "password": GOOD, "to": to}
    return client.post("/sign-in", data=form, headers=OURS).headers["location"]


@pytest.mark.parametrize(
    ("path", "name", "lands"),
    [
        ("/board/south", "Zhang", "/board/south"),
        ("/board/north/fevers?of=open&page=1", "Zhang", "/board/north/fevers?of=open&page=1"),
        (FEVER, "Zhang", FEVER),
        ("/admin/log?date=2026-11-23", "李伟", "/admin/log?date=2026-11-23"),
        ("/admin/log", "Zhang", "/board/north"),  # not a page for a guard
        ("/", "Zhang", "/board/north"),
    ],
)
def test_who_signs_in_lands_on_what_was_asked_for(site, path, name, lands):
    assert signed_in(site.client(), path, name) == lands


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example/", "/\\evil", "/\t/evil"])
def test_a_link_from_elsewhere_leads_nobody_away(site, guard, to):
    client = site.client()
    form = {"name": "Zhang", "password": GOOD, "to": to}
    answer = client.post("/sign-in", data=form, headers=OURS)
    assert answer.headers["location"] == "/board/north"
    assert guard.get(f"/sign-in?to={quote(to)}").headers["location"] == "/board/north"


def test_a_wrong_password_loses_neither_the_name_nor_the_page_that_was_asked_for(site):
    form = {"name": "Zhang", "password": "wrong", "to": "/board/south"}
    text = site.client().post("/sign-in", data=form, headers=OURS).text
    assert 'value="Zhang"' in text and 'name="to" value="/board/south"' in text


def test_whoever_signs_in_anew_or_out_leaves_no_session_behind(site):
    client, session = site.client("Zhang"), site.pages.accounts.session
    first = client.cookies[COOKIE]
    form = {"name": "Zhang", "password": GOOD, "csrf": session(first).csrf}
    cookie = client.post("/sign-in", data=form, headers=OURS).headers["set-cookie"]
    second = client.cookies[COOKIE]
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=strict"))
    assert not session(first) and session(second)
    client.post("/sign-out", data={"csrf": session(second).csrf}, headers=OURS)
    assert not session(second)


@pytest.mark.parametrize("chosen", ["language", "theme"])
def test_an_unknown_language_or_theme_is_not_kept_and_leads_to_no_other_site(site, chosen):
    answer = site.client().get(f"/{chosen}?to=x&back=https://evil.example/")
    assert answer.headers["location"] == "/" and "set-cookie" not in answer.headers


@given(st.text(alphabet="/\\ab.:@?#%\t\r\n 门", max_size=12))
@example("/board/south?a=b")
def test_a_local_path_has_no_host(text):
    path = local_path(text)
    assert path.startswith("/") and not path.startswith(("//", "/\\"))
    assert not set(path) & set("\\\t\r\n ")
    assert path in (text, "/")
