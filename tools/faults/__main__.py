"""`tools/chaos`: plays faults while people walk by, and prints figures."""

import logging
import signal
import sys
from typing import Any

from faults.arguments import KINDS, MOUNTING, Arguments, parse
from faults.chaos import KIOSKS, Chaos
from faults.judge import WRONG, wrong_days
from faults.school import CARD_MB, School
from fevergate.errors import FeverGateError
from harness.figures import progress, show
from harness.site import ignore


def main() -> int:
    """Run the command; returns the exit code."""
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is unmounted
    logging.basicConfig(level=logging.ERROR)
    try:
        figures = play(arguments)
    except (FeverGateError, OSError) as error:
        print(f"tools/chaos: {error}", file=sys.stderr)
        return 2
    show(figures, arguments.json)
    return int(any(figures[name] for name in WRONG))


def play(arguments: Arguments) -> dict[str, Any]:
    """Play one run; returns its figures. Raises `HarnessError` if something cannot be played."""

    with School(KIOSKS + 1, arguments.folder) as school:
        mounted = school.put_database_on_a_card(CARD_MB)
        kinds = arguments.only or tuple(kind for kind in KINDS if mounted or kind not in MOUNTING)
        chaos = Chaos(
            school, arguments.seed, arguments.minutes, progress if not arguments.json else ignore
        )
        figures = chaos.run(kinds)
    for day, (reported, right) in wrong_days(chaos.facts).items():
        print(f"tools/chaos: {day}: reported {reported}, right {right}", file=sys.stderr)
    return figures


if __name__ == "__main__":
    sys.exit(main())
