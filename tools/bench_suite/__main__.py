"""Command line of `tools/bench`; progress goes to stderr, figures to stdout."""

import functools
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from fevergate.errors import FeverGateError
from harness.figures import show

KIOSKS = 10
TAPPED = 60
"""Kiosks with card readers. The gateway answers two taps a second from each; people make fewer."""

WRONG = ("lost", "invented", "doubled", "dark", "wrong")
"""Figures that must be 0; otherwise the exit code is 1."""


@click.group("bench")
def bench_command() -> None:
    """Measure how fast the gateway is on this machine, and what limits it.

    Each benchmark starts a broker with TLS, the gateway with mock pins, and simulated kiosks, in a
    folder of its own. The limit is measured in the same run. A gateway that is installed on this
    machine is not changed, but it takes processor time: stop it first.

    \b
      tools/bench alarm --load 1000                      time from fever to red lamp, under load
      tools/bench ingest --folder /var/lib/fevergate     readings stored per second on that disk
      tools/bench ingest --fsync-ms 20                   the same, as on a slow SD card
      tools/bench log --rows 10000000                    a day's log after three years
      tools/bench pages                                  every page after three years
      tools/bench people                                 a college's list: import, pages, memory
      tools/bench permit                                 time from tapped card to permit
      tools/bench life                                   memory and processor time
      tools/bench crash                                  readings lost in 200 kills
      tools/bench campus-crash --postgres                summaries lost in 100 kills
    """


def _benchmark(measure: Callable[..., dict[str, Any]]) -> None:
    """Make a benchmark function a command with `--folder` and `--json` that prints its figures."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON line instead of a table.")
    @click.option(
        "--folder",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="Folder on the disk to measure.  [default: that of temporary files]",
    )
    @functools.wraps(measure)
    def command(*, as_json: bool, **options: Any) -> None:
        figures = measure(**options)
        show(figures, as_json)
        sys.exit(any(figures.get(name) for name in WRONG) or not figures.get("complete", True))

    bench_command.command(measure.__name__.replace("_", "-"))(command)


def _on_site(
    benchmark: str, kiosks: int, folder: Path | None, queued: int = 0, **options: Any
) -> dict[str, Any]:
    """Run a benchmark's module on a site with `kiosks` kiosks; returns its figures. `queued`:
    number of messages that the broker can queue. The module is imported here, so that `--help` does
    not wait for it."""
    from harness.site import LoadSite

    with LoadSite(kiosks, folder, queued) as site:
        return import_module(f"bench_suite.{benchmark}").measure(site, **options)


def _count(name: str, least: int, default: int, text: str, most: int | None = None) -> Any:
    kind = click.IntRange(least, most)
    return click.option(name, type=kind, default=default, show_default=True, help=text)


_rounds = _count("--rounds", 1, 5, "Figures are the medians of this many rounds.")
_seed = _count("--seed", 0, 1, "Seed of the times of the kills.")
_rows = _count("--rows", 10_000, 10_000_000, "Readings in the database.")
_fsync_ms = click.option(
    "--fsync-ms",
    type=click.FloatRange(0, 1000),
    default=0.0,
    help="Milliseconds added to every fsync, as on an SD card. Needs a C compiler.",
)


@_benchmark
@_count("--samples", 20, 200, "Fevers in a round.")
@_count("--load", 0, 0, "Other readings per second.", 5000)
@_count("--boards", 0, 0, "Number of guards' boards that are open.", 150)
@_fsync_ms
@_rounds
def alarm(folder: Path | None, **options: Any) -> dict[str, Any]:
    """Measure the time from a fever's publication to the red pin, and to a bare subscriber."""
    return _on_site("alarm", KIOSKS, folder, **options)


@_benchmark
@_count("--readings", 100, 20_000, "Readings in the backlog.")
@_count("--kiosks", 1, 40, "Kiosks that sent them.", 200)
@_fsync_ms
@_rounds
def ingest(folder: Path | None, kiosks: int, readings: int, **options: Any) -> dict[str, Any]:
    """Measure the readings of a backlog stored per second, compared with a bare subscriber."""
    return _on_site("ingest", kiosks, folder, readings, readings=readings, **options)


