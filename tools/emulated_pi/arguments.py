"""Options of tools/pi-check. Standard library only: `--help` works before anything is set up."""

import argparse

SUITES = {"bookworm": "3.11", "trixie": "3.13"}
"""Debian 12 and 13, each with its version of Python."""

STEPS = {
    "fever": "a fever: its gate's red line goes high, and low again when the button is pressed",
    "killed": "the gateway is killed (SIGKILL) and restarts; later it fails at each start",
    "broker": "the broker is killed; meanwhile kiosks take readings, one of them a fever",
    "old-clock": "power is cut; the Pi boots without network, with a clock of 1970",
    "power-cuts": "power is cut at random instants while readings are stored",
    "full-card": "the card is full when a person with a fever comes",
    "upgrade": "gateway/install runs again, on the running Pi",
}
"""Steps in the order in which they are played, with a description of each."""

WITHOUT = {
    "protection": "the service's step that makes the lamps' pins inputs after the gateway died",
    "recognition": "the part by which the gateway recognises a Pi",
    "udev-rule": "the rule that allows the gateway to open the pins",
}
"""Parts that `--without` takes out, to test that the check fails without them."""

EPILOG = f"""\
steps (all of them, in this order, unless --only is given):
{chr(10).join(f"  {name:12} {description}" for name, description in STEPS.items())}

parts that --without removes; without them the check must fail:
{chr(10).join(f"  {name:12} {description}" for name, description in WITHOUT.items())}

examples:
  sudo tools/pi-check --json                       all of it on Debian 12: about half an hour
  sudo tools/pi-check --suite trixie --only killed --without protection
                                                   green stays lit though the gateway was killed

It needs root, Debian's qemu-system-arm, qemu-user-static, mmdebstrap, arch-test, e2fsprogs,
device-tree-compiler and systemd-container, 8 GB of disk and a mirror that apt knows. The first run
builds the Pi's card in about half an hour and keeps it in ~/.cache/fevergate/pi-check.
"""


class Arguments(argparse.Namespace):
    """The parsed command line."""

    suite: str
    json: bool
    keep: bool
    only: list[str]
    cuts: int
    seed: int | None
    without: list[str]
    build_only: bool

    @property
    def steps(self) -> tuple[str, ...]:
        """Steps to play, in the order of `STEPS`."""
        return tuple(name for name in STEPS if not self.only or name in self.only)

    @property
    def keeps_outputs(self) -> bool:
        """Whether the check makes the kernel keep a dead program's GPIO outputs, as Raspberry Pi
        OS's kernel does; Debian 12's kernel cannot."""
        return self.suite != "bookworm"


def parse(arguments: list[str] | None = None) -> Arguments:
    """Parse the command line; if it is wrong, print a clear line and exit with code 2."""
    parser = argparse.ArgumentParser(
        prog="tools/pi-check",
        description="Installs the gateway on the card of an emulated Raspberry Pi 3B (QEMU,"
        " Debian's own kernel and device tree), boots it, and causes faults: no network, a clock of"
        " 1970, killed programs, power cuts, a full card, an upgrade. Reads the pins from the"
        " chip's registers. The last line is JSON. Exit code 1: a fever stayed dark, a reading was"
        " lost, or green was lit while no gateway ran.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--suite", choices=tuple(SUITES), default="bookworm", help="Debian release (%(default)s)")
    add("--json", action="store_true", help="print only the JSON line to stdout")
    add(
        "--keep",
        action="store_true",
        help="keep card and console log, and print their paths",
    )
    add(
        "--only",
        choices=tuple(STEPS),
        action="append",
        default=[],
        help="play only this step; may be repeated",
    )
    add("--cuts", type=_count, default=3, metavar="N", help="number of power cuts (%(default)s)")
    add(
        "--seed",
        type=int,
        metavar="N",
        help="seed of the power cuts' times; each run prints its seed",
    )
    add(
        "--without",
        choices=tuple(WITHOUT),
        action="append",
        default=[],
        help="remove this part (see below); may be repeated",
    )
    add("--build-only", action="store_true", help="only make the card")
    return parser.parse_args(arguments, Arguments())


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError("expected 1 to 100")
    return int(text)


if __name__ == "__main__":
    parse()
