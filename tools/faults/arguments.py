"""Options of tools/chaos. Standard library only: `--help` works before anything is set up."""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

KINDS = {
    "gateway": "SIGKILL of the gateway",
    "broker": "SIGKILL of mosquitto",
    "pages": "SIGKILL of the pages, while guards acknowledge alarms",
    "campus": "the campus server is killed, or its PostgreSQL switched over to the standby",
    "power": "gateway and broker are killed at once; the broker's store is torn as by a power cut",
    "full": "the card is full for a while, sometimes already when the gateway starts",
    "readonly": "the card is read-only when the gateway starts, and becomes writable later",
    "clock": "the gateway's clock is wrong for a while, from its start on or while it runs",
    "date": "a kiosk's date is wrong by years for a while",
    "unset": "the gateway starts with a clock of 1970 and a card that is read-only",
    "card": "the gateway's card is replaced by an empty one, or by an older backup",
    "hostile": "a stolen kiosk sends messages that no kiosk sends",
    "flood": "a stolen kiosk reports far more people than can pass",
}
"""What each kind of fault plays; each is a method of `faults.kinds.Kinds`."""

MOUNTING = ("full", "readonly", "unset")
"""Kinds that need a file system of their own."""

EPILOG = f"""\
kinds of faults (all of them, unless --only is given):
{chr(10).join(f"  {name:10} {description}" for name, description in KINDS.items())}

What runs: ten kiosks that send 100 readings a second, one in fifty a fever; mosquitto with TLS; the
gateway on pins that record their states; its pages; and a campus server on two PostgreSQL servers
(SQLite if PostgreSQL is not installed). Now and then a night passes, in which the gateway stays on
or is switched off.

figures in the last line:
  faults         number of faults of each kind
  published      readings that the ten kiosks published
  stored         readings on any of the gateway's cards
  lost           readings that were not stored, or not confirmed as stored         must be 0
  doubled        readings that were counted twice, or never published              must be 0
  fevers         number of fevers
  dark           fevers for which no red lamp was ever lit, and faults of the card
                 during which none was lit                                         must be 0
  light_ms_p99   time from the publication of a fever to its red lamp, 99th percentile
  days           days that were played
  days_wrong     days that the campus server reports wrongly                       must be 0
  silent         faults of the card for which no amber lamp was lit                must be 0
  fell           how often a process ended by itself and was started again
  by_kind        number of each kind; for readonly and unset, the time from the gateway's start to
                 red, and to amber with the word "disk"; for campus, the number of switch-overs
Exit code 1: a figure that must be 0 is not 0; 2: something could not be played.

examples:
  sudo tools/chaos --json                          20 minutes of everything
  sudo tools/chaos --minutes 2 --only card         replaced cards alone
  sudo tools/chaos --seed 7 --only clock --only power

It needs a C compiler, to set the clocks of single processes. full, readonly and unset mount a file
system: without root they are left out. Without Debian's postgresql, the switch-over is left out. No
result depends on the machine's speed: a slow machine only plays fewer faults.
"""


@dataclass(frozen=True)
class Arguments:
    """The parsed command line."""

    minutes: float
    seed: int
    only: tuple[str, ...]
    json: bool
    folder: Path | None


def parse(arguments: list[str] | None = None) -> Arguments:
    """Parse the command line; if it is wrong, print a clear line and exit with code 2."""
    parser = argparse.ArgumentParser(
        prog="tools/chaos",
        description="Plays faults of many kinds at random instants while people walk by, then"
        " accounts for every reading, every fever's light and every day that the college reports.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--minutes", type=_minutes, default=20.0, metavar="N", help="minutes to play (20)")
    add(
        "--seed",
        type=_seed,
        default=1,
        metavar="N",
        help="seed of the choice and times of faults (%(default)s)",
    )
    add(
        "--only",
        choices=tuple(KINDS),
        action="append",
        default=[],
        help="play only this kind; may be repeated",
    )
    add("--json", action="store_true", help="print one JSON line, and no progress")
    add("--folder", type=_folder, help="folder of the data (that of temporary files)")
    options = vars(parser.parse_args(arguments))
    options["only"] = tuple(dict.fromkeys(options["only"]))
    return Arguments(**options)


def _minutes(text: str) -> float:
    number = float(text)
    if not (math.isfinite(number) and 0 <= number <= 1440):
        raise argparse.ArgumentTypeError("expected 0 to 1440")
    return number


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError("expected 0 to 2147483647")
    return int(text)


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError("expected a folder")
    return path


if __name__ == "__main__":
    parse()
