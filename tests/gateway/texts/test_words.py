"""Every sentence is in the catalogues of both languages, and no catalogue has an unused one."""

import ast
import io
import re
from functools import cache

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from hypothesis import given
from hypothesis import strategies as st

from fevergate.texts import translations
from fevergate.texts.translations import both, side_by_side, translator
from measurement.words import KEYWORDS, PACKAGE, catalogues, template

HOLES = re.compile(r"%\(\w+\)[sd]|%[sd%]|{[^}]*}")
CHINESE = re.compile("[\u4e00-\u9fff]")
DATA = {
    *("kiosks/settings_command.py", "campus/settings.py", "people/list_columns.py"),
    "web_common/duty_file.py",
    *("provision/command.py", "provision/board_commands.py", "provision/title_options.py"),
    "web_common/spreadsheet_text.py",
}
"""Files that may hold Chinese: examples of what a Chinese campus writes, and how it writes a
time."""


def pairs(path):
    return translations.read_po(path.read_text(encoding="utf-8"))


@cache
def texts():
    return {str(message.id) for message in template() if message.id}


@pytest.mark.parametrize("language", catalogues())
def test_every_text_is_translated_and_none_is_left_over(language):
    have = pairs(catalogues()[language])
    assert set(have) == texts(), "run tools/make-words"
    assert not [text for text, translation in have.items() if not translation]


@pytest.mark.parametrize("language", catalogues())
def test_a_translation_has_the_same_holes_as_its_text(language):
    for text, translation in pairs(catalogues()[language]).items():
        assert sorted(HOLES.findall(translation)) == sorted(HOLES.findall(text)), text


def test_chinese_is_among_the_languages():
    assert "zh" in catalogues() and len(texts()) > 500


def test_no_text_hides_where_the_catalogue_does_not_look():
    """Babel does not look, for example, at a call within an f-string."""
    known_texts = texts()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
                continue
            text = node.args[0]
            if node.func.id in KEYWORDS and isinstance(text, ast.Constant):
                assert text.value in known_texts, f"{path}:{node.lineno}"


def test_the_python_of_the_gateway_holds_one_language():
    mixed = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if CHINESE.search(path.read_text(encoding="utf-8"))
    }
    assert mixed == DATA


LINES = st.text(
    st.sampled_from("ab测 \"\\\n\t{}%'") | st.characters(categories=["L", "P"]), min_size=1
)


@given(st.dictionaries(LINES, LINES, max_size=5))
def test_the_catalogue_is_read_as_babel_reads_it(messages):
    catalogue = Catalog(locale="zh", charset="utf-8")
    for text, translation in messages.items():
        catalogue.add(text, translation)
    file = io.BytesIO()
    write_po(file, catalogue, width=100, omit_header=True, no_location=True)
    by_babel = {m.id: m.string for m in read_po(io.BytesIO(file.getvalue())) if m.id}
    assert translations.read_po(file.getvalue().decode()) == by_babel


def test_a_value_in_both_languages_fills_each_half():
    state = both("offline")
    assert both("{kiosk}: {what}", kiosk="north-1", what=state) == (
        "north-1：离线",
        "north-1: offline",
    )
    assert side_by_side("in force") == "已生效 in force"
    assert translator("en")("{kiosk}: {what}", kiosk="{0}", what="100 %") == "{0}: 100 %"
