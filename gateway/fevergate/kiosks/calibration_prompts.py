"""Questions and answers on the terminal while a kiosk's or the desk's sensor is calibrated."""

import time
from collections.abc import Callable
from typing import TypeVar

import click

from fevergate.command_line.options import FiniteRange
from fevergate.kiosks.calibration import SCANS, CalibrationResult, Point
from fevergate.protocol.messages import CalibrationRecord
from fevergate.texts.translations import N_, side_by_side

F = TypeVar("F", bound=Callable[..., object])

ASK_BLACK_BODY = N_("Black body before the sensor, filling its view. Its temperature, °C")


def calibration_options(beside: str) -> Callable[[F], F]:
    """A decorator that adds `--uncertainty`, `--room` and `--yes`. `beside` (kiosk or desk) says
    where the air temperature is measured."""

    def added(command: F) -> F:
        for option in (
            click.option(
                "--yes", is_flag=True, help="Put the calibration in force without asking."
            ),
            click.option(
                "--room",
                "room_c",
                type=FiniteRange(0, 45),
                help=f"Air temperature beside the {beside}, °C, by a thermometer; shows how much"
                " warmer the sensor itself is.",
            ),
            click.option(
                "--uncertainty",
                "reference_u_c",
                type=FiniteRange(0, 1),
                default=0.1,
                show_default=True,
                help="Uncertainty of the reference, °C (95 %), from its certificate.",
            ),
        ):
            command = option(command)
        return command

    return added


def black_bodies(begin: Callable[[], None], read: Callable[[int], float]) -> list[Point]:
    """Ask for one or two black bodies and have each scanned `SCANS` times.

    `begin` is called before each body. `read` gets the number of the scan (from 1), asks for it
    and returns what the sensor read (°C).
    """
    points: list[Point] = []
    while True:
        reference_c = click.prompt(side_by_side(ASK_BLACK_BODY), type=float)
        begin()
        read_c = []
        for number in range(1, SCANS + 1):
            read_c.append(read(number))
            say_read(read_c[-1])
        points.append(Point(reference_c, read_c))
        if len(points) == 2 or not click.confirm(
            side_by_side("A second black body, at least 2 °C away?"), default=True
        ):
            return points


def say_read(object_c: float) -> None:
    """Show the sensor's reading (°C) in one scan."""
    click.echo("    " + side_by_side("the sensor read {object_c:.2f} °C", object_c=object_c))


def record_of(
    sensor: str,
    by: str,
    result: CalibrationResult,
    can_over_air_c: float,
    supply_v: float | None = None,
) -> CalibrationRecord:
    """The record of a calibration, which is stored and sent to the kiosk."""
    return CalibrationRecord(
        sensor=sensor,
        at=int(time.time()),  # whole seconds: a board's floats have only 24 bits
        by=by,
        method=result.method,
        offset_c=result.offset_c,
        gain=result.gain,
        can_over_air_c=can_over_air_c,
        uncertainty_c=result.uncertainty_c,
        supply_v=supply_v,
    )


def agreed(record: CalibrationRecord, *, yes: bool) -> bool:
    """Show the calibration and ask whether to put it in force; with `yes` nobody is asked."""
    click.echo(f"sensor {record.sensor}, {record.method}, by {record.by}")
    for name, value in (
        (N_("offset at 37 °C"), f"{record.offset_c:+.3f} °C"),
        (N_("gain"), f"{record.gain:.4f}"),
        (N_("can over the air"), f"{record.can_over_air_c:+.2f} °C"),
        (N_("uncertainty"), f"{record.uncertainty_c:.2f} °C (95 %, 37 °C)"),
    ):
        click.echo(f"  {side_by_side(name)}: {value}")
    return yes or click.confirm(side_by_side("Put it in force?"), default=True)
