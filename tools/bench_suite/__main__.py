"""`tools/bench`: command line; progress goes to stderr, figures to stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from fevergate.errors import FeverGateError

F = TypeVar("F", bound=Callable[..., object])
PAGES_KIOSKS = 10


@click.group("bench")
def bench_command() -> None:
    """How fast this machine's gateway is, beside what limits it.

    Starts a broker with TLS, the gateway on mock pins and simulated kiosks in a private folder;
    a gateway that runs beside it is not touched, but shares the processor: stop it first.

    \b
      tools/bench alarm --load 1000
      tools/bench ingest --folder /var/lib/fevergate     on that disk
      tools/bench ingest --fsync-ms 20                   as on a slow SD card
      tools/bench log --rows 10000000
      tools/bench pages                                  every page after years
      tools/bench life                                   memory, processor
      tools/bench crash                                  200 kills, then the reckoning
      tools/bench campus-crash --postgres                the same for the campus server
    """


def _common(command: F) -> F:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON line."),
        click.option(
            "--folder",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            help="On which disk; else where temporary files go.",
        ),
        click.option(
            "--rounds",
            type=click.IntRange(1),
            default=5,
            show_default=True,
            help="The medians of so many.",
        ),
    ):
        command = option(command)
    return command


_fsync_option = click.option(
    "--fsync-ms",
    type=click.FloatRange(0, 1000),
    default=0.0,
    help="Add so much to every fsync, as an SD card does. Needs a C compiler.",
)


@bench_command.command("alarm")
@click.option("--samples", type=click.IntRange(20), default=200, show_default=True, help="A round.")
@click.option("--load", type=click.IntRange(0, 5000), default=0, help="Other readings per second.")
@click.option("--boards", type=click.IntRange(0, 150), default=0, help="Open boards beside it.")
@_fsync_option
@_common
def alarm_command(
    samples: int,
    load: int,
    boards: int,
    fsync_ms: float,
    rounds: int,
    folder: Path | None,
    as_json: bool,
) -> None:
    """From a fever's publishing to the red lamp's pin, beside a bare subscriber."""
    from bench_suite.alarm import KIOSKS, measure
    from harness.site import LoadSite

    with LoadSite(KIOSKS, folder) as site:
        figures = measure(site, samples, rounds, load, fsync_ms, _progress, boards)
    _show(figures, as_json)


@bench_command.command("ingest")
@click.option("--readings", type=click.IntRange(100), default=20_000, show_default=True)
@click.option("--kiosks", type=click.IntRange(1, 200), default=40, show_default=True)
@_fsync_option
@_common
def ingest_command(
    readings: int, kiosks: int, fsync_ms: float, rounds: int, folder: Path | None, as_json: bool
) -> None:
    """Readings per second onto the disk, from a backlog, beside a bare subscriber."""
    from bench_suite.ingest import measure
    from harness.site import LoadSite

    with LoadSite(kiosks, folder, queued=readings) as site:
        figures = measure(site, readings, rounds, fsync_ms, _progress)
    _show(figures, as_json)


@bench_command.command("log")
@click.option("--rows", type=click.IntRange(10_000), default=10_000_000, show_default=True)
@_common
def log_command(rows: int, rounds: int, folder: Path | None, as_json: bool) -> None:
    """A day's fever log and its summaries, after so many readings and after 100,000.

    Ten million fill three years of a campus and take 2 GB and some minutes to write.
    """
    from bench_suite.log import measure

    _show(measure(folder, rows, rounds, _progress), as_json)


@bench_command.command("pages")
@click.option("--rows", type=click.IntRange(10_000), default=10_000_000, show_default=True)
@click.option("--fevers", type=click.IntRange(0), default=0, help="A flood on the last day.")
@_common
def pages_command(rows: int, fevers: int, rounds: int, folder: Path | None, as_json: bool) -> None:
    """Each page and export after so many readings: how long it takes, how much it sends, how much
    memory the pages then have."""
    from bench_suite.pages import measure
    from harness.site import LoadSite

    with LoadSite(PAGES_KIOSKS, folder) as site:
        _show(measure(site, rows, rounds, _progress, fevers), as_json)


@bench_command.command("life")
@click.option("--readings", type=click.IntRange(1000), default=1_000_000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON line.")
@click.option("--folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def life_command(readings: int, as_json: bool, folder: Path | None) -> None:
    """Memory at rest and after many readings, and the processor at ten readings a second."""
    from bench_suite.life import KIOSKS, measure
    from harness.site import LoadSite

    with LoadSite(KIOSKS, folder) as site:
        _show(measure(site, readings, _progress), as_json)


@bench_command.command("crash")
@click.option("--kills", type=click.IntRange(1), default=200, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON line.")
@click.option("--folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.pass_context
def crash_command(
    context: click.Context, kills: int, seed: int, as_json: bool, folder: Path | None
) -> None:
    """Kill gateway and broker at random instants under load, then account for every reading.

    Exit 1 if anything was lost or counted twice, or any fever stayed dark.
    """
    from bench_suite.crash import KIOSKS, crash
    from harness.site import LoadSite

    with LoadSite(KIOSKS, folder) as site:
        found = crash(site, kills, seed, _progress)
    _show(found, as_json)
    if not found["complete"] or any(
        found[name] for name in ("lost", "invented", "doubled", "dark")
    ):
        context.exit(1)


@bench_command.command("collect")
@click.option("--readings", type=click.IntRange(1000), default=40_000, show_default=True)
@_common
def collect_command(readings: int, rounds: int, folder: Path | None, as_json: bool) -> None:
    """One collector and two in a shared subscription, into PostgreSQL, beside a bare subscriber."""
    from bench_suite.collect import measure
    from bench_suite.collect_site import CollectSite

    with CollectSite(PAGES_KIOSKS, folder, queued=readings) as site:
        _show(measure(site, readings, rounds, _progress), as_json)


@bench_command.command("campus-crash")
@click.option("--kills", type=click.IntRange(1), default=100, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--postgres", is_flag=True, help="On a PostgreSQL of its own, instead of SQLite.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line.")
@click.option("--folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.pass_context
def campus_crash_command(
    context: click.Context,
    kills: int,
    seed: int,
    postgres: bool,
    as_json: bool,
    folder: Path | None,
) -> None:
    """Kill the campus server at random instants under load, then account for every summary.

    Exit 1 if anything that it said it holds was lost, or counted twice.
    """
    import tempfile
    from contextlib import ExitStack

    from bench_suite.campus import crash
    from harness.postgres import LocalPostgres

    with ExitStack() as stack:
        own = stack.enter_context(tempfile.TemporaryDirectory(prefix="fevergate-", dir=folder))
        database = stack.enter_context(LocalPostgres()).database() if postgres else "campus.db"
        found = crash(Path(own), database, kills, seed, _progress)
    _show(found | {"database": "postgresql" if postgres else "sqlite"}, as_json)
    if any(found[name] for name in ("lost", "invented", "wrong")):
        context.exit(1)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{text} ...", err=True, nl=False)


def _show(figures: dict[str, Any], as_json: bool) -> None:
    if sys.stderr.isatty():
        click.echo("\r\033[K", err=True, nl=False)
    if as_json:
        click.echo(json.dumps(figures))
        return
    for key, value in figures.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            click.echo(f"{key:<16} {value:>12,.3f}".rstrip("0").rstrip("."))
        else:
            click.echo(f"{key:<16} {value}")


def main() -> None:
    """Run a benchmark; an error of product or harness is one line and exit code 2."""
    try:
        bench_command(prog_name="tools/bench")
    except FeverGateError as error:
        click.echo(f"tools/bench: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
