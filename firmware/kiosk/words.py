"""Texts of the display, two lines each, in the language that the settings name.

A line has room for four Chinese characters or eight letters. They are 5 mm high on the smallest
display, to be read from a metre away. With a verdict, digits replace the first line. Only the
language in use is in memory. After adding a new character, run `tools/make-glyphs`.
"""

from kiosk.on_demand import give_back

LANGUAGES = ("zh", "en")


def words_in(language):
    """The display's texts in one of `LANGUAGES`: {key: (first line, second line)}."""
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
