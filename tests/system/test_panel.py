"""What a passer-by sees and hears in each state, drawn by the shipped panel and display code."""

import subprocess
import sys

import pytest
from PIL import Image, ImageChops

from harness import ROOT
from kiosk.words import LANGUAGES, words_in
from screenshots.panel_states import ORDER, picture, states


@pytest.fixture(scope="module")
def panels():
    return {(state.language, state.key): state for state in states()}


def text_of(state):
    return state.glass.to_text()


def test_every_state_has_a_picture_of_its_own_in_both_languages(panels):
    assert set(panels) == {(language, key) for language in LANGUAGES for key in ORDER}
    for language in LANGUAGES:
        assert len({text_of(panels[language, key]) for key in ORDER}) == len(ORDER)


def test_no_verdict_is_told_by_its_colour_alone(panels):
    for language in LANGUAGES:
        normal, fever, confirm = (panels[language, key] for key in ("normal", "fever", "confirm"))
        assert [state.lit for state in (normal, fever, confirm)] == [{"green"}, {"red"}, {"amber"}]
        assert len({tuple(state.tones) for state in (normal, fever, confirm)}) == 3
        assert fever.glass.inverted and not normal.glass.inverted and not confirm.glass.inverted


def test_whatever_is_wrong_lights_amber_and_never_green(panels):
    for (_, key), state in panels.items():
        if key not in ("idle", "normal", "fever"):
            assert state.lit == {"amber"}
    assert panels["zh", "idle"].lit == set()


def test_the_doors_line_goes_high_for_a_normal_and_for_nothing_else(panels):
    assert {key for (_, key), state in panels.items() if state.opened} == {"normal"}


def test_letters_and_characters_fill_the_glass_and_none_is_cut_off():
    """A letter is 16 pixels high and 8 wide, doubled: 5 mm high on a display of 0.96 inches."""
    for table in map(words_in, LANGUAGES):
        for lines in table.values():
            for line in lines:
                assert 0 < sum(1 if ord(char) < 128 else 2 for char in line) <= 8


def test_the_glass_shows_its_words_high_enough_for_a_metre(panels):
    """Each of the two lines is at least 24 rows high: 4 mm on the smallest display."""
    for state in panels.values():
        rows = state.glass.rows()
        if state.glass.inverted:
            rows = [[not pixel for pixel in row] for row in rows]
        lit = [y for y, row in enumerate(rows) if any(row)]
        for top in (0, 32):
            line = [y for y in lit if top <= y < top + 32]
            assert max(line) - min(line) >= 23, state.key


def test_the_readmes_pictures_are_what_the_code_draws(panels):
    for language in LANGUAGES:
        drawn = picture(list(panels.values()), language)
        stored = Image.open(ROOT / f"hardware/pictures/panel-{language}.png").convert("RGB")
        assert stored.size == drawn.size and not ImageChops.difference(stored, drawn).getbbox()


def test_the_file_of_characters_is_made_of_the_words():
    subprocess.run([sys.executable, ROOT / "tools/make-glyphs", "--check"], check=True)
