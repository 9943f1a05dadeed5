"""A day's log has the same rows as CSV, XLSX and PDF; independent libraries read the files."""

import csv
import hashlib
import io
import re
import time
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pdfplumber
import pytest
from export_cells import cell, cells
from pages_site import DAY, FEVER, OURS, csrf, post
from rich.console import Console
from samples import AT, arrived

from fevergate.reports import pdf_font
from fevergate.web.log_table import log_table

LANGUAGES = ("zh", "en")
PERSONS = {
    "person": "=王芳()",
    "unit": "3-2",
    "phone": "+86 138",
    "note": "咳嗽；very long " * 12,
}


@pytest.fixture
def full(site, guard):
    """A day with 41 fevers. One is followed up, with texts that a spreadsheet would run as
    formulas."""
    fevers = [
        arrived(10 + n, "fever", body_c=38 + n / 100, at=None if n == 5 else AT + 600 * n)
        for n in range(40)
    ]
    site.gateway.commit(fevers)
    form = PERSONS | {"clinical_c": "38.2", "clinical_site": "ear", "outcome": "clinic"}
    assert post(guard, FEVER, action="close", **form).status_code == 303
    return site


def fetched(site, kind, language, query=""):
    client = site.client("李伟", language)
    answer = client.get(f"/admin/log.{kind}?date={DAY}{query}")
    assert answer.status_code == 200, answer.text
    suffix = "-with-names" if "names=1" in query else ""
    assert f'"fever-log{suffix}-east-{DAY}.{kind}"' in answer.headers["content-disposition"]
    return answer.content


