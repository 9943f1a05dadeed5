"""Runs `tools/pi-check`: builds the card, plays the steps on it, and prints the result."""

import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from emulated_pi.arguments import Arguments, parse
from emulated_pi.card import Card, copy, why_not
from emulated_pi.errors import PiCheckError
from emulated_pi.machine import Machine
from emulated_pi.pi import Pi
from emulated_pi.play import PROVISION, Play, provision

_BEGAN = time.monotonic()


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"{time.monotonic() - _BEGAN:6.0f} s  {text}", file=sys.stderr, flush=True)


def check(arguments: Arguments, folder: Path) -> int:
    """Run the check; returns the exit code. Raises `PiCheckError`."""
    reason = why_not()
    if reason:
        raise PiCheckError(reason)
    seed = random.SystemRandom().randrange(10_000) if arguments.seed is None else arguments.seed
    rng = random.Random(seed)  # noqa: S311 - times of power cuts, which a seed repeats

    def on(image: Path) -> Pi:
        return Pi(Machine(card.power, image, folder), arguments.keeps_outputs)

    def make_campus(target: Path) -> None:
        say("a campus on it (some minutes)")
        beside = target.with_suffix(".new")
        copy(card.installed, beside)
        pi = on(beside)
        try:
            provision(pi, say)
        finally:
            pi.machine.cut()
        beside.replace(target)

    card = Card(arguments.suite, say)
    card.build(PROVISION, make_campus)
    if arguments.build_only:
        say(f"{card.path} is ready")
        return 0
    say(f"{arguments.suite}, --seed {seed}")
    played = folder / "card.img"
    copy(card.path, played)
    pi = on(played)
    try:
        verdict = Play(pi, arguments, rng, say).all()
    except PiCheckError:
        say(pi.card_errors())
        raise
    finally:
        pi.machine.cut()
    for problem in verdict.problems:
        say(problem)
    print(verdict.line(), flush=True)
    return 0 if verdict.good else 1


def _end(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Run the command and return its exit code; remove the temporary folder unless `--keep`."""
    arguments = parse()
    signal.signal(signal.SIGTERM, _end)
    folder = Path(tempfile.mkdtemp(prefix="fevergate-pi-"))
    try:
        return check(arguments, folder)
    except KeyboardInterrupt:
        return 130
    except PiCheckError as error:
        print(f"tools/pi-check: {error}", file=sys.stderr)
        return 2
    finally:
        if arguments.keep:
            say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
