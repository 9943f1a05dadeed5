"""`fevergate desk`: measures people whom a kiosk stopped a second time, with the guards' sensor."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from itertools import islice
from pathlib import Path

import click
import msgspec
from click_default_group import DefaultGroup
from rich.live import Live

from fevergate.command_line.options import (
    FiniteRange,
    by_option,
    json_option,
    language_option,
    settings_option,
)
from fevergate.command_line.terminal import console
from fevergate.desk import gateway_reader, store, terminal
from fevergate.desk.check_commands import calibrate_command, check_command
from fevergate.desk.gateway_reader import RaisedFever
from fevergate.desk.scan import Heard, Look, Looker, State
from fevergate.desk.sensor import Sample
from fevergate.desk.session import DeskSession, open_desk, settings_of
from fevergate.errors import DeskError, NothingFoundError
from fevergate.texts.translations import side_by_side, translator

FEVER_S = 3600.0
"""Age (s) beyond which a kiosk's fever cannot belong to the person at the desk."""

AGAIN_S = 1.0
"""Interval (s) between attempts to restart a failed sensor with --watch."""

SHOWN_S = 0.3
"""Interval (s) at which the live line changes; people cannot read faster changes."""


@click.group("desk", cls=DefaultGroup, default="look", default_if_no_args=True)
def desk_command() -> None:
    """Measure again, with the guards' own sensor, a person whom a kiosk stopped.

    The sensor is an MLX90614 on the Pi's I2C pins; hardware/README.md shows the wiring. Enable it
    in gateway.toml with `[desk]` and `bus = 1`, and add the user to the group i2c. It scans and
    estimates as the kiosks do. The result only screens: a clinical thermometer decides.

    \b
      fevergate desk                                  measure one person after another
      fevergate desk --fever north-1 --by "Li Wei"    keep the result with that kiosk's last fever
      fevergate desk check --by "Li Wei" --at 37.0    daily check against a black body
      fevergate desk history                          measurements, checks and calibrations

    Without a command, `look` is run: `fevergate desk look --help` describes its options.
    """


desk_command.add_command(check_command)
desk_command.add_command(calibrate_command)


@desk_command.command("look")
@click.option("--watch", is_flag=True, help="Measure everybody who steps up, until Ctrl-C.")
@click.option(
    "--count", type=click.IntRange(1, 1000), help="End after this number of measurements."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON line for each measurement; ask nothing."
)
@by_option("Your name; each measurement is kept under it.", required=False)
@click.option("--why", default="", help="Reason, kept with the measurement. Do not name a person.")
@click.option(
    "--fever", "kiosk", metavar="KIOSK", help="Measure the person of this kiosk's last fever, once."
)
@click.option(
    "--threshold",
    "threshold_c",
    type=FiniteRange(35, 40),
    help="Threshold in °C, axillary.  [default: the lowest threshold of the kiosks]",
)
@language_option
@settings_option("gateway.toml")
@click.pass_context
def look_command(
    context: click.Context,
    watch: bool,
    count: int | None,
    as_json: bool,
    by: str | None,
    why: str,
    kiosk: str | None,
    threshold_c: float | None,
    language: str | None,
    settings_path: Path,
) -> None:
    """Measure one person after another.

    Press Enter and let the person look into the sensor. The command shows the temperature in large
    digits, the verdict and the readings. There is no further scan to confirm a fever, because this
    is the second measurement. A result below the threshold does not prove that there is no fever.

    With --by, the measurement is kept for `fevergate desk history`, without the measured person's
    name.

    \b
      fevergate desk look --count 3          three people, then end
      fevergate desk look --watch            everybody who steps up, with live readings
      fevergate desk look --json             one person, as JSON

    Exit code 1: nobody was seen.
    """
    if (why or kiosk) and not by:
        raise click.UsageError("--why and --fever keep the measurement: expected --by, your name")
    if len(why) > 200:
        raise click.BadParameter("expected at most 200 characters", param_hint="--why")
    with open_desk(settings_path) as work:
        language = language or work.settings.language
        say = translator(language)
        fever = _fever(work, kiosk) if kiosk else None
        screen = console()

        def keep(look: Look) -> None:
            if by:
                with work.store() as store:
                    store.add_look(look, by, why, fever)
            if as_json:
                click.echo(msgspec.json.encode(look).decode())
                return
            screen.print(terminal.looked(look, language))
            if by:
                screen.print(say("noted"))

        if watch:
            shows = sys.stdout.isatty() and not as_json
            live = Live(console=screen, auto_refresh=False, transient=True) if shows else None
            _watch(work, threshold_c, count, keep, live, language)
            return
        # With --fever, only one look: the fever belongs to one person.
        most = count or (1 if as_json or kiosk else sys.maxsize)
        if not look_at_each(work.looker(threshold_c), most, keep, language, asks=not as_json):
            context.exit(1)


