"""A kiosk that floods is named, whatever it says of itself; a kiosk with a backlog never is."""

from dataclasses import dataclass
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st
from samples import health, reading

from fevergate.gateway import flood_guard
from fevergate.gateway.flood_guard import (
    HEALTH_DUE_S,
    LIVE_S,
    READINGS_BURST,
    READINGS_PER_S,
    SLACK_READINGS,
    FloodGuard,
    FloodLevels,
)
from fevergate.storage import meta
from fevergate.storage.store import Store

HEALTH_S = 60
KEPT_S = 50
"""Interval (s) at which the gateway saves how much each kiosk can have measured: the shorter, the
tighter the bound; the gateway itself takes 600 s (`clock_keeper.BELIEVED_S`)."""

PATIENCE_S = 15
UNDER_WAY = 16
"""A kiosk has at most so many readings under way, and repeats those that are not stored after
`PATIENCE_S` (firmware: mqtt_link.py)."""

MOST = 2**31 - 1


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@dataclass
class Times:
    """A period during which conditions stay the same."""

    seconds: int
    person_s: int
    """Seconds from one person to the next; 0: nobody comes."""
    line: bool = True
    gateway: bool = True
    disk: bool = True
    reboot: bool = False
    restart: bool = False
    """The gateway's process is a new one in this period."""
    drain_per_s: int = 20


class Kiosk:
    """An honest kiosk, its broker and the gateway, simulated second by second."""

    def __init__(self):
        self.clock = Clock()
        self.flood = FloodGuard(self.clock)
        self.flood.line_up()
        self.boot, self.seq, self.began_at = 7, 0, self.clock.now
        self.outbox = {}
        self.under_way = {}
        self.broker = []
        self.health_at = 0.0
        self.was_up = self.gateway_was_up = True
        self.saved_levels = self.flood.levels(self.clock.now)

    def up_ms(self):
        return int((self.clock.now - self.began_at) * 1000)

    def live(self, times):
        if times.reboot:
            self.boot, self.seq, self.began_at = self.boot + 1, 0, self.clock.now
            self.under_way.clear()
        if times.restart:
            self.flood = FloodGuard(self.clock)
            self.gateway_was_up = False
        recalled = not times.restart
        for second in range(times.seconds):
            self.clock.now += 1
            if times.gateway and not recalled:
                self.flood.recall(self.saved_levels, self.clock.now)
                recalled = True
            if times.gateway and self.clock.now % KEPT_S == 0:
                self.saved_levels = self.flood.levels(self.clock.now)
            if (
                times.person_s
                and second % times.person_s == 0
                and len(self.outbox) < READINGS_BURST
            ):
                self.seq += 1
                self.outbox[self.boot, self.seq] = self.up_ms()
            if times.gateway and not self.gateway_was_up:
                self.flood.line_up()
            self.gateway_was_up = times.gateway
            if times.line:
                self.say(times)
            self.was_up = times.line
            if times.gateway:
                self.hear(times)
            assert self.flood.kiosks() == {}

    def say(self, times):
        if not self.was_up or any(
            self.clock.now - at > PATIENCE_S for at in self.under_way.values()
        ):
            self.under_way.clear()  # so that all of it is sent again
        sent = 0
        first = list(islice(self.outbox.items(), UNDER_WAY + times.drain_per_s))
        for key, up_ms in first:
            if sent >= times.drain_per_s or len(self.under_way) >= UNDER_WAY:
                break
            if key not in self.under_way:
                self.under_way[key] = self.clock.now
                self.broker.append(reading(key[1], boot=key[0], up_ms=up_ms))
                sent += 1
                if times.gateway:
                    self.hear(times)  # what is stored makes room for more
        if self.clock.now - self.health_at >= HEALTH_S or not self.was_up:
            self.health_at = self.clock.now
            word = health(boot=self.boot, up_ms=self.up_ms(), queued=len(self.outbox))
            self.broker.append(word)

    def hear(self, times):
        messages, self.broker = self.broker, []
        for message in messages:
            if hasattr(message, "queued") and hasattr(message, "watched_s"):
                self.flood.health(message)
                continue
            assert not self.flood.over(message)
            if times.disk:
                self.outbox.pop((message.boot, message.seq), None)
                self.under_way.pop((message.boot, message.seq), None)


times = st.builds(
    Times,
    seconds=st.sampled_from([30, 61, 200, 600]),
    person_s=st.sampled_from([0, 1, 1, 1, 3, 20]),
    line=st.sampled_from([True, True, False]),
    gateway=st.sampled_from([True, True, True, False]),
    disk=st.sampled_from([True, True, True, False]),
    reboot=st.booleans(),
    restart=st.sampled_from([False, False, True]),
    drain_per_s=st.sampled_from([1, 3, 20, 400]),
)


@settings(max_examples=40)
@given(st.lists(times, min_size=1, max_size=8))
def test_no_honest_kiosk_is_named_whatever_fails_around_it(days):
    kiosk = Kiosk()
    for part in days:
        kiosk.live(part)
    kiosk.live(Times(600, person_s=1))


@settings(max_examples=3)
@given(st.booleans(), st.sampled_from([5, 20, 400]), st.booleans(), st.booleans())
def test_the_backlog_of_a_night_is_never_named_however_fast_it_comes(
    watched_before, drain_per_s, reboot, restart
):
    kiosk = Kiosk()
    if watched_before:
        kiosk.live(Times(200, person_s=1))
    kiosk.live(Times(int(READINGS_BURST), person_s=1, line=False, gateway=not restart))
    assert len(kiosk.outbox) > READINGS_BURST - 200
    kiosk.live(Times(4000, person_s=1, drain_per_s=drain_per_s, reboot=reboot, restart=restart))
    assert drain_per_s < 20 or len(kiosk.outbox) < 20


