"""What the display says: a head line and what to do, in the language that the campus chose.

Four Chinese characters or eight letters a line fill it: 5 mm on the smallest glass, for whom
stands a metre away. A verdict shows its digits and its second line. Only the language in use is
held in memory; a word that is added needs `tools/make-glyphs`.
"""

from kiosk.on_demand import give_back

LANGUAGES = ("zh", "en")


def words_in(language):
    """{key: (head line, second line)} in one of `LANGUAGES`."""
    if language == "en":
        from kiosk.words_en import WORDS
    else:
        from kiosk.words_zh import WORDS
    give_back("words_" + language)
    return WORDS


def line_word(code, language):
    """Why there is no line: four characters, or eight letters."""
    from kiosk.words_line import word

    give_back("words_line")
    return word(code, language)
