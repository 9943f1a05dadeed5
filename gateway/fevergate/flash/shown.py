"""Terminal output of `fevergate flash`: progress bars, results with advice, questions."""

from __future__ import annotations

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from fevergate.flash.results import Result
from fevergate.texts.translations import N_, Pair, both

_MARKS = {"ok": ("✓", "green"), "fails": ("✗", "bold red"), "not shown": ("–", "yellow")}
_STATES = {
    "ok": N_("ok"),
    "fails": N_("fails"),
    "not shown": N_("not shown"),
}


class Bar:
    """A progress bar in bytes."""

    def __init__(self, name: str, say: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[file]}"),
            console=say,
            transient=True,
            disable=not say.is_terminal,
        )
        self._task: TaskID = self._bars.add_task(name, total=None, file="")

    def __enter__(self) -> Bar:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def moved(self, at: int, size: int) -> None:
        self._bars.update(self._task, completed=at, total=size)

    def file(self, name: str, at: int, size: int) -> None:
        self._bars.update(self._task, completed=at, total=size, file=name)


class Shown:
    """Output in the language of `column` (0 Chinese, 1 English); with --json on standard error,
    since standard output has the report."""

    def __init__(self, as_json: bool, column: int) -> None:
        self._column = column
        self._say = Console(stderr=as_json, highlight=False)

    def say(self, text: str) -> None:
        self._say.print(text, markup=False, soft_wrap=True)

    def tell(self, text: Pair) -> None:
        self.say(text[self._column])

    def bar(self, name: Pair) -> Bar:
        return Bar(name[self._column], self._say)

    def ask(self, question: Pair) -> bool:
        return click.confirm(question[self._column], err=True)

    def result(self, result: Result) -> None:
        mark, style = _MARKS[result.state]
        state = both(_STATES[result.state])[self._column]
        self._say.print(f"[{style}]{mark} {state}[/] [bold]{result.check:<9}[/]", end=" ")
        self.say(result.text[self._column])
        if result.advice[self._column]:
            self.say(f"{'':4}→ {result.advice[self._column]}")
