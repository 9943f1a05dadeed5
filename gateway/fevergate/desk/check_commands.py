"""`fevergate desk check` and `calibrate`: compare the guards' sensor with a reference."""

from pathlib import Path
from statistics import fmean

import click
import msgspec
from rich.console import Console
from rich.progress import TextColumn

from fevergate.command_line.options import (
    FiniteRange,
    by_option,
    language_option,
    settings_option,
)
from fevergate.command_line.terminal import console, progress_bar
from fevergate.desk import terminal
from fevergate.desk.daily_check import (
    Check,
    ObjectReading,
    Reference,
    limits_c,
    measure,
    of_black_body,
    of_person,
)
from fevergate.desk.session import DeskSession, open_desk
from fevergate.errors import NothingFoundError
from fevergate.kiosks.calibration import SCANS, from_black_bodies
from fevergate.kiosks.calibration_prompts import (
    ASK_BLACK_BODY,
    agreed,
    black_bodies,
    calibration_options,
    record_of,
)
from fevergate.texts.translations import N_, both, side_by_side
from kiosk import screening


@click.command("check")
@by_option("Your name; kept with the result.")
@click.option(
    "--reference",
    type=click.Choice(["blackbody", "axillary", "oral"]),
    default="blackbody",
    show_default=True,
    help="A black body, or a person measured with a clinical thermometer (armpit or mouth).",
)
@click.option(
    "--at",
    "reference_c",
    type=float,
    help="Temperature of the reference, °C.  [default: asked for]",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead of text; requires --at."
)
@language_option
@settings_option("gateway.toml")
@click.pass_context
def check_command(
    context: click.Context,
    by: str,
    reference: Reference,
    reference_c: float | None,
    as_json: bool,
    language: str | None,
    settings_path: Path,
) -> None:
    """Check the sensor against a reference, each day before its use.

    Hold a black body near 37 °C before the sensor so that it fills the view, and keep it there for
    15 seconds. The check passes within ±0.3 °C. Without a black body, take a person at rest whom
    you measured with a clinical thermometer; this finds gross errors only. A sensor that was moved
    needs 20 minutes to settle first.

    The result is kept with the date and your name. `fevergate doctor` reports a check that failed
    or is older than a day.

    \b
      fevergate desk check --by "Li Wei" --at 37.0
      fevergate desk check --by "Li Wei" --reference axillary

    Exit code 1: the check failed; 2: it could not be done.
    """
    if as_json and reference_c is None:
        raise click.UsageError("--json does not prompt: give the reference's temperature by --at")
    low_c, high_c = limits_c(reference)
    with open_desk(settings_path) as work:
        language = language or work.settings.language
        if reference_c is None:
            reference_c = click.prompt(
                side_by_side(_ASKED[reference]), type=FiniteRange(low_c, high_c)
            )
        elif not low_c <= reference_c <= high_c:
            raise click.BadParameter(
                f"{reference_c:g}: expected {low_c:g} to {high_c:g} °C", param_hint="--at"
            )
        if reference == "blackbody":
            mean = _measured(work, quiet=as_json)
            check = of_black_body(work.sensor, mean, work.calibration(), reference_c)
        else:
            check = _person(work, reference, reference_c, quiet=as_json)
        with work.store() as store:
            store.add_check(check, by)
    if as_json:
        click.echo(msgspec.json.encode(check).decode())
    else:
        console().print(terminal.checked(check, language))
    context.exit(0 if check.passed else 1)


_ASKED = {
    "blackbody": ASK_BLACK_BODY,
    "axillary": N_("Clinical thermometer, armpit, °C"),
    "oral": N_("Clinical thermometer, mouth, °C"),
}


_AGAIN = (screening.SHORT, screening.MOVING, screening.WAIT, screening.ROOM)


def _person(work: DeskSession, reference: Reference, clinical_c: float, *, quiet: bool) -> Check:
    click.echo(side_by_side("now look into the sensor ..."), err=quiet)
    look = work.looker(None).once(lambda _sample, _state: None)
    # A result that is too cold or too hot is compared as well: it may be the sensor's error.
    if look is None or look.reason in _AGAIN:
        why = N_("nobody was seen") if look is None else terminal.REASONS[look.reason]
        raise NothingFoundError(
            side_by_side("no measurement to compare: {why}; try again", why=both(why))
        )
    mean = ObjectReading(look.object_c, look.can_c)
    return of_person(work.sensor, mean, reference, clinical_c, look.body_c, look.site)


def _measured(work: DeskSession, *, quiet: bool) -> ObjectReading:
    """Measure a black body, with a progress bar for the person who holds it."""
    screen = Console(quiet=True) if quiet else console()
    percent = TextColumn("{task.percentage:.0f} %")
    with progress_bar(screen, side_by_side("hold it still"), percent) as progress:
        return measure(work.sensor, progress)


@click.command("calibrate")
@by_option("Your name; kept with the calibration.")
@calibration_options("desk")
@settings_option("gateway.toml")
def calibrate_command(
    by: str, reference_u_c: float, room_c: float | None, yes: bool, settings_path: Path
) -> None:
    """Calibrate the desk's sensor against one or two black bodies.

    Do this once a year, for each new sensor, and if the daily check fails with a clean lens. One
    black body near 37 °C gives an offset. A second one, at least 2 °C away, gives a line. Hold each
    up three times when asked. A result that no working sensor can have is refused. The calibration
    belongs to this sensor only; another sensor needs its own. The supply voltage in the settings
    ([desk] supply_v) is kept with it: `fevergate doctor` reports if that setting changes later.

    \b
      fevergate desk calibrate --by "Li Wei" --room 22.4
    """
    with open_desk(settings_path) as work:
        can_c: list[float] = []

        def read(number: int) -> float:
            click.prompt(
                side_by_side(
                    "{number} of {scans}: hold it up, then Enter", number=number, scans=SCANS
                ),
                default="",
                show_default=False,
            )
            mean = _measured(work, quiet=False)
            can_c.append(mean.can_c)
            return mean.object_c

        result = from_black_bodies(black_bodies(lambda: None, read), reference_u_c)
        before = work.calibration()
        over_c = before.can_over_air_c if room_c is None else round(fmean(can_c) - room_c, 2)
        record = record_of(work.sensor.unit, by, result, over_c, work.desk.supply_v)
        if agreed(record, yes=yes):
            with work.store() as store:
                store.add_calibration(record)
            click.echo(side_by_side("in force"))