lie = st.fixed_dictionaries(
    {
        "per_s": st.integers(6, 450),
        "step_ms": st.sampled_from([0, 1, 1000, 60_000, 3_600_000]),
        "from_ms": st.integers(0, 2**40),
        "boot": st.integers(0, MOST),
        "boot_each": st.sampled_from([0, 1, 10, 1000]),
        "skip": st.integers(1, 3),
        "queued": st.none() | st.integers(0, 2**31),
        "health_ms": st.integers(0, 2**40),
        "reboots": st.booleans(),
    }
)


def send_lies(flood, clock, lie, seconds):
    """Send readings and health by a stolen credential, for at most `seconds`; return the second in
    which the kiosk is named, or None."""
    seq, began_at, boot = 10_000, clock.now, lie["boot"]
    for second in range(1, seconds + 1):
        for number in range(lie["per_s"]):
            clock.now = began_at + second - 1 + number / lie["per_s"]
            seq += lie["skip"]
            if lie["boot_each"] and seq // lie["skip"] % lie["boot_each"] == 0:
                boot = (boot + 1) % MOST
            up_ms = lie["from_ms"] + seq * lie["step_ms"]
            flood.over(reading(seq, boot=boot, up_ms=up_ms))
        if lie["queued"] is not None and second % 20 == 0:
            ms = lie["health_ms"] + second * 1000
            flood.health(health(boot=boot, up_ms=ms, queued=lie["queued"]))
        if flood.kiosks():
            return second
    return None


@settings(max_examples=60)
@given(lie, st.integers(0, 59))
def test_readings_that_a_watched_kiosk_cannot_have_measured_are_named_within_a_minute(lie, later):
    """Whatever the kiosk says of its uptime, its boots and its outbox from then on."""
    clock = Clock()
    flood = FloodGuard(clock)
    flood.line_up()
    for minute in range(4):
        clock.now += HEALTH_S
        flood.over(reading(minute + 1, boot=7, up_ms=minute * 60_000))
        flood.health(health(boot=7, up_ms=minute * 60_000 + 1000, queued=1))
    clock.now += later
    assert send_lies(flood, clock, lie, 61) is not None


@settings(max_examples=15)
@given(lie)
def test_a_kiosk_that_says_nothing_of_its_outbox_is_named_soon_after_the_gateways_start(lie):
    clock = Clock()
    flood = FloodGuard(clock)
    assert send_lies(flood, clock, lie | {"queued": None}, int(HEALTH_DUE_S) + 61) is not None


@settings(max_examples=15)
@given(lie, st.sampled_from([60_000, 3_600_000]))
def test_an_uptime_that_runs_faster_than_time_makes_no_backlog_believed(lie, step_ms):
    """The gateway was restarted, so it does not know whether the outbox was empty before."""
    clock = Clock()
    flood = FloodGuard(clock)
    flood.line_up()
    clock.now += LIVE_S
    flood.health(health(boot=7, up_ms=1000, queued=20_000))
    races = {"boot": 7, "boot_each": 0, "queued": 20_000, "step_ms": step_ms}
    assert send_lies(flood, clock, lie | races | {"health_ms": 1000}, 61) is not None


@settings(max_examples=40)
@given(lie, st.integers(0, 599), st.sampled_from([1, 30, 3600]))
def test_a_backlog_that_is_invented_right_after_the_gateways_start_is_named(lie, kept_s, away_s):
    """The gateway saved how much each kiosk can have measured before, and people still pass no
    faster. A night's real backlog is not named: see the test above."""
    clock = Clock()
    before = FloodGuard(clock)
    before.line_up()
    for minute in range(4):
        clock.now += HEALTH_S
        before.over(reading(minute + 1, boot=7, up_ms=minute * 60_000))
        before.health(health(boot=7, up_ms=minute * 60_000 + 1000, queued=1))
    levels = before.levels(clock.now)
    clock.now += kept_s + away_s
    after = FloodGuard(clock)
    after.line_up()
    after.recall(levels, clock.now)
    can_be = 2 * SLACK_READINGS + (kept_s + away_s) * READINGS_PER_S + SLACK_READINGS
    named_s = min(can_be / (lie["per_s"] - READINGS_PER_S), READINGS_BURST) + 2
    assert send_lies(after, clock, lie, int(named_s)) is not None


def test_a_backlog_is_no_flood_though_the_line_was_lost_soon_after_a_restart():
    """After the restart the kiosk sends readings but says nothing of its outbox yet. It is offline
    then and comes back with a backlog."""
    kiosk = Kiosk()
    kiosk.live(Times(60, person_s=1))
    kiosk.live(Times(30, person_s=1, restart=True))
    kiosk.live(Times(600, person_s=1, line=False))
    kiosk.live(Times(600, person_s=1))


def test_levels_from_the_future_are_ignored():
    clock = Clock()
    flood = FloodGuard(clock)
    flood.recall(FloodLevels(at=2.0, kiosks={"north-1": 0.0}), 1.0)
    assert flood.levels(1.0).kiosks == {}


def test_what_a_gateway_knew_is_on_disk_for_the_next_one(tmp_path):
    store = Store(tmp_path / "fevergate.db")
    assert meta.load(store.db, "flood", FloodLevels) is None
    levels = FloodLevels(at=5.0, kiosks={"north-1": 7.5})
    flood_guard.remember_levels(store, levels)
    assert meta.load(store.db, "flood", FloodLevels) == levels
    store.db.execute("update meta set value = '[]' where key = 'flood'")
    assert meta.load(store.db, "flood", FloodLevels) is None
    store.close()
