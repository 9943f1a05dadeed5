"""Four campuses with their gateways for a month, whose reports are right to the person.

One is cut off for three days, one has its clock an hour wrong, one sends everything twice.
"""

import random
from concurrent.futures import Future
from zoneinfo import ZoneInfo

import msgspec
import pytest

from fevergate.campus.report import DayReport
from fevergate.forwarding.forwarder import Forwarder
from fevergate.protocol.messages import Health, Identity, Reading, Verdict
from fevergate.settings.gateway import Retention
from fevergate.storage.records import Acknowledged, HealthArrived, ReadingArrived
from fevergate.storage.retention import Housekeeper
from fevergate.storage.store import Store
from harness.campus import CampusHost, SimulatedClock, days_from

FIRST, DAYS = "2026-09-01", 30
CUT = days_from("2026-09-10", 3)
CAMPUSES = {name: [f"gw-{name}"] for name in ("east", "west", "north", "south")}
CUT_OFF, WRONG, TWICE = "west", "north", "south"
HOUR_S = 3600


class Player:
    """A gateway's own store and forwarder, and what really happened at its gate."""

    def __init__(self, host, folder, campus, clock) -> None:
        self.campus = campus
        self.wrong_s = HOUR_S if campus == WRONG else 0
        self.clock = clock
        kiosks = [f"{campus}-1", f"{campus}-2"]
        self.settings = host.gateway_settings(campus, f"gw-{campus}", {"gate": kiosks})
        self.store = Store(folder / f"{campus}.db", self.settings.zone)
        self.forwarder = Forwarder(self.settings, self.submit, self.now)
        if campus == TWICE:
            send = self.forwarder._sender.send
            self.forwarder._sender.send = lambda items: (send(items), send(items))[1]
        self.truth: dict[str, tuple[int, int, int]] = {}
        self.held_back: list[ReadingArrived] = []
        self.seq = 0

    def now(self) -> float:
        return self.clock() + self.wrong_s

    def submit(self, work):
        done: Future = Future()
        try:
            done.set_result(work(self.store))
        except Exception as error:
            done.set_exception(error)
        return done

    def day(self, day: str, chance: random.Random) -> None:
        """Store a day of people at the gate. Times are by the gateway's own clock, since its kiosks
        get the time from it."""
        opens = self.clock.of(day, "07:00") + self.wrong_s
        screened = fevers = retries = 0
        records: list = []
        for n in range(chance.randint(20, 60)):
            self.seq += 1
            verdict = chance.choices(list(Verdict), (90, 3, 7))[0]
            record = ReadingArrived(
                Reading(
                    kiosk=f"{self.campus}-{n % 2 + 1}",
                    boot=1,
                    seq=self.seq,
                    at=opens + n * 60,
                    up_ms=n * 60_000,
                    verdict=verdict,
                    body_c=38.3 if verdict is Verdict.FEVER else 36.5,
                ),
                opens + n * 60 + 1,
                "gate",
                opens + n * 60 + 1 if verdict is Verdict.FEVER else None,
            )
            screened += verdict is not Verdict.RETRY
            fevers += verdict is Verdict.FEVER
            retries += verdict is Verdict.RETRY
            late = verdict is Verdict.NORMAL and day == "2026-09-20" and n % 2
            (self.held_back if late else records).append(record)
            if verdict is Verdict.FEVER:
                identity = Identity(record.reading.kiosk, 1, self.seq)
                records.append(Acknowledged((identity,), "Zhang", opens + n * 60 + 20))
        for n in (1, 2):
            health = Health(
                kiosk=f"{self.campus}-{n}",
                boot=1,
                at=opens + 3599,
                up_ms=1,
                state="ok",
                watched_s=3599.0,
            )
            records.append(HealthArrived(health, opens + 3600, "gate"))
        self.store.commit(records)
        self.truth[day] = (screened, fevers, retries)

    def forward(self, *, cut: bool) -> None:
        Housekeeper(Retention(), self.submit, self.now).once()
        if cut:
            return
        for _ in range(3):
            if self.forwarder.once():
                return
        raise AssertionError(f"{self.campus} does not get rid of its summaries")


