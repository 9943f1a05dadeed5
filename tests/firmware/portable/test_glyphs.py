"""Characters are read from flash when they are drawn; a damaged file only leaves them without
shapes."""

import os
import sys

from kiosk.glyphs import NAME, Glyphs
from kiosk.words import LANGUAGES, words_in

FOLDER = "glyphs-test"


def shipped():
    """The bytes of the firmware's file."""
    for folder in sys.path:
        try:
            with open(folder + "/" + NAME, "rb") as file:
                return file.read()
        except OSError:
            pass
    raise AssertionError("no glyphs.bin")


def on_flash(data):
    """The glyphs of a board whose file of glyphs has these bytes."""
    path = list(sys.path)
    os.mkdir(FOLDER)
    with open(FOLDER + "/" + NAME, "wb") as file:
        file.write(data)
    sys.path[:] = ["nowhere", FOLDER]
    try:
        return Glyphs()
    finally:
        sys.path[:] = path
        os.remove(FOLDER + "/" + NAME)
        os.rmdir(FOLDER)


def test_each_character_of_the_words_has_a_shape():
    glyphs = Glyphs()
    for language in LANGUAGES:
        for pair in words_in(language).values():
            for char in pair[0] + pair[1]:
                if ord(char) > 127:
                    rows = glyphs.get(char)
                    assert rows and len(rows) == 32 and any(rows), char


def test_a_character_is_read_where_the_index_says():
    data = shipped()
    glyphs = on_flash(data)
    last = words_in("zh")["idle"][0][0]
    rows = glyphs.get(last)
    assert rows and rows in data
    assert glyphs.get("鼎") is None and glyphs.get("A") is None


def test_a_missing_file_leaves_every_character_without_a_shape():
    path = list(sys.path)
    sys.path[:] = ["nowhere"]
    try:
        assert Glyphs().get("一") is None
    finally:
        sys.path[:] = path


def test_a_damaged_file_is_not_believed():
    data = shipped()
    assert on_flash(data).get("一")
    for size in (0, 3, 5, 6, 20, len(data) - 32, len(data) - 1):
        assert on_flash(data[:size]).get("一") is None, size
    for at in (0, 3, 5, 7, 300, len(data) - 1):
        torn = bytearray(data)
        torn[at] ^= 0x10
        assert on_flash(torn).get("一") is None, at
    assert on_flash(data + b"\0").get("一") is None


def test_a_file_that_fails_later_leaves_characters_without_a_shape():
    class Failing:
        def seek(self, at):
            raise OSError(5)

    glyphs = on_flash(shipped())
    setattr(glyphs, "_file", Failing())  # noqa: B010
    assert glyphs.get("一") is None


def test_an_updates_own_characters_come_first():
    path = list(sys.path)
    os.mkdir(FOLDER)
    try:
        with open(FOLDER + "/" + NAME, "wb") as file:
            file.write(b"damaged")
        sys.path.insert(0, FOLDER)
        assert Glyphs().get("一")  # from the flashed file, which is better than boxes
    finally:
        sys.path[:] = path
        os.remove(FOLDER + "/" + NAME)
        os.rmdir(FOLDER)


def test_only_the_language_in_use_is_held():
    words_in("en")
    words_in("zh")
    assert "kiosk.words_en" not in sys.modules and "kiosk.words_zh" not in sys.modules
    assert set(words_in("en")) == set(words_in("zh"))
