"""The pages speak both languages, and nothing is left over."""

import re

import pytest
from babel.messages.pofile import read_po

from measurement.words import catalogues, template

HOLES = re.compile(r"%\(\w+\)[sd]|%[sd%]")


def pairs(path):
    with path.open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, domain="fevergate") if one.id}


@pytest.mark.parametrize("language", catalogues())
def test_every_text_of_the_pages_is_translated_and_none_is_left_over(language):
    have = pairs(catalogues()[language])
    assert set(have) == {str(one.id) for one in template() if one.id}, "run tools/make-words"
    assert not [text for text, said in have.items() if not said]


@pytest.mark.parametrize("language", catalogues())
def test_a_translation_has_the_same_holes_as_its_text(language):
    for text, said in pairs(catalogues()[language]).items():
        assert sorted(HOLES.findall(said)) == sorted(HOLES.findall(text)), text


def test_chinese_is_a_language_there_is():
    assert "zh" in catalogues() and len(list(template())) > 200