def test_thirty_daily_reports_are_right_to_the_person(tmp_path):
    chance = random.Random(7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fevergate.forwarding.forwarder.REFUSED_S", 1.0)
        clock = SimulatedClock(FIRST, ZoneInfo("Asia/Shanghai"))
        with CampusHost(tmp_path / "server", CAMPUSES, clock) as host:
            players = [Player(host, tmp_path, campus, clock) for campus in CAMPUSES]
            try:
                drafted = play(host, players, clock, chance)
                check(host, players, drafted)
            finally:
                for player in players:
                    player.store.close()


def play(host, players, clock, chance):
    """Play a month; return the report of each day as it was first drafted."""
    drafted = {}
    for day, after in zip(days_from(FIRST, DAYS), days_from(FIRST, DAYS + 1)[1:], strict=True):
        clock.set(day, "20:00")
        for player in players:
            player.day(day, chance)
            player.forward(cut=player.campus == CUT_OFF and day in CUT)
        clock.set(after, "06:00")
        for player in players:
            player.forward(cut=player.campus == CUT_OFF and after in [*CUT, "2026-09-13"])
        if day == "2026-09-22":  # a kiosk that was away for two days
            for player in players:
                player.store.commit(player.held_back)
                player.forward(cut=False)
        clock.set(after, "07:01")
        host.tick()
        ((report, version),) = host.server.reports.latest(day, day)
        drafted[day] = report
        if version.version == 1:
            host.server.reports.sign(day, 1, "Chen Jing")
            host.server.reports.submit(day, 1, "Chen Jing", "province")
    clock.at += 5
    for player in players:
        player.forward(cut=False)
    host.tick()
    return drafted


def figures(report: DayReport, campus: str):
    (entry,) = (entry for entry in report.campuses if entry.campus == campus)
    if entry.figures is None:
        return entry.state, None
    counts = entry.figures
    return entry.state, (counts.screened, counts.fevers, counts.retries)


def check(host, players, drafted):
    reports = host.server.reports
    for day in days_from(FIRST, DAYS):
        ((last, version),) = reports.latest(day, day)
        for player in players:
            assert figures(last, player.campus) == ("reported", player.truth[day]), (
                day,
                player.campus,
            )
        assert version.genuine
        versions = reports.versions(day)
        first, _ = reports.read(day, 1)
        if day in CUT:
            # The first report says that the campus is missing; it was corrected later.
            assert figures(first, CUT_OFF) == ("missing", None)
            assert not first.zero and first.missing[0].campus == CUT_OFF
            assert len(versions) == 2 and versions[0].signed_at is None
            assert any(
                difference.what.startswith(f"campuses {CUT_OFF}")
                for difference in versions[0].differences
            )
            assert versions[1].submitted_at is not None
        elif day == "2026-09-09":
            # The campus was cut off before it could report that the day was over.
            assert figures(first, CUT_OFF) == ("partial", figures(last, CUT_OFF)[1])
            assert len(versions) == 2
        elif day == "2026-09-20":
            assert len(versions) == 2
            screened = sum(player.truth[day][0] for player in players)
            late = sum(len(player.held_back) for player in players)
            assert late and first.total.screened == screened - late
            assert ("total screened", str(screened - late), str(screened)) in {
                (difference.what, difference.before, difference.now)
                for difference in versions[0].differences
            }
        else:
            assert len(versions) == 1, (day, msgspec.to_builtins(versions[0].differences))
    clock_off_s = {campus.campus: campus.clock_off_s for campus in host.server.store.heard()}
    assert clock_off_s.pop(WRONG) == HOUR_S and set(clock_off_s.values()) == {0.0}
