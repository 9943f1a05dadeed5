"""`tools/measure`: measures the kiosk's decision, wear, memory and speed, and its sensor's view."""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from fevergate.errors import FeverGateError
from hardware_build import aiming, optics
from hardware_build.errors import HardwareError
from hardware_build.measures import Measures
from harness.figures import show
from kiosk.settings_check import CARDS
from measurement import blackbody, constants, cost, heap, pauses, revoking, stress, wear
from simulator.interpreters import INTERPRETERS

EPILOG = """\
examples:
  tools/measure blackbody                       a black body before a kiosk, 35 to 40 °C
  tools/measure blackbody --ipvm ipvm.csv       the same, compared with commercial devices
  tools/measure constants people.csv            the decision with each constant changed
  tools/measure stress people.csv               the decision under queues, drift, sun, frost
  tools/measure heap                            a board's memory: import, 2,000 people, backlog
  tools/measure heap --people 50 --backlog 500  the same, in a minute
  tools/measure heap --people 50 --card permit  with a card reader
  tools/measure pauses                          longest pause of a scan while the connection breaks
  tools/measure revoke                          how fast a stolen kiosk is cut off
  tools/measure wear                            how long a kiosk's flash lasts
  tools/measure optics --part BCC --distance 10  a sensor's spot and its error 光斑与误差
  tools/measure aiming                          share of people measured at the eye's corner
  tools/measure cost                            time and memory of a verdict; a person's wait
"""

_WORDS = "word size of its MicroPython; a board has 32 bits (%(default)s)"


def _table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    """A table of texts; the first column is aligned to the left."""
    table = Table(title=title)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _blackbody(arguments: argparse.Namespace, say: Console) -> Any:
    devices = blackbody.commercial(arguments.ipvm) if arguments.ipvm else {}
    steps = blackbody.sweep(arguments.low, arguments.high, arguments.step)
    slope = blackbody.slope([(step["blackbody_c"], step["body_c"]) for step in steps])
    columns = ("black body", "sensor", "skin", "shown (axillary equivalent)", "verdict")
    keys = ("blackbody_c", "object_c", "skin_c", "body_c")
    rows = ((*(f"{step[key]:.2f}" for key in keys), step["verdict"]) for step in steps)
    say.print(_table("A black body before a kiosk, °C", columns, rows))
    say.print(f"shown for each °C of the black body: {slope:.3f}")
    if devices:
        title = "Commercial devices, 35 to 40 °C (Healy et al. 2021)"
        ranked = sorted(devices.items(), key=lambda item: item[1]["slope"])
        rows = ((name, *(f"{value:.2f}" for value in fit.values())) for name, fit in ranked)
        say.print(_table(title, ("device", "slope", "lowest shown", "highest shown"), rows))
    return {"slope": round(slope, 4), "steps": steps, "commercial": devices}


def _constants(arguments: argparse.Namespace, say: Console) -> Any:
    rows = constants.table(arguments.people, arguments.fever)
    columns = [key for key in rows[0] if key != "case"]
    cells = (
        (
            row["case"],
            *(
                f"{row[key]['sensitivity']:.2f} {row[key]['specificity']:.3f} {row[key]['retries']}"
                for key in columns
            ),
        )
        for row in rows
    )
    title = f"Sensitivity / specificity / asked again, fever {arguments.fever} °C"
    say.print(_table(title, ("moved", *columns), cells))
    return rows


def _stress(arguments: argparse.Namespace, say: Console) -> Any:
    only = tuple(arguments.only or ())
    rows = stress.stress(arguments.people, arguments.camera, arguments.seeds, only)
    if arguments.markdown:
        print(stress.markdown(rows))
    columns = ("scenario", "site", "let through", "95 %", "alarmed", "95 %", "cold", "reported")
    cells = (
        (
            row["scenario"],
            row["site"],
            stress.percent(row["let_through"]),
            "-".join(stress.percent(bound) for bound in row["let_through_interval"]),
            stress.percent(row["alarmed"]),
            "-".join(stress.percent(bound) for bound in row["alarmed_interval"]),
            stress.percent(row["cold"]),
            stress.when(row),
        )
        for row in rows
    )
    if not arguments.markdown:
        say.print(_table("Of fevers, of healthy people, %", columns, cells))
    return rows


def _cost(arguments: argparse.Namespace, _: Console) -> Any:
    return cost.verdict(arguments.verdicts) | cost.answer(arguments.people)


