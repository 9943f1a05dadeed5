"""A simulated college: its true figures of each day, the summaries it sends, and its faults."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from fevergate.campus.report import CampusDay, Figures
from fevergate.forwarding.http_sender import Item, SummarySender
from fevergate.people.roll import DayRoll
from fevergate.protocol.campus_messages import (
    FeverEvent,
    FollowUpEvent,
    GatewayDay,
    HourSummary,
    KioskCount,
    RollDay,
    Summary,
)
from harness.campus import CampusHost, SimulatedClock, days_from
from harness.errors import HarnessError

KIOSKS = 4
PEOPLE = 150
"""Most people per kiosk and day."""

FEVER_SHARE, RETRY_SHARE = 0.002, 0.05
BATCH = 100
OPENS = 7
HOURS = 12
TRIES = 5
LATE = 10
"""People of an offline kiosk who are reported three days later."""

ENTERED = 5
"""People whose measurements are entered by hand only two days later."""

LISTED = 400
"""Number of people on a college's list; a few of them stay away each day."""


@dataclass
class College:
    """A college, its faults, and its true figures by day."""

    name: str
    faults: set[str]
    cut: set[str] = field(default_factory=set)
    """Days that it does not report, because it is offline on the next morning."""
    listed: int = 0
    """Number of people on its own list; 0: it has no list. Each day states how many of them were
    measured."""
    truth: dict[str, Figures] = field(default_factory=dict)
    rolls: dict[str, DayRoll] = field(default_factory=dict)
    """The list's true figures by day."""
    waiting: list[Summary] = field(default_factory=list)
    late: list[tuple[str, Summary]] = field(default_factory=list)
    """(day, summary) to be sent from that day on."""
    seq: int = 0

    @property
    def gateway(self) -> str:
        return f"gw-{self.name}"


