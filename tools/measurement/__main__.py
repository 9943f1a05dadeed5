"""`tools/measure`: what the kiosk shows, what its constants are worth, what it costs and wears,
what its sensor sees."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console
from rich.table import Table

from fevergate.errors import FeverGateError
from hardware_build import optics
from hardware_build.errors import HardwareError
from measurement import blackbody, constants, cost, heap, pauses, revoking, wear
from simulator import SimulatorError
from simulator.interpreters import INTERPRETERS

EPILOG = """\
examples:
  tools/measure blackbody                       stepped from 35 to 40 °C before a kiosk
  tools/measure blackbody --ipvm ipvm.csv       beside what commercial devices showed
  tools/measure constants people.csv            each constant moved, on measured people
  tools/measure heap                            a board's memory: import, 2,000 people, backlog
  tools/measure heap --people 50 --backlog 500  the same in a minute
  tools/measure pauses                          the scan, while the line falls and comes back
  tools/measure revoke                          how fast a stolen kiosk is cut off
  tools/measure wear                            how long a kiosk's flash lasts
  tools/measure optics --part BCC --distance 10  a sensor's spot, and what it misses 光斑与误差
  tools/measure cost                            time and memory of a verdict, a person's wait
"""

_WORDS = "words of its MicroPython, a board's are 32 bits (%(default)s)"


def _blackbody(arguments: argparse.Namespace, say: Console) -> Any:
    others = blackbody.commercial(arguments.ipvm) if arguments.ipvm else {}
    steps = blackbody.sweep(arguments.low, arguments.high, arguments.step)
    slope = blackbody.slope([(step["blackbody_c"], step["body_c"]) for step in steps])
    table = Table(title="A black body before a kiosk, °C")
    for name in ("black body", "sensor", "skin", "shown (axillary equivalent)", "verdict"):
        table.add_column(name, justify="right")
    for step in steps:
        table.add_row(
            *(f"{step[key]:.2f}" for key in ("blackbody_c", "object_c", "skin_c", "body_c")),
            step["verdict"],
        )
    say.print(table)
    say.print(f"shown for each °C of the black body: {slope:.3f}")
    if others:
        table = Table(title="Commercial devices, 35 to 40 °C (Healy et al. 2021)")
        for name in ("device", "slope", "lowest shown", "highest shown"):
            table.add_column(name, justify="left" if name == "device" else "right")
        for name, shown in sorted(others.items(), key=lambda item: item[1]["slope"]):
            table.add_row(name, *(f"{value:.2f}" for value in shown.values()))
        say.print(table)
    return {"slope": round(slope, 4), "steps": steps, "commercial": others}


def _constants(arguments: argparse.Namespace, say: Console) -> Any:
    rows = constants.table(arguments.people, arguments.fever)
    columns = [key for key in rows[0] if key != "case"]
    table = Table(title=f"Sensitivity / specificity / asked again, fever {arguments.fever} °C")
    for name in ("moved", *columns):
        table.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(
            row["case"],
            *(
                f"{row[key]['sensitivity']:.2f} {row[key]['specificity']:.3f} {row[key]['retries']}"
                for key in columns
            ),
        )
    say.print(table)
    return rows


def _cost(arguments: argparse.Namespace, say: Console) -> Any:
    figures = cost.verdict(arguments.verdicts) | cost.answer(arguments.people)
    for key, value in figures.items():
        say.print(f"{key:<24} {value:10}")
    return figures


def _wear(arguments: argparse.Namespace, say: Console) -> Any:
    found = wear.wear(arguments.readings, arguments.days)
    table = Table(title=f"A kiosk's flash under {arguments.readings} readings a day")
    for name in ("", "gateway answers", "gateway away all day"):
        table.add_column(name, justify="right")
    for key, value in found["answers"].items():
        table.add_row(key.replace("_", " "), str(value), str(found["away"][key]))
    say.print(table)
    full = found["full"]
    say.print(
        f"full, {full['readings']} readings: {full['heap_bytes']:.0f} bytes of heap,"
        f" {full['start_ms_here']:.0f} ms to read it at start"
    )
    return found


def _heap(arguments: argparse.Namespace, say: Console) -> Any:
    figures = heap.start() | heap.heap(
        arguments.people, arguments.backlog, arguments.interpreter, arguments.heap
    )
    for key, value in figures.items():
        say.print(f"{key:<24} {value!s:>10}")
    return figures


def _pauses(arguments: argparse.Namespace, say: Console) -> Any:
    found = pauses.pauses(arguments.people)
    for line, figures in found.items():
        say.print(line + ": " + ", ".join(f"{key} {value}" for key, value in figures.items()))
    return found


def _revoke(arguments: argparse.Namespace, say: Console) -> Any:
    figures = revoking.revoking(arguments.rounds)
    for key, value in figures.items():
        say.print(f"{key:<24} {value!s:>10}")
    return figures


def _optics(arguments: argparse.Namespace, say: Console) -> Any:
    sensor, (_, face) = optics.find(arguments.part), optics.load()
    if not 1 <= arguments.distance <= 300:
        raise HardwareError(f"--distance: expected 1 to 300 cm, got {arguments.distance:g}")
    room_c = face.room_c if arguments.room is None else arguments.room
    if not -20 <= room_c <= 50:
        raise HardwareError(f"--room: expected -20 to 50 °C, got {room_c:g}")
    found = optics.view(sensor, 10 * arguments.distance, replace(face, room_c=room_c))
    say.print(
        f"{sensor.name}, {sensor.fov_deg:g}°, {arguments.distance:g} cm, room 室温 {room_c:g} °C"
    )
    say.print(
        f"spot 光斑 {found['spot_mm']:.1f} mm;"
        f" with the can's opening 含开口 {found['cone_mm']:.1f} mm"
    )
    table = Table(title="between a hard and a soft edge of the spot 光斑边缘：硬模型与软模型之间")
    for name in ("", "hard 硬", "soft 软"):
        table.add_column(name, justify="right" if name else "left")
    for key, name, shown in (
        ("site_share", f"of the view: eye's corner 内眦占比 ({face.site_mm:g} mm)", "{:.0%}"),
        ("skin_share", "of the view: skin 皮肤占比", "{:.0%}"),
        ("room_error_c", "error by the room behind 背景误差, °C", "{:+.2f}"),
        ("site_error_c", "error at the eye's corner, by face and room 内眦误差, °C", "{:+.2f}"),
    ):
        table.add_row(name, *(shown.format(found[model][key]) for model in ("hard", "soft")))
    say.print(table)
    say.print(f"the part itself 器件自身: ±{sensor.tolerance_c:g} °C")
    return found


def _head(module: ModuleType) -> str:
    """First line of a module's docstring."""
    return (module.__doc__ or "").split("\n")[0]


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="tools/measure",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_subparsers(required=True, metavar="WHAT")
    one = what.add_parser("blackbody", help=_head(blackbody))
    one.add_argument("--low", type=float, default=35.0, help="°C (%(default)s)")
    one.add_argument("--high", type=float, default=40.0, help="°C (%(default)s)")
    one.add_argument("--step", type=float, default=0.25, help="°C (%(default)s)")
    one.add_argument("--ipvm", type=Path, metavar="FILE", help="commercial devices' data (CSV)")
    one.set_defaults(run=_blackbody)
    one = what.add_parser("constants", help=_head(constants))
    one.add_argument("people", type=Path, metavar="FILE", help="measured people (CSV)")
    one.add_argument("--fever", type=float, default=38.0, help="°C in the mouth (%(default)s)")
    one.set_defaults(run=_constants)
    one = what.add_parser("cost", help=_head(cost))
    one.add_argument("--verdicts", type=int, default=1000, help="to time (%(default)s)")
    one.add_argument("--people", type=int, default=30, help="to wait with (%(default)s)")
    one.set_defaults(run=_cost)
    one = what.add_parser("wear", help=_head(wear))
    one.add_argument("--readings", type=int, default=5000, help="a day (%(default)s)")
    one.add_argument("--days", type=int, default=20, help="to play (%(default)s)")
    one.set_defaults(run=_wear)
    one = what.add_parser("heap", help=_head(heap))
    one.add_argument("--people", type=int, default=2000, help="(%(default)s)")
    one.add_argument("--backlog", type=int, default=20_000, help="readings kept (%(default)s)")
    one.add_argument("--interpreter", choices=tuple(INTERPRETERS), default="32bit", help=_WORDS)
    one.add_argument("--heap", type=int, default=256, metavar="KB", help="at work (%(default)s)")
    one.set_defaults(run=_heap)
    one = what.add_parser("pauses", help=_head(pauses))
    one.add_argument("--people", type=int, default=30, help="in real time (%(default)s)")
    one.set_defaults(run=_pauses)
    one = what.add_parser("revoke", help=_head(revoking))
    one.add_argument("--rounds", type=int, choices=range(1, 100), default=5, metavar="N")
    one.set_defaults(run=_revoke)
    one = what.add_parser(
        "optics",
        help="a sensor's spot, the skin in its view, the error of the rest 光斑、皮肤占比与误差",
        description="What a variant of the MLX90614 sees of a face, from the figures of"
        " hardware/sensors.toml. 根据型号和距离，计算光斑大小、视场中皮肤的比例、其余部分的误差。",
    )
    one.add_argument("--part", default="DCI", help="DCI, DCH, BCC, ... 型号 (%(default)s)")
    one.add_argument(
        "--distance",
        type=float,
        default=10.0,
        metavar="CM",
        help="to the face, cm 距离 (%(default)s)",
    )
    one.add_argument("--room", type=float, metavar="C", help="°C of what is behind 室温 (22)")
    one.set_defaults(run=_optics)
    for one in what.choices.values():
        one.add_argument("--json", action="store_true", help="one JSON line, for a program")
    arguments = parser.parse_args()
    say = Console(quiet=arguments.json, width=None if Console().is_terminal else 140)
    try:
        found = arguments.run(arguments, say)
    except (FeverGateError, SimulatorError, HardwareError) as error:
        print(f"tools/measure: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