def _wear(arguments: argparse.Namespace, say: Console) -> Any:
    figures = wear.wear(arguments.readings, arguments.days)
    title = f"A kiosk's flash under {arguments.readings} readings a day"
    rows = (
        (key.replace("_", " "), str(value), str(figures["away"][key]))
        for key, value in figures["answers"].items()
    )
    say.print(_table(title, ("", "gateway answers", "gateway away all day"), rows))
    full = figures["full"]
    say.print(
        f"full, {full['readings']} readings: {full['heap_bytes']:.0f} bytes of heap,"
        f" {full['start_ms_here']:.0f} ms to read it at start"
    )
    return figures


def _heap(arguments: argparse.Namespace, _: Console) -> Any:
    return heap.start() | heap.heap(
        *(arguments.people, arguments.backlog, arguments.interpreter, arguments.heap),
        arguments.card,
    )


def _pauses(arguments: argparse.Namespace, _: Console) -> Any:
    return pauses.pauses(arguments.people)


def _revoke(arguments: argparse.Namespace, _: Console) -> Any:
    return revoking.revoking(arguments.rounds)


def _optics(arguments: argparse.Namespace, say: Console) -> Any:
    sensor, (_, face) = optics.find(arguments.part), optics.load()
    if not 1 <= arguments.distance <= 300:
        raise HardwareError(f"--distance: expected 1 to 300 cm, got {arguments.distance:g}")
    room_c = face.room_c if arguments.room is None else arguments.room
    if not -20 <= room_c <= 50:
        raise HardwareError(f"--room: expected -20 to 50 °C, got {room_c:g}")
    figures = optics.view(sensor, 10 * arguments.distance, replace(face, room_c=room_c))
    say.print(
        f"{sensor.name}, {sensor.fov_deg:g}°, {arguments.distance:g} cm, room 室温 {room_c:g} °C"
    )
    say.print(f"spot 光斑 {figures['spot_mm']:.1f} mm, the can's opening in it 含开口")
    rows = (
        ("site_share", f"of the view: eye's corner 内眦占比 ({face.site_mm:g} mm)", "{:.0%}"),
        ("skin_share", "of the view: skin 皮肤占比", "{:.0%}"),
        ("room_error_c", "error by the room behind 背景误差, °C", "{:+.2f}"),
        ("site_error_c", "error at the eye's corner, by face and room 内眦误差, °C", "{:+.2f}"),
    )
    cells = (
        (name, *(form.format(figures[model][key]) for model in ("hard", "soft")))
        for key, name, form in rows
    )
    title = "two models of the spot's edge 光斑边缘的两种模型"
    say.print(_table(title, ("", "hard 硬", "soft 软"), cells))
    say.print(f"the part itself 器件自身: ±{sensor.tolerance_c:g} °C")
    return figures