def colleges(count: int, days: list[str], chance: random.Random) -> list[College]:
    """Make colleges. Of each ten, eight have one fault each, all different, and two have none; two
    of three have a list of people."""
    kinds = ["cut", "late", "twice", "disorder", "clock", "asleep", "silent", "nonsense"]
    result = []
    for number in range(count):
        college = College(f"college-{number + 1:02d}", set(), listed=LISTED * (number % 3 > 0))
        if number % 10 < len(kinds):
            college.faults.add(kinds[number % 10])
        if "cut" in college.faults:
            begin = chance.randrange(len(days) // 2)
            college.cut = set(days[begin : begin + 3])
        if "silent" in college.faults:
            college.cut = set(days)
        result.append(college)
    return result


class Term:
    """Colleges that live through days, and report each day on the next morning."""

    def __init__(
        self, host: CampusHost, colleges: Sequence[College], chance: random.Random
    ) -> None:
        self._host = host
        self._colleges = colleges
        self._chance = chance
        self.deliveries = 0
        self._senders = {
            college.name: SummarySender(
                host.gateway_settings(college.name, college.gateway, {"gate": ["kiosk-1"]}),
                lambda ahead_s=3600 * ("clock" in college.faults): host.clock() + ahead_s,
            )
            for college in colleges
        }

    def play(self, day: str, number: int) -> None:
        """Live through a day; on the next morning forward it, and let the campus server draft its
        report."""
        morning = days_from(day, 2)[1]
        self._host.clock.set(morning, "06:00")
        for college in self._colleges:
            live(college, day, number, self._host.clock, self._chance)
            if day not in college.cut:
                self._forward(college, morning)
        self._host.clock.set(morning, "07:01")
        self._host.tick()

    def end(self, today: str) -> None:
        """Report what was late, and close the connections; silent colleges stay silent."""
        self._host.clock.set(today, "06:00")
        for college in self._colleges:
            if "silent" not in college.faults:
                self._forward(college, today)
        self.close()

    def close(self) -> None:
        """Close the colleges' connections."""
        for sender in self._senders.values():
            sender.close()

    def _forward(self, college: College, today: str) -> None:
        self.deliveries += forward(college, self._senders[college.name], today, self._chance)


def live(
    college: College, day: str, number: int, clock: SimulatedClock, chance: random.Random
) -> None:
    """Draw one day at a college's gates: its true figures and the summaries to send."""
    asleep = "asleep" in college.faults and number % 7 > 4
    total = Figures()
    counts, hours, fevers, after = [], [], [], []
    for kiosk in (f"kiosk-{n + 1}" for n in range(KIOSKS)):
        people = 0 if asleep else chance.randint(PEOPLE // 2, PEOPLE)
        ill = sum(chance.random() < FEVER_SHARE for _ in range(people))
        count = KioskCount(
            kiosk=kiosk,
            gate="gate",
            normal=people - ill,
            fever=ill,
            retry=sum(chance.random() < RETRY_SHARE for _ in range(people)),
            watched_minutes=0 if asleep else HOURS * 60,
        )
        counts.append(count)
        hours += [] if asleep else _hours(count, day, clock)
        closed = []
        for n in range(ill):
            at = clock.of(day, f"{OPENS + n % HOURS:02d}:30") + n
            fever, follow_up = _fever(college, kiosk, at, chance)
            fevers.append(fever)
            closed += [follow_up] if follow_up else []
        after += closed
        outcomes = [follow_up.outcome for follow_up in closed]
        total.add(
            Figures(
                screened=people,
                fevers=ill,
                confirmed=outcomes.count("clinic"),
                released=outcomes.count("released"),
                outstanding=ill - len(closed),
                retries=count.retry,
                watched_minutes=count.watched_minutes,
            )
        )
    college.truth[day] = total
    college.waiting += [*fevers, *after]
    _report(college, day, counts, hours, late=number % 5 == 2)
    if college.listed:
        _call(college, day, late=number % 5 == 3)


def _call(college: College, day: str, *, late: bool) -> None:
    """State how many on the list were measured; `late`: some are entered by hand only later."""
    # A random generator of its own, so that a list changes nothing else of the day.
    chance = random.Random(f"{college.name} {day}")  # noqa: S311 - repeatable
    excused, unmeasured = chance.randrange(9), chance.choice((0, 0, 1, 2, 7))
    entered = ENTERED if late and "late" in college.faults else 0
    roll = DayRoll(
        expected=college.listed,
        measured=college.listed - excused - unmeasured,
        excused=excused,
        unmeasured=unmeasured,
    )
    college.rolls[day] = roll
    complete = RollDay(date=day, revision=9, **asdict(roll))
    if entered:
        first = replace(
            complete,
            revision=8,
            measured=complete.measured - entered,
            unmeasured=complete.unmeasured + entered,
        )
        college.waiting.append(first)
        college.late.append((days_from(day, 3)[2], complete))
    else:
        college.waiting.append(complete)


def _hours(count: KioskCount, day: str, clock: SimulatedClock) -> list[HourSummary]:
    """A kiosk's day by the hour; people are spread evenly, the remainder in the first hour."""
    share, remainder = divmod(count.normal, HOURS)
    return [
        HourSummary(
            kiosk=count.kiosk,
            gate=count.gate,
            hour=clock.of(day, f"{OPENS + hour:02d}:00"),
            revision=share + remainder * (hour == 0) + 60,
            normal=share + remainder * (hour == 0),
            fever=len(range(hour, count.fever, HOURS)),
            watched=2**60 - 1,
        )
        for hour in range(HOURS)
    ]


def _fever(
    college: College, kiosk: str, at: float, chance: random.Random
) -> tuple[FeverEvent, FollowUpEvent | None]:
    """A fever, and its follow-up, or None if it has none."""
    college.seq += 1
    identity: dict[str, Any] = {"kiosk": kiosk, "boot": 1, "seq": college.seq}
    times: dict[str, Any] = {"at": at, "raised_at": at, "acknowledged_at": at + 20}
    fever = FeverEvent(**identity, **times, gate="gate", revision=2, body_c=38.1)
    if chance.random() >= 0.8:
        return fever, None
    well = chance.random() < 0.6
    return fever, FollowUpEvent(
        **identity,
        revision=1,
        at=at + 600,
        clinical_c=36.8 if well else 38.0,
        clinical_site="axillary",
        outcome="released" if well else "clinic",
        closed=True,
    )


def _report(
    college: College, day: str, counts: list[KioskCount], hours: list[HourSummary], *, late: bool
) -> None:
    """Queue a day's summaries. With the fault "late" they lack the last `LATE` people of the
    offline kiosk, and complete ones are due three days later."""
    complete = GatewayDay(date=day, revision=1000, kiosks=counts)
    if not (late and "late" in college.faults and counts[0].normal):
        college.waiting += [*hours, complete]
        return
    due = days_from(day, 4)[3]
    first = replace(counts[0], normal=counts[0].normal - LATE)
    early = GatewayDay(date=day, revision=990, kiosks=[first, *counts[1:]])
    college.waiting += [*_without(hours, LATE), early]
    college.late += [(due, summary) for summary in (*hours, complete)]


def _without(hours: list[HourSummary], people: int) -> list[HourSummary]:
    """The hours without the last `people`, taken from the first hours that have any."""
    before = []
    for hour in hours:
        less = min(people, hour.normal)
        people -= less
        before.append(
            replace(hour, normal=hour.normal - less, revision=hour.revision - 1) if less else hour
        )
    return before


def forward(college: College, sender: SummarySender, today: str, chance: random.Random) -> int:
    """Send the waiting summaries as the college's faults allow; returns the number of
    deliveries."""
    due = [summary for day, summary in college.late if day <= today]
    college.late = [(day, summary) for day, summary in college.late if day > today]
    waiting, college.waiting = college.waiting + due, []
    if "disorder" in college.faults:
        chance.shuffle(waiting)
    deliveries = 0
    items = [
        Item(summary.key, summary.revision, msgspec.json.encode(summary).decode())
        for summary in waiting
    ]
    for begin in range(0, len(items), BATCH):
        batch = items[begin : begin + BATCH]
        for _ in range(2 if "twice" in college.faults else 1):
            _deliver(sender, batch)
            deliveries += 1
    if "nonsense" in college.faults:
        result = sender.send([Item("hour/x", 1, '{"type":"hour","kiosk":"NOT A NAME"}')])
        if not result.refused:
            raise HarnessError("what no gateway would say was taken")
        deliveries += 1
    return deliveries


def _deliver(sender: SummarySender, batch: list[Item]) -> None:
    for _ in range(TRIES):
        if len(sender.send(batch).held) == len(batch):
            return
    raise HarnessError(f"{batch[0].key}: not taken in {TRIES} tries")


def wrong(college: College, report: CampusDay, day: str, *, drafted: bool) -> str:
    """Describe how a report differs from a college's true figures; empty if it does not."""
    missing = day in college.cut and (drafted or "silent" in college.faults)
    if missing:
        # It may have sent hours or fevers of the day, but not the whole day's summary.
        good = report.state == "missing" and report.figures is None and report.roll is None
        return "" if good else f"{day} {college.name}: {report.state}, expected missing"
    figures = report.figures
    truth = college.truth[day]
    state = "reported" if truth.watched_minutes else "uncovered"
    if report.state != state or figures is None:
        return f"{day} {college.name}: {report.state}, expected {state}"
    waiting = {summary.key for _, summary in college.late} if drafted else set()
    short = LATE if f"gateway_day/{day}" in waiting else 0
    reported = replace(figures, screened=figures.screened + short)
    if reported != truth:
        return f"{day} {college.name}: {reported}, expected {truth}"
    roll, expected = report.roll, college.rolls.get(day)
    if roll and f"roll_day/{day}" in waiting:
        roll = replace(roll, measured=roll.measured + ENTERED, unmeasured=roll.unmeasured - ENTERED)
    return "" if roll == expected else f"{day} {college.name}: {roll}, expected {expected}"
