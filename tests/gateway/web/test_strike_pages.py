"""An administrator strikes a stolen kiosk's hours on the page of the log; an earlier signature then
shows that the log has changed."""

import csv
import hashlib
import io
import re

import openpyxl
import pdfplumber
import pytest
from pages_site import DAY, FEVER, OURS, csrf

from fevergate.reports.fevers import Fevers

LOG = f"/admin/log?date={DAY}"


@pytest.fixture
def stolen(site):
    """north-1, which saw the day's fever, was revoked the day after."""
    line = '{"kiosk": "north-1", "at": "2026-11-24T00:00:00Z", "reason": "stolen"}\n'
    (site.settings.folder / "revoked.jsonl").write_text(line)
    return site


def sent(client, action="strike", **form):
    data = {"csrf": csrf(client, LOG), "date": DAY, "kiosk": "north-1"}
    values = data | {"reason": "stolen at noon", "begin": "0", "end": "24"} | form
    return client.post(f"/admin/log/{action}", data=values, headers=OURS)


@pytest.mark.parametrize(
    "language, words", [("zh", "已剔除，不计入任何数字"), ("en", "Struck, in no figure")]
)
def test_page_and_files_say_by_whom_and_why_hours_were_struck(stolen, language, words):
    client = stolen.client("李伟", language)
    assert sent(client).status_code == 303
    page = client.get(LOG).text
    assert words in page and "李伟" in page and "stolen at noon" in page
    assert re.search(r"<s>38\.4</s>", page)
    table = list(csv.reader(io.StringIO(client.get(f"/admin/log.csv?date={DAY}").text)))
    assert len(table) == 2 and table[1][-1] == "李伟: stolen at noon"
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"/admin/log.xlsx?date={DAY}").content))
    assert len(book.worksheets) == 4
    assert "stolen at noon" in [cell.value for row in book.worksheets[2] for cell in row]
    with pdfplumber.open(io.BytesIO(client.get(f"/admin/log.pdf?date={DAY}").content)) as pdf:
        assert "stolen at noon" in "".join(page.extract_text() for page in pdf.pages)
    document = client.get(f"/admin/log.json?date={DAY}").json()
    assert not document["fevers"] and len(document["struck"]) == 1
    assert ("李伟", "strike", f"{DAY} north-1 0-24: stolen at noon") in stolen.audit()


def test_an_earlier_signature_shows_that_hours_were_struck_later(stolen):
    client = stolen.client("李伟")

    def sign():
        form = {"csrf": csrf(client, LOG), "date": DAY}
        assert client.post("/admin/log/sign", data=form, headers=OURS).status_code == 303

    sign()
    assert "Unchanged since." in client.get(LOG).text
    sent(client)
    page = client.get(LOG).text
    assert "Changed since it was signed." in page and "Struck · north-1 · 1<" in page
    sign()
    page = client.get(LOG).text
    assert page.count("Unchanged since.") == 1 and page.count("Changed since it was signed.") == 1
    number = re.search(r'name="strike" value="(\d+)"', page)
    assert number
    assert sent(client, "take-back", strike=number[1], reason="wrong one").status_code == 303
    page = client.get(LOG).text
    assert "Counts again" in page and "wrong one" in page
    # Neither signature fits: one was made before the strike, the other before it was taken back.
    assert page.count("Changed since it was signed.") == 2


def test_a_signature_made_by_an_older_version_is_not_called_changed(site):
    """The signed document lacks a field that newer versions have."""
    client = site.client("李伟")
    form = {"csrf": csrf(client, LOG), "date": DAY}
    client.post("/admin/log/sign", data=form, headers=OURS)
    ((document,),) = site.pages.store.query("select document from sign_offs")
    old = re.sub(r'"late_minutes":0,', "", document)
    assert old != document
    with site.pages.store.transaction() as connection:
        connection.execute(
            "update sign_offs set document = ?, sha256 = ?, mac = ?",
            (
                old,
                hashlib.sha256(old.encode()).hexdigest(),
                site.pages.sign_offs._vault.mac(f"\n{old}"),
            ),
        )
    assert "Unchanged since." in client.get(LOG).text


@pytest.mark.parametrize(
    "form, says",
    [
        ({"kiosk": "south-1"}, "was not revoked after these hours"),
        ({"kiosk": "south-1", "trusted": "1"}, "has no rows"),
        ({"begin": "9", "end": "8"}, "full hours"),
        ({"begin": "x"}, "full hours"),
        ({"reason": " "}, "Say why"),
    ],
)
def test_the_page_says_why_a_strike_is_refused(stolen, form, says):
    answer = sent(stolen.client("李伟"), **form)
    assert answer.status_code == 400 and says in answer.text


def test_a_guard_strikes_nothing(stolen):
    client = stolen.client("Zhang")
    assert client.post("/admin/log/strike", data={}, headers=OURS).status_code == 403


def test_a_struck_fever_is_no_open_case_at_the_board_and_can_still_be_looked_at(stolen):
    client = stolen.client("李伟")
    assert len(Fevers(stolen.gateway.db, 0, 2**40)) == 1
    assert sent(client).status_code == 303
    assert not Fevers(stolen.gateway.db, 0, 2**40)
    assert client.get(FEVER).status_code == 200
