"""Options that several commands share, so that they mean the same in each."""

import math
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., object])

FOLDER = Path("/etc/fevergate")
"""Folder of the settings on an installed machine."""


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead of text."
)

language_option = click.option(
    "--language",
    type=click.Choice(["zh", "en"]),
    help="Language of the output.  [default: that of the settings]",
)

spoken_option = click.option(
    "--language",
    type=click.Choice(["zh", "en"]),
    default="zh",
    show_default=True,
    help="Language of the output.",
)
"""`--language` of a command that reads no settings."""


RELATIVE_DAYS = {
    "today": timedelta(0),
    "yesterday": timedelta(days=-1),
}


class DayParam(click.ParamType[date | timedelta]):
    """A day as YYYY-MM-DD, or `today` or `yesterday`. These two become a distance from today, since
    the campus's date is known only later (`day_of`)."""

    name = "YYYY-MM-DD|yesterday"

    def convert(
        self,
        value: str | date | timedelta,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> date | timedelta:
        if isinstance(value, date | timedelta):
            return value
        if value in RELATIVE_DAYS:
            return RELATIVE_DAYS[value]
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r}: expected a day as YYYY-MM-DD, such as 2026-11-23, or yesterday",
                param,
                ctx,
            )

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(day) for day in RELATIVE_DAYS if day.startswith(incomplete)]


def day_of(value: date | timedelta, today: date) -> date:
    """Return the day that the option gave, counted from `today` if it is a distance."""
    return today + value if isinstance(value, timedelta) else value


class FiniteRange(click.FloatRange):
    """A finite number within bounds; `click.FloatRange` alone would accept NaN."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


def card_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a kiosk's card reader, named as in the kiosk's settings."""
    options = (
        click.option(
            "--card",
            type=click.Choice(["off", "record", "permit"]),
            help="off: cards are not read; record: they are noted with the reading; permit: it is"
            " also checked whether they may enter.",
        ),
        click.option(
            "--card-reader",
            type=click.Choice(["binary", "line"]),
            help="What the card reader sends: frames of bytes, or lines of digits.",
        ),
        click.option(
            "--card-order",
            type=click.Choice(["big", "little"]),
            help="Which byte of a number comes first in a frame, the highest (big) or the lowest;"
            " `fevergate people learn` finds it out.",
        ),
        click.option(
            "--card-base",
            type=click.Choice(["10", "16"]),
            help="Base of a line's digits, decimal or hexadecimal; `fevergate people learn` finds"
            " it out.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def by_option(help_: str, *, required: bool = True) -> Callable[[F], F]:
    """Option `--by`: the name of the acting person, 1 to 64 characters."""

    def checked(_: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
        if name is not None and not 1 <= len(name) <= 64:
            raise click.BadParameter("expected 1 to 64 characters", param=parameter)
        return name

    return click.option("--by", required=required, callback=checked, help=help_)


def settings_option(name: str) -> Callable[[F], F]:
    """Option `--settings`; its default is $FEVERGATE_SETTINGS or `name` in /etc/fevergate."""
    return click.option(
        "--settings",
        "settings_path",
        type=click.Path(path_type=Path),
        default=FOLDER / name,
        envvar="FEVERGATE_SETTINGS",
        show_default=True,
        show_envvar=True,
        help="The settings file to read.",
    )
