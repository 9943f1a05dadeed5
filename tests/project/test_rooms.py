"""The picture and the list of the rooms are those of the rules of import."""

import real_micropython
import rooms

MOST_ROOMS = 30
"""At the top of gateway/fevergate, loose files among them: more are no map."""


def test_the_drawing_and_the_list_of_the_rooms_are_todays():
    assert rooms.PICTURE.read_text("utf-8") == rooms.picture(), "run tools/make-rooms"
    assert rooms.PAGE.read_text("utf-8") == rooms.page(), "run tools/make-rooms"


def test_an_arrow_that_follows_from_others_is_not_drawn():
    drawn = rooms.arrows()
    assert ("storage", "clock") in drawn
    assert ("cli", "errors") not in drawn  # by way of every other room


def test_a_newcomer_finds_few_enough_rooms():
    package = real_micropython.ROOT / "gateway/fevergate"
    found = [path for path in package.iterdir() if path.name != "__pycache__"]
    assert len(found) <= MOST_ROOMS
