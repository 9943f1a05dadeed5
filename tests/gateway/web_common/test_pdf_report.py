"""A report as a PDF, read back with another project's library."""

import io

import pdfplumber
import pytest

from fevergate.texts.translations import translator
from fevergate.web_common.pdf_report import write_pdf
from fevergate.web_common.tables import Cell, Sheet, Table


@pytest.mark.parametrize("rows", range(28, 34))
def test_no_heading_stands_alone_at_the_foot_of_a_page(rows):
    first: list[list[Cell]] = [[number, "kiosk"] for number in range(rows)]
    tables = [
        Table("Coverage", ["Number", "Kiosk"], first),
        Table("Fevers", ["Number", "Reason"], [[1, "long reason " * 40]]),
    ]
    file = io.BytesIO()
    write_pdf(Sheet("Log", "red", "Fevers: 1", [], tables, []), "", translator("en"), file)
    with pdfplumber.open(file) as document:
        texts = [page.extract_text() for page in document.pages]
    (page,) = [text for text in texts if "\nFevers\n" in f"\n{text}"]
    assert "long reason" in page and "Number Reason" in page
