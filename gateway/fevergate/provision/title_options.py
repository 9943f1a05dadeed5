"""Options of `fevergate provision` that name campuses, gates and kiosks, and the questions that it
asks at a terminal where a name is missing."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from fevergate.provision.files import read_toml
from fevergate.provision.titles import Named, Titles, check_title
from fevergate.texts.translations import N_, side_by_side

CAMPUS, GATE = N_("Name of campus {name} in Chinese"), N_("Name of gate {name} in Chinese")
ENGLISH = N_("and in English")

TitlePair = tuple[str, Titles]


class TitleParam(click.ParamType[TitlePair]):
    """Option value ID=NAME[/ENGLISH NAME]."""

    def __init__(self, name: str, example: str) -> None:
        self.name = name
        self._example = example

    def convert(
        self,
        value: str | TitlePair,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> TitlePair:
        if isinstance(value, tuple):
            return value
        name, equals, titles = value.partition("=")
        title, slash, english = titles.partition("/")
        if not name or not equals or not title:
            self.fail(f"{value!r}: expected {self.name}, such as {self._example}", param, ctx)
        return name, checked(Titles(title, english if slash else None))


gate_title_option = click.option(
    "--gate-title",
    "gate_titles",
    type=TitleParam("GATE=NAME[/ENGLISH]", "north=北门/North gate"),
    multiple=True,
    help="What people call a gate; repeat the option for each. At a terminal the command asks.",
)
campus_title_option = click.option(
    "--campus-title",
    "campus_titles",
    type=TitleParam("CAMPUS=NAME[/ENGLISH]", "east=东校区/East campus"),
    multiple=True,
    help="What people call a campus; repeat the option for each. At a terminal the command asks.",
)


def title_options(kind: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options --title and --title-en, the name of a `kind` in Chinese and in English."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        english = click.option("--title-en", help="The same in English.")
        return click.option("--title", help=f"What people call the {kind}, in Chinese.")(
            english(command)
        )

    return add


def checked(titles: Titles) -> Titles:
    """The names given as options, without blanks around them. Raises `ProvisionError`."""
    return Titles(*(None if title is None else check_title("name", title) for title in titles))


def ask_for(
    question: str,
    names: Iterable[str],
    given: Named,
    table_of: Callable[[str], Any],
    suggested: Callable[[str], Titles],
) -> dict[str, Titles]:
    """The names that were given, and, at a terminal, answers for those that have none yet.

    `table_of` returns the table of an id in the settings. Without a terminal nothing is asked.
    Raises `ProvisionError`.
    """
    titles = dict(given)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return titles
    for name in names:
        if name in titles or table_of(name).get("title"):
            continue
        suggestion = suggested(name)
        chinese = _ask(side_by_side(question, name=name), suggestion.title)
        titles[name] = checked(Titles(chinese, _ask(side_by_side(ENGLISH), suggestion.title_en)))
    return titles


def _ask(text: str, default: str | None) -> str:
    return click.prompt(text, default=default, err=True)


def known_in(path: Path) -> Any:
    """The content of a settings file, to see which names it has; empty if there is no file."""
    return read_toml(path) if path.exists() else {}


def known_gate(document: Any, gate: str) -> Any:
    """The table of a gate in gateway.toml; empty for a new one."""
    return next((table for table in document.get("gates", []) if table["name"] == gate), {})
