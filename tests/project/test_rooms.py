"""The picture and the list of the rooms, the packages of gateway/fevergate, agree with the import
rules."""

import ast
from collections import Counter

import pytest
import real_micropython
import rooms

MOST_ROOMS = 30
"""Most entries at the top of gateway/fevergate, single files included; a newcomer gets lost among
more."""


@pytest.fixture(scope="module")
def drawn():
    return rooms.arrows(rooms.picture())


def test_the_drawing_and_the_list_of_the_rooms_are_todays(drawn):
    assert rooms.arrows(rooms.PICTURE.read_text("utf-8")) == drawn, "run tools/make-rooms"
    assert rooms.PAGE.read_text("utf-8") == rooms.page(), "run tools/make-rooms"


def test_an_arrow_that_follows_from_others_is_not_drawn(drawn):
    assert ("storage", "clock") in drawn
    assert ("cli", "errors") not in drawn  # it follows by way of every other room


def test_a_newcomer_finds_few_enough_rooms():
    package = real_micropython.ROOT / "gateway/fevergate"
    rooms = [path for path in package.iterdir() if not path.name.startswith("__")]
    assert len(rooms) <= MOST_ROOMS


def test_every_class_of_the_package_has_a_name_of_its_own():
    classes = Counter(
        node.name
        for path in (real_micropython.ROOT / "gateway/fevergate").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in classes.items() if count > 1] == []
