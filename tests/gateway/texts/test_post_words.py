"""A lamp post's name says once what it is and where it stands."""

import pytest

from fevergate.texts import trouble_text
from fevergate.texts.post_words import post_in_words
from fevergate.texts.translations import translator


@pytest.mark.parametrize(
    ("post", "gate", "language", "words"),
    [
        ("北门灯柱", "北门", "zh", "北门灯柱"),
        ("左侧灯柱", "北门", "zh", "北门的左侧灯柱"),
        ("北门左侧", "北门", "zh", "灯柱“北门左侧”"),
        ("post-1", "北门", "zh", "北门的灯柱 post-1"),
        ("North gate lamp post", "North gate", "en", "North gate lamp post"),
        ("Left lamp post", "North gate", "en", "Left lamp post of North gate"),
        ("north-post", "north", "en", "Lamp post north-post"),
        ("north-post", "no", "en", "Lamp post north-post of no"),
        ("post-1", "north", "en", "Lamp post post-1 of north"),
    ],
)
def test_nothing_is_said_twice(post, gate, language, words):
    assert post_in_words(post, gate, translator(language)) == words


@pytest.mark.parametrize(
    ("title", "zh"),
    [("北门灯柱", "北门灯柱：离线"), ("左侧", "左侧（灯柱）：离线")],
)
def test_a_posts_trouble_says_once_that_it_is_one(title, zh):
    names = {"north-post": title}
    line = trouble_text.line(
        "north-post: offline", translator("zh"), names.__getitem__, ["north-post"]
    )
    assert line == zh
