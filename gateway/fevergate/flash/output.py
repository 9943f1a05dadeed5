"""Terminal output of `fevergate flash`: progress bars, results with advice, questions."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import click
from rich.progress import DownloadColumn

from fevergate.command_line.finding import Finding
from fevergate.command_line.terminal import console, print_finding, progress_bar
from fevergate.texts.translations import N_, Pair, both

_STATES = {
    "ok": N_("ok"),
    "fails": N_("fails"),
    "not shown": N_("not shown"),
}


class FlashOutput:
    """Output in the language of `column` (0 Chinese, 1 English). With --json it goes to standard
    error, because the report goes to standard output."""

    def __init__(self, as_json: bool, column: int) -> None:
        self._column = column
        self._console = console(stderr=as_json)

    def say(self, text: str) -> None:
        """Print a line that is the same in both languages."""
        self._console.print(text, markup=False, soft_wrap=True)

    def tell(self, text: Pair) -> None:
        """Print a line in one language."""
        self.say(text[self._column])

    def bar(self, name: Pair) -> AbstractContextManager[Callable[[int, int], None]]:
        """A progress bar in bytes."""
        return progress_bar(self._console, name[self._column], DownloadColumn())

    def ask(self, question: Pair) -> bool:
        """Ask the person a question."""
        return click.confirm(question[self._column], err=True)

    def result(self, result: Finding) -> None:
        """Print a result and its advice."""
        state = both(_STATES[result.state])[self._column]
        print_finding(self._console, result, self._column, f" {state}")
