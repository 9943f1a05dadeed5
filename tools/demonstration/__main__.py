"""`tools/demo`: runs the whole system, either live or once with a check of the result."""

import shutil
import signal
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from demonstration.arguments import Arguments, parse
from demonstration.carded import CardedCrowd
from demonstration.doors import play_doors
from demonstration.listed_day import ListedDay, stays_away
from demonstration.live import WATCHED_S, Screen
from fevergate.errors import FeverGateError
from fevergate.evaluation.people_file import Person, load_people
from harness.errors import HarnessError
from harness.system import SETTLE_S, System
from harness.verdict import Summary
from harness.worker import wait_until
from simulator import SimulatorError, built_in_crowd

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CROWD_S_PER_PERSON = 30.0
"""Most simulated seconds for one person, retries included."""

FEVER_EVERY_S = 150.0
"""How often somebody with a fever comes, to one kiosk after another."""

FIRST_FEVERISH = 12
"""Place in the queue, without --once, of the first person with a fever: they come some twenty
seconds after the start."""


def people_for(arguments: Arguments) -> list[Person]:
    """The crowd. Raises `PeopleFileError`, which names file, line and column."""
    if arguments.people:
        return load_people(
            arguments.people, arguments.site, arguments.camera, limit=arguments.limit
        )
    if arguments.listed:
        return _calm(arguments, arguments.listed - stays_away(arguments.listed))
    count = min(arguments.crowd, arguments.limit or arguments.crowd)
    if arguments.once:
        return built_in_crowd(count, arguments.seed, fever_share=0.1, site=arguments.site)
    people = built_in_crowd(count, arguments.seed, fever_share=0.0, site=arguments.site)
    people[FIRST_FEVERISH:FIRST_FEVERISH] = _feverish(arguments, arguments.seed)
    return people


def _calm(arguments: Arguments, count: int) -> list[Person]:
    """People without a fever, and without the warmest of the healthy, whom a kiosk may stop."""
    people = built_in_crowd(2 * count, arguments.seed, fever_share=0.0, site=arguments.site)
    coolest = sorted(people, key=lambda person: max(person.rounds_c))[:count]
    return [person for person in people if person in coolest]


def _feverish(arguments: Arguments, seed: int) -> list[Person]:
    return built_in_crowd(1, seed, fever_share=1.0, site=arguments.site)


def play_once(system: System, arguments: Arguments, say: Console) -> Summary:
    """Run the whole crowd, with the kills that were asked for; returns the summary."""
    total = len(system.people)
    victims = list(arguments.kill)
    kills = {"broker": system.kill_broker, "gateway": system.kill_gateway}
    quarters_told = 0
    until = time.monotonic() + 600 + CROWD_S_PER_PERSON * total / arguments.speed
    while not all(board.crowd_done.is_set() for board in system.boards):
        if time.monotonic() > until:
            raise HarnessError("people are still to come: a kiosk does not answer")
        for board in system.boards:
            board.check()
        count = sum(len(board.visits) for board in system.boards)
        if victims and count >= total * (1 + len(arguments.kill) - len(victims)) / (
            len(arguments.kill) + 1
        ):
            victim = victims.pop(0)
            say.print(f"killing the {victim}, and starting it again")
            kills[victim]()
        if count * 4 // max(total, 1) > quarters_told:
            quarters_told = count * 4 // total
            say.print(f"{count} of {total} people")
        time.sleep(0.1)
    try:
        wait_until(system.settled, SETTLE_S, "everything is stored and forwarded")
    except HarnessError as error:
        say.print(f"[red]{error}[/]")
    return system.judge()


def watch(system: System, arguments: Arguments) -> None:
    """Run for ever. New people come to each kiosk whose queue is empty, and now and then somebody
    with a fever to one kiosk after another."""
    seed, feverish = arguments.seed, 0
    began = time.monotonic()
    while True:
        for board in system.boards:
            board.check()
            if board.crowd_done.is_set():
                seed += 1
                board.admit(built_in_crowd(20, seed, fever_share=0.0, site=arguments.site))
        if time.monotonic() - began >= (feverish + 1) * FEVER_EVERY_S:
            feverish += 1
            board = system.boards[feverish % len(system.boards)]
            board.admit(_feverish(arguments, seed + feverish))
        time.sleep(0.5)


def demonstrate_doors(arguments: Arguments, folder: Path, say: Console) -> int:
    """Play many doors in `folder`; returns the exit code."""
    figures = play_doors(arguments, folder, say)
    for note in figures.notes:
        say.print(f"[red]{note}[/]")
    if arguments.json:
        print(figures.line(), flush=True)
    else:
        say.print(figures.line())
    return 1 if figures.failed else 0


def demonstrate(arguments: Arguments, folder: Path) -> int:
    """Run the demonstration in `folder`; returns the exit code."""
    say = Console(stderr=arguments.once)
    if arguments.doors:
        return demonstrate_doors(arguments, folder, say)
    people = people_for(arguments)
    if arguments.once and not people:
        raise HarnessError("nobody comes: the file has no one for this site and camera")
    carded = CardedCrowd(people) if arguments.cards else None
    system = System(
        folder,
        carded.people if carded else people,
        site="forehead" if arguments.site == "forehead_max" else arguments.site,
        speed=arguments.speed,
        seed=arguments.seed,
        language=arguments.language,
        silent_dns=arguments.silent_dns,
        interpreter=arguments.interpreter,
        clock_unset=arguments.clock_unset,
        guard_after_s=0.0 if arguments.once else WATCHED_S,
        titles=not arguments.once,
        **(carded.options if carded else {}),
    )
    if carded:
        carded.configure(system)
    with system:
        if not arguments.once:
            with Screen(system, say):
                watch(system, arguments)
        day = ListedDay(system, arguments.listed) if arguments.listed else None
        if day:
            day.begin()
        summary = play_once(system, arguments, say)
        figures = day.end() if day else carded.judge(system) if carded else None
    summary.problems += figures.problems if figures else []
    door_figures = asdict(figures) if figures else {}
    for problem in summary.problems:
        say.print(f"[red]{problem}[/]")
    if arguments.json:
        print(summary.line(**door_figures), flush=True)
    else:
        say.print(summary.line(**door_figures))
    if summary.unanswered:
        say.print(f"[red]{summary.unanswered} people were not answered[/]")
    wrong = (summary.lost, summary.duplicated, summary.dark, summary.unanswered)
    return 1 if summary.problems or any(wrong) else 0


def _interrupt(*_: object) -> None:
    """End at the first signal; a second one must not interrupt the cleanup."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    """Run `tools/demo` in a temporary folder; returns the exit code."""
    arguments = parse()
    # A closed terminal (SIGHUP) and SIGTERM end it like Ctrl-C.
    for number in ENDINGS:
        signal.signal(number, _interrupt)
    folder = Path(tempfile.mkdtemp(prefix="fevergate-demo-"))
    try:
        return demonstrate(arguments, folder)
    except KeyboardInterrupt:
        return 0 if not arguments.once else 130
    except (SimulatorError, FeverGateError) as error:
        print(f"tools/demo: {error}", file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        leftover = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
        if any(name.startswith("board-") for name in leftover):
            print(f"tools/demo: still running: {leftover}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