@_benchmark
@_rows
@_rounds
def log(folder: Path | None, rows: int, rounds: int) -> dict[str, Any]:
    """Measure the time for a day's fever log and summaries, with many and with 100,000 readings.

    Ten million are three years of a campus; they take 2 GB and some minutes to write.
    """
    from bench_suite.log import measure

    return measure(folder, rows, rounds)


@_benchmark
@_rows
@_count("--fevers", 0, 0, "Fevers on the last day.")
@_count("--people", 0, 0, "People on the list, with a month of marks.")
@_rounds
def pages(folder: Path | None, **options: Any) -> dict[str, Any]:
    """Measure time and size of each page and export after many readings, and the pages' memory."""
    return _on_site("pages", KIOSKS, folder, **options)


@_benchmark
@_count("--people", 10, 13_699, "People on the list.", 100_000)
@_rounds
def people(folder: Path | None, **options: Any) -> dict[str, Any]:
    """Measure import, missing people, pages and memory with the list of a whole college."""
    return _on_site("people", 1, folder, **options)


@_benchmark
@_count("--people", 10, 20_000, "People on the list, each with a card.", 100_000)
@_count("--per-s", 1, 50, "Taps per second.", 100)
@_count("--seconds", 1, 20, "Length of a round.", 600)
@_rounds
def permit(folder: Path | None, **options: Any) -> dict[str, Any]:
    """Measure the time from a tapped card to its permit, compared with one hop of the broker.

    Exit code 1: a tap was not answered, or the answer did not match the list.
    """
    return _on_site("permit", TAPPED, folder, **options)


@_benchmark
@_count("--readings", 1000, 1_000_000, "Readings after which memory is measured again.")
def life(folder: Path | None, **options: Any) -> dict[str, Any]:
    """Measure memory at rest and after many readings, and processor time at ten a second."""
    return _on_site("life", KIOSKS, folder, **options)


@_benchmark
@_count("--kills", 1, 200, "Kills of gateway, broker or both.")
@_seed
def crash(folder: Path | None, **options: Any) -> dict[str, Any]:
    """Kill gateway and broker at random instants under load, then account for every reading.

    Exit code 1: a reading was lost or counted twice, or a fever stayed dark.
    """
    return _on_site("crash", KIOSKS, folder, **options)


@_benchmark
@_count("--readings", 1000, 40_000, "Readings in the backlog.")
@_rounds
def collect(folder: Path | None, readings: int, rounds: int) -> dict[str, Any]:
    """Measure one and two collectors into PostgreSQL, compared with a bare subscriber."""
    from bench_suite.collect import measure
    from bench_suite.collect_site import CollectSite

    with CollectSite(KIOSKS, folder, queued=readings) as site:
        return measure(site, readings, rounds)


@_benchmark
@_count("--kills", 1, 100, "Kills of the campus server.")
@_seed
@click.option("--postgres", is_flag=True, help="Use a PostgreSQL server instead of SQLite.")
def campus_crash(folder: Path | None, postgres: bool, **options: Any) -> dict[str, Any]:
    """Kill the campus server at random instants under load, then account for every summary.

    Exit code 1: a summary that the server had confirmed was lost, or one was counted twice.
    """
    from bench_suite.campus import crash
    from harness.postgres import LocalPostgres

    with ExitStack() as stack:
        temporary = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="fevergate-", dir=folder)
        )
        database = stack.enter_context(LocalPostgres()).database() if postgres else "campus.db"
        figures = crash(Path(temporary), database, **options)
    return figures | {"database": "postgresql" if postgres else "sqlite"}


def main() -> None:
    """Run a benchmark; an error of the product or the harness gives one line and exit code 2."""
    try:
        bench_command(prog_name="tools/bench")
    except FeverGateError as error:
        click.echo(f"tools/bench: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