def as_csv(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def as_xlsx(content):
    page = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    assert not [cell for row in page for cell in row if cell.data_type == "f"]
    return [["" if value is None else value for value in row] for row in page.values]


PAPER = {
    "en": "Time|Gate|Kiosk|Body °C (axillary equivalent)|Second measurement °C|Outcome",
    "zh": "时间|校门|测温机|体温 °C（腋温等效）|复测体温 °C|结果",
}


def on_paper(rows, titles):
    """The columns with these titles as the PDF prints them: temperatures in tenths, times of the
    day without the date."""
    numbers = [rows[0].index(title) for title in titles]
    return [[_printed(row[number], rows[0][number]) for number in numbers] for row in rows]


def _printed(text, title):
    is_celsius = "°C" in title and re.fullmatch(r"\d+\.\d+", text)
    return f"{float(text):.1f}" if is_celsius else str(text).removeprefix(DAY)


def as_pdf(content):
    rows = []
    with pdfplumber.open(io.BytesIO(content)) as document:
        for page in document.pages:
            for table in page.extract_tables():
                rows += [[(cell or "").replace("\n", "") for cell in row] for row in table]
    kiosk_heads = (n for n, row in enumerate(rows) if row[1] in ("Kiosk", "测温机"))
    fevers = rows[: next(kiosk_heads, None)]
    return [row for n, row in enumerate(fevers) if n == 0 or row != fevers[0]]


@pytest.mark.parametrize("names", ["", "&names=1"], ids=["without names", "with names"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_all_three_hold_the_same_rows(full, language, names):
    by_csv = cells(as_csv(fetched(full, "csv", language, names)))
    assert len(by_csv) == 42
    assert cells(as_xlsx(fetched(full, "xlsx", language, names))) == by_csv
    printed, *rows = as_pdf(fetched(full, "pdf", language, names))
    table = as_csv(fetched(full, "csv", language, names))
    by_cell = {cell(title): title for title in table[0]}
    titles = [by_cell[cell(title)] for title in printed]
    assert set(PAPER[language].split("|")) <= set(titles) and len(titles) <= 10
    assert cells(rows) == cells(on_paper(table, titles)[1:])
    assert ("王芳" in str(by_csv)) == bool(names)


def test_people_read_temperatures_in_tenths_and_files_keep_all_digits(full):
    tenths = {f"{38 + n / 100:.1f}" for n in range(40)}
    of = PAPER["en"].split("|")[3]
    rows = as_csv(fetched(full, "csv", "en"))
    exact = sorted(float(row[rows[0].index(of)]) for row in rows[1:])
    assert exact == sorted([38.4, *(38 + n / 100 for n in range(40))])
    page = openpyxl.load_workbook(io.BytesIO(fetched(full, "xlsx", "en"))).worksheets[0]
    (column,) = [n for n, title in enumerate(next(page.values)) if title == of]
    column_cells = [row[column] for row in page.iter_rows(min_row=2)]
    assert {cell.number_format for cell in column_cells} == {"0.0"}
    assert sorted(float(str(cell.value)) for cell in column_cells) == exact
    printed, *rows = as_pdf(fetched(full, "pdf", "en"))
    assert {row[printed.index(of)] for row in rows} == tenths
    given = {"clinical_c": "38.25", "clinical_site": "ear", "outcome": "clinic"}
    path = FEVER.removesuffix("2") + "10"
    assert post(full.client("Zhang"), path, action="save", **given).status_code == 303
    text = full.client("李伟").get(f"/admin/log?date={DAY}").text
    assert set(re.findall(r">\s*(38\.\d+)\s*<", text)) == tenths | {"38.2"}
    terminal = shown_in_the_terminal(full)
    assert tenths <= set(re.findall(r"\b38\.\d+\b", terminal)) <= tenths | {"38.2"}
    board = full.client("Zhang").get("/board/north").text
    assert "38.2 °C" in board and "38.25" not in board


def shown_in_the_terminal(site):
    """The day's log as `fevergate log` prints it."""
    out = io.StringIO()
    with site.pages.whole_day(date.fromisoformat(DAY)) as day:
        Console(file=out, width=300).print(log_table(day, site.settings, "en"))
    return out.getvalue()


def test_nothing_that_somebody_wrote_is_run_by_a_spreadsheet(full):
    text = fetched(full, "csv", "zh", "&names=1").decode("utf-8-sig")
    assert "'=王芳()" in text and "'+86 138" in text and ",'3-2," in text
    assert not re.search(r"(^|,)[=+@]", text, re.MULTILINE)


def test_an_export_with_names_is_in_the_audit(full):
    fetched(full, "pdf", "zh", "&names=1")
    assert ("李伟", "take log", f"fever-log-with-names-east-{DAY}.pdf") in full.audit()


def test_the_pdf_brings_its_chinese_glyphs_and_says_who_signed(full):
    client = full.client("李伟")
    post(client, "/admin/log/sign", f"/admin/log?date={DAY}", date=DAY)
    content = fetched(full, "pdf", "zh")
    with pdfplumber.open(io.BytesIO(content)) as document:
        fonts = {char["fontname"] for page in document.pages for char in page.chars}
        text = "".join(page.extract_text() for page in document.pages)
    assert any("MicroHei" in font or "ZenHei" in font or "Droid" in font for font in fonts)
    assert "李伟" in text and "签核后无变动" in text and "当日发热 41 人次" in text


def test_the_signed_day_is_on_two_pages_with_a_line_for_the_signature_and_no_broken_word(full):
    for language, labels in (("zh", ("值班员", "审核人")), ("en", ("On duty", "Checked by"))):
        with pdfplumber.open(io.BytesIO(fetched(full, "pdf", language))) as document:
            assert len(document.pages) <= 2
            last = document.pages[-1]
            words = {word["text"] for page in document.pages for word in page.extract_words()}
            lines = [line for line in last.lines if line["x1"] - line["x0"] > 100]
            text = last.extract_text()
        assert all(label in text for label in labels)
        signed = next(w for w in last.extract_words() if labels[0].startswith(w["text"]))
        assert [line for line in lines if abs(line["bottom"] - signed["bottom"]) < 10]
        if language == "en":
            expected = {"measurement", "Acknowledged", "equivalent)", "Outcome", "north-1"}
            assert expected <= words


RARE = "王䶮𠮷野🤒"


@pytest.mark.skipif(
    not Path(pdf_font.RARE_FONTS[0]).exists(), reason="fonts-babelstone-han is not installed"
)
def test_rare_characters_and_emoji_of_a_name_are_printed_and_can_be_searched(site, guard):
    post(guard, FEVER, action="save", person=RARE, note="👩‍⚕️ 来过")
    with pdfplumber.open(io.BytesIO(fetched(site, "pdf", "zh", "&names=1"))) as document:
        chars = [char for page in document.pages for char in page.chars]
    text = "".join(char["text"] for char in chars)
    assert RARE in text and "👩⚕" in text and "U+" not in text
    assert {char["fontname"] for char in chars if char["text"] in "䶮𠮷"} != {
        char["fontname"] for char in chars if char["text"] == "王"
    }


def test_a_character_without_a_font_is_printed_as_its_code_with_the_package_to_install(
    site, guard, monkeypatch
):
    monkeypatch.setattr(pdf_font, "RARE_FONTS", ())
    post(guard, FEVER, action="save", person=RARE)
    with pdfplumber.open(io.BytesIO(fetched(site, "pdf", "en", "&names=1"))) as document:
        text = "".join(page.extract_text() for page in document.pages).replace("\n", "")
    assert "[U+4DAE]" in text and "[U+20BB7]" in text and "fonts-babelstone-han" in text


def test_times_of_the_xlsx_are_times_and_what_looks_like_a_date_is_text(full):
    content = fetched(full, "xlsx", "en", "&names=1")
    page = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    titles, *rows = page.values
    times = [row[titles.index("Time")] for row in rows]
    assert all(isinstance(at, datetime) and str(at).startswith(DAY) for at in times)
    assert {str(row[titles.index("Class or unit")]) for row in rows} == {"3-2", ""}


def test_a_document_with_names_has_nothing_but_the_fevers(full):
    text = fetched(full, "csv", "en", "").decode()
    assert "王芳" not in text and "Person" not in text
    book = openpyxl.load_workbook(io.BytesIO(fetched(full, "xlsx", "en", "&names=1")))
    assert book.sheetnames == ["Fevers", "FeverGate"]
    assert "Fever log with names" in str(book.worksheets[1]["A1"].value)


def test_a_machine_without_a_chinese_font_says_what_to_install(full, monkeypatch):
    monkeypatch.setattr(pdf_font, "FONTS", ("/nowhere.ttf",))
    pdf_font.chinese_font.cache_clear()
    try:
        answer = full.client("李伟").get(f"/admin/log.pdf?date={DAY}")
    finally:
        pdf_font.chinese_font.cache_clear()
    assert answer.status_code == 503 and "fonts-wqy-microhei" in answer.text


def test_a_report_of_zero_states_what_was_watched(site, administrator):
    site.gateway.commit([arrived(50, at=AT + 86400)])
    page = administrator.get("/admin/log?date=2026-11-24").text
    assert "Report of zero" in page and "1 of 3 kiosks watched" in page
    assert "Not watched at all: north-2, south-1" in page
    pdf = administrator.get("/admin/log.pdf?date=2026-11-24")
    with pdfplumber.open(io.BytesIO(pdf.content)) as document:
        text = "".join(page.extract_text() for page in document.pages)
    assert "Report of zero" in text and "1 of 3 kiosks watched" in text


def test_coverage_can_be_exported_too(administrator):
    rows = as_csv(administrator.get(f"/admin/log-coverage.csv?date={DAY}").content)
    assert [row[1] for row in rows[1:]] == ["north-1", "north-2", "south-1"]
    assert rows[1][2:5] == ["2", "1", "0"]


def test_a_day_is_signed_with_a_hash_and_a_later_change_shows(site, administrator, guard):
    post(guard, FEVER, action="save", person="王芳", clinical_c="38.0")
    post(administrator, "/admin/log/sign", f"/admin/log?date={DAY}", date=DAY)
    # The hash covers no name, since names are deleted after some days.
    assert site.pages.follow_ups.forget(time.time() + 1) == 1
    page = administrator.get(f"/admin/log?date={DAY}").text
    (digest,) = re.findall(r"<code>([0-9a-f]{64})</code>", page)
    assert "Unchanged since." in page
    site.gateway.commit([arrived(4, "fever", body_c=38.9)])
    page = administrator.get(f"/admin/log?date={DAY}").text
    assert "Changed since it was signed." in page and digest in page
    assert "Fever · north-1/1/4" in page


def test_an_outcome_that_changes_after_the_signature_shows(administrator, guard):
    post(administrator, "/admin/log/sign", f"/admin/log?date={DAY}", date=DAY)
    post(guard, FEVER, action="close", outcome="released", clinical_c="36.6")
    assert "Changed since it was signed." in administrator.get(f"/admin/log?date={DAY}").text


@pytest.mark.parametrize(
    "change",
    [
        "update sign_offs set by = 'Zhang'",
        "update sign_offs set at = at + 1",
        "update sign_offs set document = replace(document, '38.4', '37.0')",
    ],
)
def test_a_signature_that_was_tampered_with_is_reported(site, administrator, change):
    post(administrator, "/admin/log/sign", f"/admin/log?date={DAY}", date=DAY)
    assert "tampered" not in administrator.get(f"/admin/log?date={DAY}").text
    with site.pages.store.transaction() as connection:
        connection.execute(change)
    assert "tampered" in administrator.get(f"/admin/log?date={DAY}").text


def test_whoever_can_write_the_database_cannot_sign(site, administrator):
    post(administrator, "/admin/log/sign", f"/admin/log?date={DAY}", date=DAY)
    with site.pages.store.transaction() as connection:
        (document,) = connection.execute("select document from sign_offs").fetchone()
        forged = document.replace("李伟", "王主任")
        digest = hashlib.sha256(forged.encode()).hexdigest()
        connection.execute(
            "update sign_offs set document = ?, sha256 = ?, \"by\" = '王主任'", (forged, digest)
        )
    assert "tampered" in administrator.get(f"/admin/log?date={DAY}").text


def test_another_name_under_an_acknowledgement_shows_and_a_purged_one_does_not(site, administrator):
    post(administrator, "/admin/log/sign", f"/admin/log?date={DAY}", date=DAY)
    site.gateway.db.execute("update fevers set acknowledged_by = 'Mallory'")
    assert "Changed since it was signed." in administrator.get(f"/admin/log?date={DAY}").text
    site.gateway.db.execute("update fevers set acknowledged_by = ''")
    assert "Unchanged since." in administrator.get(f"/admin/log?date={DAY}").text


def test_a_day_that_is_still_to_come_is_not_signed(administrator):
    answer = post(administrator, "/admin/log/sign", "/admin/people", date="2999-01-01")
    assert answer.status_code == 400 and "has not begun" in answer.text


def test_a_long_note_breaks_no_pdf(site, guard):
    post(guard, FEVER, action="save", note="咳" * 1000, unit="班" * 64)
    content = fetched(site, "pdf", "zh", "&names=1")
    with pdfplumber.open(io.BytesIO(content)) as document:
        text = "".join(page.extract_text() for page in document.pages)
    assert text.count("咳") == 1000


def test_a_day_cannot_be_signed_from_elsewhere(site, administrator):
    token = csrf(administrator, "/admin/people")
    answer = administrator.post(
        "/admin/log/sign", data={"csrf": token, "date": DAY}, headers={"origin": "https://evil"}
    )
    assert answer.status_code == 403
    answer = administrator.post("/admin/log/sign", data={"date": DAY}, headers=OURS)
    assert answer.status_code == 403
    assert site.pages.store.query("select 1 from sign_offs") == []
