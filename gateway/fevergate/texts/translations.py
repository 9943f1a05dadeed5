"""Texts for people: English in the sources, Chinese in one gettext catalogue.

Pages, terminal, notices and PDF read `locale/zh/LC_MESSAGES/fevergate.po`, which `tools/make-words`
keeps in step with the sources; a test compares. Texts that are selected by a value are marked by
`N_` in their tables, most of which are in `word_tables`.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

LANGUAGES = ("zh", "en")

Pair = tuple[str, str]
"""A text in Chinese and in English."""

Say = Callable[..., str]
"""`say(text, **values)` returns a text of the sources in one language; `values` replace the
{placeholders} in it."""


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a text for the catalogue."""
    return text


@cache
def translator(language: str) -> Say:
    """The function that translates the texts of the sources into one of `LANGUAGES`."""
    path = Path(__file__).with_name("locale") / f"{language}/LC_MESSAGES/fevergate.po"
    texts = read_po(path.read_text(encoding="utf-8")) if language != "en" else {}

    def say(text: str, /, **values: object) -> str:
        translated = texts.get(text, text)
        return translated.format(**values) if values else translated

    return say


def both(text: str, /, **values: object) -> Pair:
    """A text in Chinese and in English. A value may itself be such a pair: its Chinese goes into
    the Chinese text, its English into the English one."""
    chinese, english = (
        {name: value[half] if isinstance(value, tuple) else value for name, value in values.items()}
        for half in (0, 1)
    )
    return translator("zh")(text, **chinese), translator("en")(text, **english)


def side_by_side(text: str, /, **values: object) -> str:
    """A text in Chinese, a space, the same in English."""
    return " ".join(both(text, **values))


def read_po(content: str) -> dict[str, str]:
    """Translations by text, from a catalogue as `tools/make-words` writes it: quoted lines, no
    plurals, no contexts. Babel, which reads all forms, takes 2.6 MB more and five times as long."""
    joined = content.replace('"\n"', "")
    pairs = re.findall(r'^msgid (".*")\nmsgstr (".*")$', joined, re.MULTILINE)
    return {json.loads(text): json.loads(translated) for text, translated in pairs}
