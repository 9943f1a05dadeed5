"""`tools/make-words`: updates the translation catalogues from the texts in the pages' sources.

A test checks that catalogues and sources agree.
"""

import argparse
import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).resolve().parents[2] / "gateway/fevergate"
OPTIONS = {"**.html": {"trim_blocks": "true", "lstrip_blocks": "true"}}
KEYWORDS: dict[str, None] = dict.fromkeys(("N_", "say", "both", "side_by_side", "_", "gettext"))
FINDINGS = ("ok", "warning", "failed", "fails", "not_shown", "finding")
"""Functions of `command_line.finding`; their arguments after the first, the check, are texts."""


def python_texts(file: IO[bytes], *_: Any, **__: Any) -> Iterator[tuple[int, None, str, list[str]]]:
    """Yield line and text of each call that takes a text. Calls within f-strings are included;
    Babel's own reader misses them."""
    texts = []
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr" if isinstance(node.func, ast.Attribute) else "id", "")
            plain = isinstance(node.func, ast.Name)
            arguments = node.args[:1] * (name in KEYWORDS)
            arguments += node.args[1 + (name == "finding") :] * (plain and name in FINDINGS)
            texts += [part for part in arguments if isinstance(part, ast.Constant)]
    for text in sorted(texts, key=lambda text: (text.lineno, text.col_offset)):
        if text.value:
            yield text.lineno, None, text.value, []


METHODS = [("**.py", python_texts), ("**.html", "jinja2")]


def template() -> Catalog:
    """Catalogue of every text in the sources."""
    catalogue = Catalog(project="FeverGate", charset="utf-8", header_comment="", fuzzy=False)
    for name, _, text, comments, context in extract_from_dir(
        PACKAGE, METHODS, OPTIONS, keywords=KEYWORDS
    ):
        catalogue.add(text, locations=[(name, 1)], auto_comments=comments, context=context)
    return catalogue


def catalogues() -> dict[str, Path]:
    """Catalogue file of each language."""
    return {
        path.parts[-3]: path
        for path in sorted(PACKAGE.glob("texts/locale/*/LC_MESSAGES/fevergate.po"))
    }


def main() -> int:
    """Returns the exit code: 1 if a text is not translated."""
    argparse.ArgumentParser(prog="tools/make-words", description=__doc__).parse_args()
    missing = 0
    for language, path in catalogues().items():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language, domain="fevergate")
        catalogue.update(template(), no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        with path.open("wb") as file:
            write_po(file, catalogue, width=100, omit_header=True, no_location=True)
        for message in catalogue:
            if message.id and not message.string:
                missing += 1
                print(f"{path}: not translated: {message.id!r}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