def look_at_each(
    looker: Looker, most: int, keep: Callable[[Look], None], language: str, *, asks: bool
) -> bool:
    """Measure up to `most` people. With `asks`, wait for Enter before each; without it, return
    False as soon as nobody steps up in time."""
    while most:
        if asks and not _enter(language):
            return True
        look = looker.once(lambda _sample, _state: None)
        if look is not None:
            keep(look)
            most -= 1
            continue
        say = translator(language)
        text = say("nobody was seen in twenty seconds: closer to the sensor, and again")
        click.echo(text, err=not asks)
        if not asks:
            return False
    return True


def _fever(work: DeskSession, kiosk: str) -> RaisedFever:
    work.settings.expect_kiosks(kiosk)
    fever = gateway_reader.newest_fever(work.settings, kiosk)
    if fever is None or time.time() - fever.raised_at > FEVER_S:
        raise NothingFoundError(side_by_side("{kiosk}: no fever within the last hour", kiosk=kiosk))
    return fever


def _enter(language: str) -> bool:
    """Wait for Enter; False for q or the end of input."""
    say = translator(language)
    prompt = say("Enter, then let them look into the sensor (q ends)")
    click.echo(f"{prompt} ", nl=False)
    sys.stdout.flush()
    answer = sys.stdin.readline()
    return bool(answer) and answer.strip().lower() != "q"


def _watch(
    work: DeskSession,
    threshold_c: float | None,
    count: int | None,
    keep: Callable[[Look], None],
    live: Live | None,
    language: str,
) -> None:
    """Measure everybody who steps up, at most `count` people, and show the sensor's readings in
    `live`."""
    shown_ms = 0

    def on_sample(sample: Sample, state: State) -> None:
        nonlocal shown_ms
        if interrupted.is_set():
            raise KeyboardInterrupt
        if live and sample.at_ms - shown_ms >= SHOWN_S * 1000:
            shown_ms = sample.at_ms
            counts = work.sensor.pec_errors, work.sensor.bus_errors
            live.update(terminal.live(sample, state, *counts, language), refresh=True)

    with _interruption() as interrupted, suppress(KeyboardInterrupt), live or nullcontext():
        for look in islice(_looks(work, threshold_c, on_sample, interrupted), count):
            keep(look)


def _looks(
    work: DeskSession, threshold_c: float | None, on_sample: Heard, interrupted: threading.Event
) -> Iterator[Look]:
    """Yield each look. If the sensor fails, report that once and restart it until it works."""
    reported = ""
    while not interrupted.is_set():
        try:
            if reported:
                work.sensor.again()
                reported = ""
            yield from work.looker(threshold_c).watch(on_sample)
        except DeskError as error:
            if str(error) != reported:
                reported = str(error)
                click.echo(reported, err=True)
            work.clock.sleep(AGAIN_S)


@contextmanager
def _interruption() -> Iterator[threading.Event]:
    """Within the block, Ctrl-C sets the event instead of raising an exception. The exception could
    interrupt a transfer on the bus, or be ignored by Python within a destructor."""
    event = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)


@desk_command.command("history")
@click.option(
    "--most",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="Number of entries of each kind.",
)
@json_option
@language_option
@settings_option("gateway.toml")
def history_command(most: int, as_json: bool, language: str | None, settings_path: Path) -> None:
    """List the measurements, checks and calibrations that were kept, newest first.

    Measurements are deleted after `[retention] raw_days`, and the guards' names in them after
    `persons_days`. Checks and calibrations stay. The name of a measured person is never kept.

    \b
      fevergate desk history
      fevergate desk history --most 10 --json
    """
    settings, desk = settings_of(settings_path)
    looks, checks, calibrations = (
        store.newest(settings, desk, table, most) for table in ("looks", "checks", "calibrations")
    )
    if as_json:
        history = {"looks": looks, "checks": checks, "calibrations": calibrations}
        click.echo(msgspec.json.encode(history).decode())
        return
    language = language or settings.language
    console().print(terminal.history(looks, checks, calibrations, settings.zone, language))
