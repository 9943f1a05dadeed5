"""What commands show on a terminal: their console, findings, a progress bar, a table."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from fevergate.command_line.finding import Finding

PIPE_COLUMNS = 160

_MARKS = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "failed": ("✗", "bold red"),
    "fails": ("✗", "bold red"),
    "not shown": ("–", "yellow"),
}


def console(*, stderr: bool = False) -> Console:
    """Console for output; into a pipe it is wide enough that tables are not cut."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPE_COLUMNS
    return Console(stderr=stderr, width=width, highlight=False)


def print_finding(screen: Console, finding: Finding, column: int, state: str = "") -> None:
    """Print a finding and its advice; `column` is 0 for Chinese, 1 for English."""
    mark, style = _MARKS[finding.state]
    screen.print(f"[{style}]{mark}{state}[/] [bold]{finding.check:<12}[/]", end=" ")
    screen.print(finding.text[column], markup=False, highlight=False, soft_wrap=True)
    if finding.advice[column]:
        screen.print(f"{'':15}→ {finding.advice[column]}", markup=False, soft_wrap=True)


@contextmanager
def progress_bar(
    screen: Console, text: str, *columns: ProgressColumn
) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, gone at the end; the callback gets how much is done, and of how much."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *columns,
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    )
    task = bar.add_task(text, total=None)
    with bar:
        yield lambda done, total: bar.update(task, completed=done, total=total)


def table(
    titles: Iterable[str], rows: Iterable[Iterable[str | Text]], right: Iterable[str] = ()
) -> Table:
    """A table of texts, which are not read as markup; the columns `right` come last, aligned so."""
    made = Table(*titles)
    for title in right:
        made.add_column(title, justify="right")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    return made
