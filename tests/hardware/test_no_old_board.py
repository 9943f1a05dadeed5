"""Even a person who reads only one page buys the right board: pages name the old board only as
refused."""

import re

import real_micropython as micropython

ROOT = micropython.ROOT
OLD = re.compile(
    r"wroom-32|devkitc-32e|(?<!download/)ESP32_GENERIC(?![_\w]|-SPIRAM)", re.IGNORECASE
)
REFUSED = re.compile(r"^(?:## Refused|# -- boards that are refused).*?(?=^## |\Z)", re.M | re.S)
PAGES = ("*.md", "*.csv", "*.yml", "*.toml", "*.in", "*.gv", "*.svg", "*.net")


def test_no_page_drawing_or_list_names_the_old_board_but_as_refused():
    mentions, refused = {}, set()
    pages = [ROOT / "README.md"]
    for folder in ("hardware", "gateway", "tools", "firmware"):
        pages += [path for pattern in PAGES for path in (ROOT / folder).rglob(pattern)]
    for path in pages:
        text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
        if match := OLD.search(REFUSED.sub("", text)):
            mentions[name] = match[0]
        elif OLD.search(text):
            refused.add(name)
    assert mentions == {}
    assert refused >= {"hardware/boards.toml", "hardware/boards.md"}  # so the search does find it
