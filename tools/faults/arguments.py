"""Options of tools/chaos. Standard library only: `--help` works before anything is set up."""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

KINDS = {
    "gateway": "SIGKILL of the gateway",
    "broker": "SIGKILL of mosquitto",
    "pages": "SIGKILL of the pages; guards go on acknowledging",
    "campus": "the campus server is killed, or its PostgreSQL switched over to the standby",
    "power": "gateway and broker are gone at once, and the cut tore the broker's store",
    "full": "the card is full, sometimes when the gateway starts, and has room again",
    "readonly": "the card is read-only when the gateway starts, and can be written again",
    "clock": "the gateway's clock is set back or ahead, as it runs or starts, and right again",
    "date": "a kiosk's date is wrong by years, and right again",
    "unset": "the gateway starts with a clock of 1970 and a card that is read-only",
    "card": "the gateway's card is replaced by an empty one, or by an older backup",
    "hostile": "a stolen kiosk says what no kiosk says",
    "flood": "a stolen kiosk says far more than people could",
}
"""What each kind of fault plays; each is a method of `faults.kinds.Kinds`."""

MOUNTING = ("full", "readonly", "unset")
"""Kinds that need a file system of their own."""

EPILOG = f"""\
kinds (all, as often as fit, unless --only):
{chr(10).join(f"  {name:10} {description}" for name, description in KINDS.items())}

Ten kiosks with 100 readings a second, a fever in fifty, mosquitto with TLS, the gateway on recorded
pins, its pages, a campus server on two PostgreSQL servers (SQLite where there is none). A night
goes by now and then, in which the gateway stays on or is switched off.

the last line:
  faults         how many of each kind were played
  published      readings of the ten kiosks;  stored: those on any of the gateway's cards
  lost           published and not stored, or not said to be stored        must be 0
  doubled        counted twice, or never published                         must be 0
  fevers, dark   how many; for how many no red lamp was ever lit, and in how many
                 faults of the card none was while they lasted         dark must be 0
  light_ms_p99   from a fever's publishing to its red lamp, over all faults
  days           days of the school that were played
  days_wrong     days that the campus server reports otherwise             must be 0
  silent         faults of the card that no amber lamp told of             must be 0
  fell           how often a process ended by itself, and was started again
  by_kind        of each kind: how often; of readonly and unset: from the gateway's start to red,
                 and to amber with the word "disk"; of campus: how often it was switched over
The exit code is 1 where one of those is not 0, and 2 where something could not be played.

examples:
  sudo tools/chaos --json                          20 minutes of everything
  sudo tools/chaos --minutes 2 --only card         replaced cards alone
  sudo tools/chaos --seed 7 --only clock --only power

It needs a C compiler, for the machines' clocks. full, readonly and unset mount a file system, which
only root may: else they are left out; so is the switch-over without Debian's postgresql. It waits
for states, never for a machine's speed: on a slow one it takes longer, and plays fewer faults.
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
    add("--minutes", type=_minutes, default=20.0, metavar="N", help="for so long (20)")
    add("--seed", type=_seed, default=1, metavar="N", help="which faults, and when (%(default)s)")
    add("--only", choices=tuple(KINDS), action="append", default=[], help="repeat it")
    add("--json", action="store_true", help="one JSON line, and no word of how far it is")
    add("--folder", type=_folder, help="on which disk; else where temporary files go")
    given = vars(parser.parse_args(arguments))
    given["only"] = tuple(dict.fromkeys(given["only"]))
    return Arguments(**given)


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
