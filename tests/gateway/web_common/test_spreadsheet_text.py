"""Text that people wrote stays text when a spreadsheet program opens the CSV."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fevergate.web_common.spreadsheet_text import harmless

READ_OTHERWISE = (
    *("3-2", "3/2", "3-2-26", "2026-11-23", "2026/3", "3.2", "12:30", "1e5", "0138"),
    *("013800138000", "138 0013 8000", "50%", "$5", "￥5", "(5)", "7am", "1 1/2"),
    *("3月2日", "2026年3月", "３-２", "下午3:00"),
    *("Mar 2", "2-Mar", "2 march 2026", "MAR1", "JUN-2", "true", "FALSE"),
    *("=1+1", "+86 138", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1+1", "－1"),
)
TEXT = ("机电 2 班", "2023级3班", "王芳", "Marie Curie", "north-1", "north-1/1/2", "", "A3-2")


@pytest.mark.parametrize("text", READ_OTHERWISE)
def test_text_that_a_spreadsheet_would_reinterpret_gets_an_apostrophe(text):
    assert harmless(text) == "'" + text


@pytest.mark.parametrize("text", TEXT)
def test_a_plain_text_is_left_alone(text):
    assert harmless(text) == text


@given(st.text(alphabet=string.digits + " .,:/-%()", min_size=1).filter(lambda t: t[0].isdigit()))
def test_nothing_made_of_digits_and_signs_is_taken_for_a_number_or_a_date(text):
    assert harmless(text).startswith("'")


@given(st.text())
def test_a_guard_is_one_apostrophe_and_changes_nothing_else(text):
    assert harmless(text) in (text, "'" + text)
