"""`tools/chaos`: plays faults while people walk by, and prints figures."""

from __future__ import annotations

import json
import logging
import signal
import sys
from typing import Any

from faults.arguments import KINDS, MOUNTING, Arguments, parse
from faults.chaos import KIOSKS, Chaos
from faults.judge import WRONG, wrong_days
from faults.school import CARD_MB, School
from fevergate.errors import FeverGateError


def main() -> int:
    """Returns the exit code."""
    given = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is unmounted
    logging.basicConfig(level=logging.ERROR)
    try:
        figures = play(given)
    except (FeverGateError, OSError) as error:
        print(f"tools/chaos: {error}", file=sys.stderr)
        return 2
    _show(figures, given.json)
    return int(any(figures[name] for name in WRONG))


def play(given: Arguments) -> dict[str, Any]:
    """Play one run; returns its figures. Raises `HarnessError` if something cannot be played."""

    def progress(text: str) -> None:
        if sys.stderr.isatty() and not given.json:
            print(f"\r\033[K{text} ...", end="", file=sys.stderr, flush=True)

    with School(KIOSKS + 1, given.folder) as school:
        mounted = school.put_database_on_a_card(CARD_MB)
        kinds = given.only or tuple(kind for kind in KINDS if mounted or kind not in MOUNTING)
        chaos = Chaos(school, given.seed, given.minutes, progress)
        shown = chaos.run(kinds)
    for day, (said, right) in wrong_days(chaos.facts).items():
        print(f"tools/chaos: {day}: reported {said}, right {right}", file=sys.stderr)
    return shown


def _show(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures))
        return
    for key, value in figures.items():
        if isinstance(value, dict):
            for kind, more in value.items():
                print(f"{key:14} {kind:10} {more}")
        else:
            print(f"{key:14} {value}")


if __name__ == "__main__":
    sys.exit(main())
