"""A form that no browser would send is refused in words. An unhandled error instead would fill the
log with a traceback for each form."""

import pytest
from pages_site import OURS, csrf

PART = '--q\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("undefined", "Zhang"),  # a codec that refuses everything
        ("utf-7", "+2AA-"),  # codecs that yield lone surrogates
        ("raw_unicode_escape", r"\ud800"),
        ("unicode_escape", r"\x00"),
    ],
)
def test_a_form_in_a_charset_that_makes_no_text_is_refused(site, charset, name):
    body = PART.format("name", name) + PART.format("password", "x") + "--q--\r\n"
    kind = f"multipart/form-data; boundary=q; charset={charset}"
    client = site.client()
    answer = client.post("/sign-in", content=body, headers=OURS | {"content-type": kind})
    assert answer.status_code == 400 and "not a form of these pages" in answer.text


@pytest.mark.parametrize("number", ["9" * 17, "1" + 30 * "0", "9" * 5000])
def test_a_number_that_no_database_holds_is_not_found(site, administrator, number):
    for path in (f"/registers/visitors/{number}", f"/registers/visitors/{number}/pass"):
        assert administrator.get(path).status_code == 404
        form = {"csrf": csrf(administrator), "action": "close"}
        assert administrator.post(path, data=form, headers=OURS).status_code == 404
    assert administrator.get(f"/admin/list/people/{number}").status_code == 404
    assert administrator.get("/registers/visitors/" + "9" * 16).status_code == 404
