"""Output of commands on a terminal: their console, findings, a progress bar, a table."""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
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


def echo_lines(lines: Iterable[str]) -> None:
    """Print lines, each as soon as it is available."""
    for line in lines:
        click.echo(line)


def console(*, stderr: bool = False) -> Console:
    """Return a console for output. In a pipe it is so wide that tables are not cut."""
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
    """Show a progress bar on a terminal and remove it at the end. The yielded function takes the
    amount done and the total."""
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
        yield lambda count, total: bar.update(task, completed=count, total=total)


class FittedTable:
    """A table of texts that is never cut. On a narrow terminal, whole columns are left out, the
    least important first, and named below the table; text that is still too long is folded."""

    def __init__(
        self,
        titles: Sequence[str],
        rows: Sequence[Sequence[str | Text]],
        right: Collection[str],
        least: Sequence[str],
        left_out: str,
    ) -> None:
        self._titles = titles
        self._rows = rows
        self._right = right
        self._least = list(least)
        self._left_out = left_out

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        without: list[str] = []
        table = self._table(without)
        for title in self._least:
            if measure(console, options, table) <= options.max_width:
                break
            without.append(title)
            table = self._table(without)
        yield table
        if without:
            yield Text(self._left_out.format(columns=", ".join(without)), "dim")

    def _table(self, without: Collection[str]) -> Table:
        table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        numbers = [n for n, title in enumerate(self._titles) if title not in without]
        for number in numbers:
            title = self._titles[number]
            table.add_column(
                title, justify="right" if title in self._right else "left", overflow="fold"
            )
        for row in self._rows:
            cells = (row[number] for number in numbers)
            table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in cells))
        return table


def measure(console: Console, options: ConsoleOptions, table: Table) -> int:
    """Width in terminal columns that a table needs if no word in it is broken."""
    return Measurement.get(console, options.update(max_width=10_000), table).minimum


def table(
    titles: Iterable[str], rows: Iterable[Iterable[str | Text]], right: Iterable[str] = ()
) -> Table:
    """Make a table of texts, which are not read as markup. The columns `right` come last and are
    aligned to the right."""
    result = Table(*titles)
    for title in right:
        result.add_column(title, justify="right")
    for row in rows:
        result.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    return result
