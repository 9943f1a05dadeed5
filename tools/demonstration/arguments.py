"""Options of tools/demo. Only the standard library: `--help` works before `tools/setup`."""

import argparse
from dataclasses import dataclass
from pathlib import Path

SITES = ("canthus", "face_max", "forehead", "forehead_max")
VICTIMS = ("broker", "gateway")
INTERPRETERS = ("64bit", "32bit")
LEAST_DOORS, MOST_DOORS = 4, 60

EPILOG = """\
examples:
  tools/demo                                 watch it work; Ctrl-C ends it, nothing is left behind
  tools/demo --once --json                   a fixed crowd, checked; the last line is JSON
  tools/demo --once --people people.csv --site canthus --limit 200
                                             real people's temperatures, in their order
  tools/demo --once --kill broker --kill gateway
                                             a crowd, with both killed half-way and restarted
  tools/demo --once --json --list 60         a day without a fever and a list of 60 people, some of
                                             whom stay away: a report of zero once each of them is
                                             entered as measured or excused
  tools/demo --once --json --doors 20        two gateways, 3 gates with lamps on pins, 5 lamp posts,
                                             12 doors without lamps: red must be lit at the right
                                             gate for each
  tools/demo --once --json --cards --kill broker --kill gateway
                                             each reading is stored for the person who tapped
"""


@dataclass(frozen=True)
class Arguments:
    """The parsed options."""

    once: bool
    json: bool
    people: Path | None
    site: str
    camera: str
    limit: int | None
    crowd: int
    speed: float
    seed: int
    kill: tuple[str, ...]
    language: str
    silent_dns: bool
    interpreter: str | None
    clock_unset: bool
    listed: int | None
    doors: int | None
    cards: bool


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return number


def _doors(text: str) -> int:
    number = int(text)
    if not LEAST_DOORS <= number <= MOST_DOORS:
        raise argparse.ArgumentTypeError(f"expected {LEAST_DOORS} to {MOST_DOORS}")
    return number


def _speed(text: str) -> float:
    number = float(text)
    if not 1 <= number <= 30:
        raise argparse.ArgumentTypeError("expected 1 to 30")
    return number


def parse(arguments: list[str] | None = None) -> Arguments:
    """Parse the command line; exits with code 2 and a message if it is invalid."""
    parser = argparse.ArgumentParser(
        prog="tools/demo",
        description="Runs broker, gateway, campus server and four simulated kiosks at two gates on"
        " this machine: real MicroPython, real mosquitto with TLS, real SQLite; only the pins and"
        " what the sensor sees are simulated. Prints a line for each person.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--once", action="store_true", help="play a crowd once, check that nothing is lost, exit")
    add("--json", action="store_true", help="with --once: a JSON summary as the last line")
    add("--people", type=Path, metavar="FILE", help="temperatures of real people (CSV)")
    add("--site", choices=SITES, default="canthus", help="part of the face (%(default)s)")
    add("--camera", default="FLIR", help="camera whose rows of FILE are read (%(default)s)")
    add("--limit", type=_positive, metavar="N", help="at most N people of FILE")
    add(
        "--crowd",
        type=_positive,
        default=60,
        metavar="N",
        help="number of made-up people, if there is no FILE (%(default)s)",
    )
    add("--speed", type=_speed, metavar="X", help="the kiosks' clock, 1 to 30 (1; 8 with --once)")
    add("--seed", type=int, default=1, metavar="N", help="seed of the crowd (%(default)s)")
    add(
        "--kill",
        choices=VICTIMS,
        action="append",
        default=[],
        help="kill it (SIGKILL) half-way, and restart it; may be repeated",
    )
    add("--interpreter", choices=INTERPRETERS, help="word size of the kiosks' MicroPython (64bit)")
    add("--language", choices=("zh", "en"), default="zh", help="language of the kiosks' displays")
    add(
        "--silent-dns",
        action="store_true",
        help="kiosks know the broker by name, and their Wi-Fi's two name servers never answer",
    )
    add(
        "--clock-unset",
        action="store_true",
        help="each kiosk's clock starts at 2000-01-01, for TLS, too, and there is no SNTP server",
    )
    add(
        "--list",
        type=_positive,
        dest="listed",
        metavar="N",
        help="with --once: play a day without a fever, with a made-up list of N people",
    )
    add(
        "--doors",
        type=_doors,
        metavar="N",
        help="with --once: play N doors. Some have lamps on a gateway's pins, some a lamp post, the"
        " others no lamps. A feverish person comes to each door. Then the connection of every lamp"
        " post is cut: amber must be lit within 5 s. Last, the connection of one kiosk of each kind"
        " of gate is cut: amber must be lit within a minute, as the broker waits 45 s",
    )
    add(
        "--cards",
        action="store_true",
        help="with --once: play half of the people, with cards at one of the two gates",
    )
    options = parser.parse_args(arguments)
    if options.people is not None and not options.people.is_file():
        parser.error(f"--people: {options.people}: no such file")
    if options.kill and not options.once:
        parser.error("--kill needs --once")
    if options.json and not options.once:
        parser.error("--json needs --once")
    if options.listed and (not options.once or options.people):
        parser.error("--list needs --once, and its people are made up")
    if options.doors and (
        not options.once or options.people or options.listed or options.kill or options.cards
    ):
        parser.error("--doors needs --once, and takes no --people, --list, --cards or --kill")
    if options.cards and (not options.once or options.listed):
        parser.error("--cards needs --once, and has a list of its own")
    values = vars(options)
    values["kill"] = tuple(options.kill)
    values["speed"] = options.speed or (8.0 if options.once else 1.0)
    return Arguments(**values)


if __name__ == "__main__":
    parse()
