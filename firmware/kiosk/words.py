"""Texts of the display, two lines each, in the language that the settings name.

A line has room for four Chinese characters or eight letters, 5 mm high on the smallest display, to
be read from a metre away. With a verdict, digits take the place of the first line. Only the
language in use is in memory. After a new character run `tools/make-glyphs`.
"""

from kiosk.on_demand import give_back

LANGUAGES = ("zh", "en")


def words_in(language):
    """{key: (first line, second line)} in one of `LANGUAGES`."""
    if language == "en":
        from kiosk.words_en import WORDS
    else:
        from kiosk.words_zh import WORDS
    give_back("words_" + language)
    return WORDS


def line_word(code, language):
    """The text for a code of `Wifi.trouble`: why the broker is out of reach."""
    from kiosk.words_line import word

    give_back("words_line")
    return word(code, language)
