"""Time from a tapped card to its permit, while the list of people changes all the time.

For comparison the same messages are timed from the kiosk to a bare subscriber: one hop through the
broker. A permit takes two hops.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from queue import Empty, SimpleQueue
from statistics import median
from typing import Any

import msgspec

from bench_suite.listed import people_store
from fevergate.gateway.cards import UNKNOWN
from fevergate.people.changes import ListEntry, PeopleChanges
from fevergate.people.policy import DAY_S, Policies
from fevergate.people.store import PERMITS
from fevergate.protocol.messages import CardTapped
from fevergate.protocol.topics import Topic
from harness.admin import Admin
from harness.card_kiosk import Answer, CardKiosk, wait_answered
from harness.figures import percentile, progress
from harness.made_up_list import made_up
from harness.site import LoadSite
from harness.worker import wait_until

UP_S = 120
LAST_S = 30
"""How long the benchmark waits for the last answers."""

UNKNOWN_SHARE = 0.02
"""Share of the taps with a card that is on no list."""

CHANGE_EVERY_S = 1.0
"""How often somebody's permit is changed meanwhile: the gateway reads its list anew."""


def measure(
    site: LoadSite, people: int, per_s: int, seconds: int, rounds: int, seed: int = 1
) -> dict[str, Any]:
    """In each round tap cards at the site's kiosks for so many seconds.

    Returns medians over the rounds of each round's percentiles, in ms; the total of taps without an
    answer, and of answers that contradict the list; `gateway_mb` with the list in memory.
    """
    chance = random.Random(seed)  # noqa: S311 - people, not keys
    progress(f"a list of {people}")
    with ExitStack() as stack:
        cards = _list(site, people)
        gateway = stack.enter_context(site.start_gateway())
        hops: dict[tuple[str, int, int], float] = {}
        campus = site.settings.campus

        def overheard(topic: str, payload: bytes | bytearray) -> None:
            at, tap = time.monotonic(), msgspec.json.decode(payload, type=CardTapped)
            hops[topic.split("/")[3], tap.boot, tap.tap] = at

        stack.enter_context(Admin(site, str(Topic(campus, "+", "card")), heard=overheard))
        times: dict[str, list[list[float]]] = {"permit": [], "hop": []}
        counts = {"taps": 0, "unanswered": 0, "wrong": 0}
        for boot in range(1, rounds + 1):
            progress(f"round {boot} of {rounds}")
            taps, answers = _round(site, boot, cards, per_s, seconds, chance)
            told_at = {key: at for key, (at, _) in taps.items()}
            wrong = (answer.permit != taps[answer.key][1] for answer in answers.values())
            counts["taps"] += len(taps)
            counts["unanswered"] += len(taps) - len(answers)
            counts["wrong"] += sum(wrong)
            times["permit"].append([(a.at - told_at[key]) * 1000 for key, a in answers.items()])
            times["hop"].append([(hops[key] - at) * 1000 for key, at in told_at.items()])
        memory_mb = round(gateway.status_kb("VmRSS") / 1024, 1)
    figures = {
        f"{name}_p{percent}_ms": round(
            median(percentile(values, percent, 9) for values in lists), 2
        )
        for name, lists in times.items()
        for percent in (50, 99)
    }
    figures["permit_worst_ms"] = round(max(max(values) for values in times["permit"]), 2)
    return {
        "people": people,
        "per_s": per_s,
        "kiosks": len(site.kiosks),
        **counts,
        **figures,
        "gateway_mb": memory_mb,
        "complete": not counts["unanswered"],
    }


Taps = dict[tuple[str, int, int], tuple[float, str]]
"""For each tap: when it was sent (monotonic s), and the permit that the answer must have."""


def _round(
    site: LoadSite,
    boot: int,
    cards: list[tuple[int, str]],
    per_s: int,
    seconds: int,
    chance: random.Random,
) -> tuple[Taps, dict[tuple[str, int, int], Answer]]:
    arrivals: SimpleQueue[Answer] = SimpleQueue()
    taps: Taps = {}
    with ExitStack() as stack:
        kiosks = [CardKiosk(site.settings, name, boot, arrivals) for name in site.kiosks]
        for kiosk in kiosks:
            stack.callback(kiosk.close)
            wait_until(kiosk.ready.is_set, UP_S, "a kiosk hears its permits")
        wait_answered(kiosks[0], *cards[0], arrivals)
        stack.enter_context(_changing(site))
        began = time.monotonic()
        for index in range(per_s * seconds):
            number, permit = chance.choice(cards)
            if chance.random() < UNKNOWN_SHARE:
                number, permit = number + (1 << 40), UNKNOWN
            key, at = kiosks[index % len(kiosks)].tap(number)
            taps[key] = at, permit
            ahead_s = began + (index + 1) / per_s - time.monotonic()
            time.sleep(max(0.0, ahead_s))
        answers = {}
        while len(answers) < len(taps):
            try:
                answer = arrivals.get(timeout=LAST_S)
            except Empty:
                break
            if answer.key in taps:
                answers[answer.key] = answer
    return taps, answers


def _list(site: LoadSite, people: int) -> list[tuple[int, str]]:
    """Import a made-up list, in which the permits take turns; returns the number and permit of each
    card but the last person's."""
    entries, cards = [], []
    for place, row in enumerate(made_up(people)):
        permit, number = PERMITS[place % len(PERMITS)], int(row[6], 16)
        cards.append((number, permit))
        entries.append(
            ListEntry(
                number=row[0],
                name=row[1],
                kind=row[2],
                class_=row[3],
                unit=row[4],
                card=str(number),
                permit=permit,
            )
        )
    with people_store(site.settings) as store:
        PeopleChanges(store).replace(entries)
    return cards[:-1]


@contextmanager
def _changing(site: LoadSite) -> Iterator[None]:
    """Change the permit of the list's last person again and again."""
    over = threading.Event()

    def change() -> None:
        with people_store(site.settings) as store:
            ((last,),) = store.statements.query("select max(person) from people")
            while not over.wait(CHANGE_EVERY_S):
                Policies(store).override(last, "ask", time.time() + DAY_S, "bench")

    thread = threading.Thread(target=change, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
