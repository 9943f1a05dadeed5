"""The pages of decisions: the list has all of them, and the files that they name exist."""

import re

import pytest
import real_micropython

FOLDER = real_micropython.ROOT / "gateway/decisions"
PAGES = sorted(page for page in FOLDER.glob("*.md") if page.name != "README.md")


def test_the_list_names_every_page():
    listed = re.findall(r"\]\((.+?)\)", (FOLDER / "README.md").read_text())
    assert sorted(listed) == [page.name for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_why_what_it_costs_and_where_it_is(page):
    text = page.read_text()
    assert all(part in text for part in ("\n**Why.**", "\n**What it costs.**", "\n**Where.**"))
    assert len(text.splitlines()) <= 40
    places = re.findall(r"`((?:firmware|gateway|hardware|tests|tools)/[^`]*)`", text)
    assert places and all((real_micropython.ROOT / place).exists() for place in places)
