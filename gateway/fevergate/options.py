"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])

FOLDER = Path("/etc/fevergate")


def settings_option(name: str) -> Callable[[F], F]:
    """`--settings FILE`, else $FEVERGATE_SETTINGS, else `name` in /etc/fevergate."""
    return click.option(
        "--settings",
        "settings_path",
        type=click.Path(path_type=Path),
        default=FOLDER / name,
        envvar="FEVERGATE_SETTINGS",
        show_default=True,
        show_envvar=True,
        help="The settings file.",
    )