def _aiming(arguments: argparse.Namespace, say: Console) -> Any:
    rows = aiming.compare(Measures(), arguments.people, arguments.seed)
    columns = ("part, how", "cm", "met", "error °C", "spread °C", "half, nine of ten by s")
    cells = (
        (
            f"{row['part']} {row['way']}",
            f"{row['distance_mm'] / 10:g}",
            *(
                " / ".join(form.format(row[edge][key]) for edge in ("hard", "soft"))
                for key, form in (
                    ("met", "{:.0%}"),
                    ("error_c", "{:+.2f}"),
                    ("spread_c", "{:.2f}"),
                )
            ),
            f"{row['hard']['median_s']:.1f}, {row['hard']['slowest_tenth_s']:.1f}",
        )
        for row in rows
    )
    say.print(_table("First try, by a hard / soft edge of the spot", columns, cells))
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/measure",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    sub = commands.add_parser("blackbody", help=str(blackbody.__doc__).split("\n")[0])
    sub.add_argument("--low", type=float, default=35.0, help="first temperature, °C (%(default)s)")
    sub.add_argument("--high", type=float, default=40.0, help="last temperature, °C (%(default)s)")
    sub.add_argument("--step", type=float, default=0.25, help="step, °C (%(default)s)")
    sub.add_argument("--ipvm", type=Path, metavar="FILE", help="commercial devices' data (CSV)")
    sub.set_defaults(run=_blackbody)
    sub = commands.add_parser("constants", help=str(constants.__doc__).split("\n")[0])
    sub.add_argument("people", type=Path, metavar="FILE", help="measured people (CSV)")
    sub.add_argument(
        "--fever",
        type=float,
        default=38.0,
        help="lowest oral temperature of a fever, °C (%(default)s)",
    )
    sub.set_defaults(run=_constants)
    sub = commands.add_parser(
        "stress",
        help=str(stress.__doc__).split("\n")[0],
        description=str(stress.__doc__),
        epilog="Shares in JSON are fractions. let_through: share of fevers (38.0 °C or more in the"
        " mouth) without a red light; passed: share of fevers shown as normal; alarmed and cold:"
        " shares of people below 37.5 °C; reported_after_days: days until the slowest seed"
        " reported the drift, null if one never did.",
    )
    sub.add_argument("people", type=Path, metavar="FILE", help="measured people (CSV)")
    sub.add_argument("--camera", default="FLIR", help="camera whose rows are read (%(default)s)")
    sub.add_argument(
        "--seeds",
        type=int,
        choices=range(1, 101),
        default=4,
        metavar="N",
        help="plays of each scenario (%(default)s)",
    )
    names = [scenario.name for scenario in stress.SCENARIOS]
    sub.add_argument(
        "--only",
        action="append",
        choices=names,
        metavar="NAME",
        help=f"play only this scenario; may be repeated: {', '.join(names)}",
    )
    sub.add_argument(
        "--markdown", action="store_true", help="print the table of gateway/evaluation.md"
    )
    sub.set_defaults(run=_stress)
    sub = commands.add_parser("cost", help=str(cost.__doc__).split("\n")[0])
    sub.add_argument(
        "--verdicts", type=int, default=1000, help="number of verdicts to time (%(default)s)"
    )
    sub.add_argument(
        "--people",
        type=int,
        default=30,
        help="number of people whose wait is measured (%(default)s)",
    )
    sub.set_defaults(run=_cost)
    sub = commands.add_parser("wear", help=str(wear.__doc__).split("\n")[0])
    sub.add_argument("--readings", type=int, default=5000, help="readings per day (%(default)s)")
    sub.add_argument("--days", type=int, default=20, help="number of days to play (%(default)s)")
    sub.set_defaults(run=_wear)
    sub = commands.add_parser("heap", help=str(heap.__doc__).split("\n")[0])
    sub.add_argument("--people", type=int, default=2000, help="number of people (%(default)s)")
    sub.add_argument(
        "--backlog",
        type=int,
        default=20_000,
        help="number of readings that the kiosk keeps (%(default)s)",
    )
    sub.add_argument("--interpreter", choices=tuple(INTERPRETERS), default="32bit", help=_WORDS)
    sub.add_argument(
        "--heap", type=int, default=256, metavar="KB", help="size of the heap (%(default)s)"
    )
    sub.add_argument(
        "--card",
        choices=CARDS,
        default="off",
        help="the kiosk's setting; unless it is off, everybody taps a card (%(default)s)",
    )
    sub.set_defaults(run=_heap)
    sub = commands.add_parser("pauses", help=str(pauses.__doc__).split("\n")[0])
    sub.add_argument(
        "--people", type=int, default=30, help="number of people, in real time (%(default)s)"
    )
    sub.set_defaults(run=_pauses)
    sub = commands.add_parser("revoke", help=str(revoking.__doc__).split("\n")[0])
    sub.add_argument(
        "--rounds",
        type=int,
        choices=range(1, 100),
        default=5,
        metavar="N",
        help="number of revocations (%(default)s)",
    )
    sub.set_defaults(run=_revoke)
    sub = commands.add_parser(
        "optics",
        help="A sensor's spot, the share of skin in its view, and its error. 光斑、皮肤占比与误差",
        description="Computes what a variant of the MLX90614 sees of a face, from the figures in"
        " hardware/sensors.toml. 根据型号和距离，计算光斑大小、视场中皮肤的比例、其余部分的误差。",
    )
    sub.add_argument(
        "--part", default="DCI", help="variant of the sensor: DCI, DCH, BCC, ... 型号 (%(default)s)"
    )
    sub.add_argument(
        "--distance",
        type=float,
        default=10.0,
        metavar="CM",
        help="distance to the face, cm 距离 (%(default)s)",
    )
    sub.add_argument(
        "--room", type=float, metavar="C", help="temperature behind the face, °C 室温 (22)"
    )
    sub.set_defaults(run=_optics)
    sub = commands.add_parser("aiming", help=str(aiming.__doc__).split("\n")[0])
    sub.add_argument(
        "--people",
        type=int,
        default=aiming.PEOPLE,
        help="people per row of the table (%(default)s)",
    )
    sub.add_argument(
        "--seed", type=int, default=aiming.SEED, help="seed of the random numbers (%(default)s)"
    )
    sub.set_defaults(run=_aiming)
    for sub in commands.choices.values():
        sub.add_argument(
            "--json", action="store_true", help="print one JSON line instead of a table"
        )
    return parser


def main() -> int:
    """Returns the exit code."""
    arguments = _parser().parse_args()
    say = Console(quiet=arguments.json, width=None if Console().is_terminal else 140)
    try:
        figures = arguments.run(arguments, say)
    except FeverGateError as error:
        print(f"tools/measure: {error}", file=sys.stderr)
        return 2
    if arguments.json or arguments.run in (_cost, _heap, _pauses, _revoke):
        show(figures, arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
