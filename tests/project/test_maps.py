"""The pages that guide a newcomer name only files, functions and commands that exist."""

import ast
import re
import subprocess

import pytest
import real_micropython

ROOT = real_micropython.ROOT
FILES = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
).stdout.split()
MAPS = [name for name in FILES if re.fullmatch(r"(\w+/)?README(\.zh)?\.md", name)]
ROOMS = sorted(
    {name for name in FILES if re.fullmatch(r"gateway/fevergate/\w+/__init__\.py", name)}
)

STARTS = ("", "gateway/fevergate/", "firmware/kiosk/", "firmware/", "tools/", "tests/", "gateway/")
PATH = re.compile(
    r"(?:[\w.-]+/)*[\w-]+\.(?:py|toml|md|json|yml|csv|net|po|html|sh|svg)|(?:tools/|make-)[\w-]+"
)
NAME = re.compile(r"(?:[A-Za-z_]\w*\.)*(?:_\w+|[A-Z]\w*|\w+_\w+)(?:\(\))?")

WRITTEN_ELSEWHERE = {
    *("settings.json", "gateway.toml", "campus.toml", "constraints.txt", "config.txt"),
    "fevergate.db",
}
"""Files that are not in the repository: a gateway, a campus server or a board has them."""


def words_of(files):
    """Every word in those of the files that are code, configuration or templates."""
    kinds = (".py", ".toml", ".html", ".js", ".json", ".yml")
    words = set()
    for name in files:
        if name.endswith(kinds) or (name.startswith("tools/") and "." not in name):
            path = ROOT / name
            if path.is_file():
                words |= set(re.findall(r"\w+", path.read_text(errors="replace")))
    return words


WORDS = words_of(FILES)


def backticked(name):
    text = re.sub(r"```.*?```", "", (ROOT / name).read_text(), flags=re.S)
    return set(re.findall(r"`([^`\n]+)`", text))


@pytest.mark.parametrize("page", MAPS)
def test_each_file_and_name_on_the_page_is_there(page):
    folder = page.rpartition("/")[0]
    starts = [*STARTS, f"{folder}/" if folder else ""]
    for words in backticked(page):
        first = words.split()[0]
        if PATH.fullmatch(first) and first not in WRITTEN_ELSEWHERE:
            paths = [f"{start}{first}" for start in starts]
            known = any((ROOT / path).exists() for path in paths) or (
                # A file of the room that the sentence is about.
                any(name.endswith(f"/{first}") for name in FILES)
            )
            assert known, f"{page}: {first}"
        elif NAME.fullmatch(words):
            missing = set(re.findall(r"\w+", words)) - WORDS
            assert not missing, f"{page}: {words}"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_where_to_begin_by_names_that_are_there(room):
    text = ast.get_docstring(ast.parse((ROOT / room).read_text())) or ""
    assert text
    inside = [name for name in FILES if name.startswith(room.removesuffix("__init__.py"))]
    modules = {name.rpartition("/")[2].removesuffix(".py") for name in FILES}
    words = words_of(name for name in inside if name != room) | modules
    for reference in re.findall(r"`([^`]+)`", text):
        missing = set(re.findall(r"\w+", reference)) - words
        assert "*" in reference or not missing, f"{room}: {reference}"
