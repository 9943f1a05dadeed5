"""Whoever signs in lands on the page that was asked for, and nowhere else."""

from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pages_site import FEVER, GOOD, OURS

from fevergate.web_common.routes import local_path


def signed_in(client, path, name):
    """Where one lands who asks for a path and signs in on the page that comes instead."""
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
        ("/admin/log", "Zhang", "/board/north"),  # nothing for a guard
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


@given(st.text(alphabet="/\\ab.:@?#%\t\r\n 门", max_size=12))
@example("/board/south?a=b")
def test_a_local_path_has_no_host(text):
    path = local_path(text)
    assert path.startswith("/") and not path.startswith(("//", "/\\"))
    assert not set(path) & set("\\\t\r\n ")
    assert path in (text, "/")
