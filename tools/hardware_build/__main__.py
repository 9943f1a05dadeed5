"""`tools/make-hardware`: builds all drawings and tables in `hardware/`, or lists the stale ones."""

import argparse
import sys

from hardware_build import pin_tables
from hardware_build.errors import HardwareError
from hardware_build.generate import build, stale
from hardware_build.table import HARDWARE

EPILOG = """\
sources:
  boards.toml                      the kiosk's board and its pins
  pins.toml                        pins of a Pi's gates and desk
  wiring/*.yml                     harness: wires, colours, lengths
  electrical.toml                  parts' figures: resistors, margins
  circuit/*.toml                   the boards: parts and nets
  sensors.toml, enclosure.toml     optics and housing
  parts.csv                        what to buy

examples:
  tools/make-hardware              build everything
  tools/make-hardware --check      compare, change nothing
"""


def main() -> int:
    """Returns the exit code: 0, 1 if something is stale, 2 if a source is wrong."""
    parser = argparse.ArgumentParser(
        prog="tools/make-hardware",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="list what is stale, write nothing")
    arguments = parser.parse_args()
    if code := pin_tables.main():
        return code
    try:
        files = build(lambda what: print(f"  {what}", file=sys.stderr))
    except HardwareError as error:
        print(f"tools/make-hardware: {error}", file=sys.stderr)
        return 2
    if arguments.check:
        old = stale(files)
        for line in old:
            print(f"hardware/{line}; run tools/make-hardware")
        return bool(old)
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for line in stale(files):
        print(f"hardware/{line}", file=sys.stderr)
    print(f"{len(files)} files in {HARDWARE.name}/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
