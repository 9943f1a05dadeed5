"""After simulated days the campus server has their true figures, whatever the clock did."""

from datetime import date

import msgspec
import pytest
from campus_site import local
from played_calendar import DAY_S, World, clock_date

from fevergate.forwarding.http_sender import Item
from fevergate.protocol.campus_messages import GatewayDay, HourSummary, KioskCount
from fevergate.protocol.messages import Health
from fevergate.reports.fever_log import read_day
from fevergate.storage import epochs
from fevergate.storage.connection import open_reader


@pytest.fixture
def world_from(tmp_path):
    worlds = []

    def make(begin):
        worlds.append(World(tmp_path, begin))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


def log_of(world, day):
    reader = open_reader(world.path)
    try:
        return read_day(reader, world.settings, date.fromisoformat(day))
    finally:
        reader.close()


def test_days_as_they_should_be(world_from):
    world = world_from("2026-09-01 06:00")
    world.start()
    world.day(fever_at="08:00")
    world.night()
    world.day()
    world.night()
    for day in ("2026-09-01", "2026-09-02"):
        assert world.figures(day) == world.true(day)


@pytest.mark.parametrize("sntp", [True, False], ids=["kiosks ask SNTP", "no other time"])
def test_after_a_summers_pause_and_nights_without_power_every_day_is_stated(world_from, sntp):
    world = world_from("2026-07-01 06:00")
    world.start()
    world.day()
    world.night()
    world.stop()
    world.sntp = sntp
    world.skip("2026-08-31 07:00")
    world.start()
    for _ in range(5):
        world.day(fever_at="09:00")
        world.night()
    for day in ("2026-08-31", "2026-09-02", "2026-09-04"):
        if sntp or day > "2026-09-02":
            assert world.figures(day) == world.true(day)
        # A kiosk without a date proves no coverage, but everybody who came is counted.
        assert world.figures(day)[1:] == world.true(day)[1:]
    assert world.figures("2026-08-15") == ("uncovered", 0, 0)


@pytest.mark.parametrize("synchronised", [True, False], ids=["network time", "by itself"])
def test_a_clock_two_days_ahead_for_three_hours_states_nothing_that_stays_wrong(
    world_from, synchronised
):
    world = world_from("2026-09-01 06:00")
    world.start()
    world.day(end="10:00", fever_at="08:00")
    world.off_s, world.synchronised = 2 * DAY_S, synchronised
    world.day(begin="10:00", end="13:00")
    world.off_s, world.synchronised = 0.0, synchronised
    world.day(begin="13:00")
    world.skip("2026-09-02 07:00")
    world.day()
    world.skip("2026-09-05 07:00")
    for number in range(1, 4):
        day = f"2026-09-0{number}"
        state, people, fevers = world.true(day)
        expected = (state if people else "uncovered", people, fevers)
        figures = world.figures(day)
        assert figures[1:] == expected[1:], day
        assert figures[0] in ("reported", expected[0])
        log = log_of(world, day)
        assert sum(kiosk.normal + kiosk.fever for kiosk in log.kiosks) == people


def test_a_gateway_that_starts_two_days_ahead_and_is_right_at_the_next_start(world_from):
    world = world_from("2026-09-01 06:00")
    world.start()
    world.day()
    world.night()
    world.stop()
    world.off_s = 2 * DAY_S
    world.start()
    world.day(end="10:00")
    world.stop()
    world.off_s, world.synchronised = 0.0, True
    world.start()
    world.day(begin="10:00")
    world.skip("2026-09-06 07:00")
    for number in range(1, 5):
        day = f"2026-09-0{number}"
        assert world.figures(day)[1:] == world.true(day)[1:], day


def test_a_fever_dated_two_days_ahead_lies_on_the_day_of_its_light(world_from):
    world = world_from("2026-09-01 06:00")
    world.start()
    world.day(end="09:00")
    world.kiosk_off_s = 2 * DAY_S  # the kiosk's time server was wrong once
    world.person(fever=True)
    today = clock_date(world.now)
    log = log_of(world, today)
    assert not log.zero and [fever.at for fever in log.fevers] == [pytest.approx(world.now, abs=2)]
    assert log.fevers[0].claimed_at == pytest.approx(world.now + 2 * DAY_S, abs=2)
    world.skip("2026-09-02 01:00")
    assert world.figures(today) == world.true(today)


def test_a_day_on_which_a_light_was_raised_is_no_zero_whatever_its_fever_is_dated(world_from):
    world = world_from("2026-09-02 06:00")
    world.start()
    world.day(end="09:00")
    world.kiosk_off_s = -DAY_S  # the kiosk dates its fever on the day before
    world.person(fever=True)
    log = log_of(world, "2026-09-02")
    assert (log.fevers, log.lit, log.zero) == ([], 1, False)


def test_coverage_of_a_day_that_nobody_watched_is_shown_as_late_and_2099_is_not_taken(world_from):
    world = world_from("2026-09-10 06:00")
    world.start()
    world.kiosk_off_s = -5 * DAY_S
    world.say("health", health_of(world))
    world.kiosk_off_s = 73 * 365 * DAY_S
    world.say("health", health_of(world))
    world.person()
    log = log_of(world, "2026-09-05")
    assert (log.kiosks[0].watched_minutes, log.kiosks[0].late_minutes) == (11, 11)
    assert world.ingest.counts["misdated"] == 2
    reader = open_reader(world.path)
    try:
        (last,) = reader.execute("select max(date) from days").fetchone()
    finally:
        reader.close()
    assert last == "2026-09-10"


def health_of(world):
    return Health(
        kiosk="north-1",
        boot=world.boot,
        at=world.kiosk_at,
        up_ms=60_000,
        state="ok",
        watched_s=600.0,
    )


def test_todays_log_is_of_the_day_that_the_gateway_believes(world_from, monkeypatch):
    world = world_from("2026-09-01 06:00")
    world.start()
    world.day(end="10:00")
    world.off_s = 2 * DAY_S
    world.step()
    monkeypatch.setattr("fevergate.storage.clock_memory.time.time", lambda: world.now + world.off_s)
    reader = open_reader(world.path)
    try:
        assert read_day(reader, world.settings).date == "2026-09-01"
    finally:
        reader.close()


def test_a_morning_with_a_clock_of_1970_moves_nobody_of_the_day_before(world_from):
    world = world_from("2026-09-01 06:00")
    world.start()
    world.day(fever_at="08:00")
    assert world.store
    # The gateway saves the time at intervals: here as if the last save was two hours ago.
    world.store.db.execute(
        "update meta set value = value - 7200 where key in ('believed_at', 'housekept_at')"
    )
    world.off_s = 1000.0 - local("2026-09-02 07:00")
    world.night()
    world.day(end="08:00")
    world.off_s, world.synchronised = 0.0, True
    world.day(begin="08:00")
    world.night()
    for day in ("2026-09-01", "2026-09-02"):
        assert world.figures(day) == world.true(day)


@pytest.mark.parametrize("off_s", [-1200, -400 * DAY_S, 400 * DAY_S])
def test_people_count_on_their_own_day_though_a_wrong_clock_refused_their_dates(world_from, off_s):
    """After midnight the gateway's clock is wrong, and nothing shows it. Readings come from a kiosk
    with the time of a time server. The gateway is restarted before its clock is set right."""
    world = world_from("2026-09-01 06:00")
    world.sntp = True
    world.start()
    world.day(end="23:30")
    world.stop()
    world.now = local("2026-09-02 00:10")
    world.off_s = off_s
    world.start()
    world.person(fever=True)
    world.person()
    world.stop()
    world.off_s, world.synchronised = 0.0, True
    world.start()
    world.step()
    world.skip("2026-09-03 07:00")
    for day in ("2026-09-01", "2026-09-02"):
        assert world.figures(day) == world.true(day), day


def test_a_card_that_is_replaced_at_noon_costs_no_figure(world_from):
    world = world_from("2026-09-01 06:00")
    world.start()
    world.day(end="12:00", people=15, fever_at="08:00")
    world.new_card()
    world.day(begin="12:00", people=15, fever_at="14:00")
    world.skip("2026-09-02 01:00")
    assert world.people["2026-09-01"] == 300
    assert world.figures("2026-09-01") == ("reported", 300, 2)
    assert world.campus.campus("east", "2026-09-01").contradictions == []


def test_a_backup_that_is_restored_counts_nobody_twice_and_loses_nobody(world_from):
    world = world_from("2026-09-01 06:00")
    world.start()
    world.day(end="10:00", people=3)
    world.stop()
    backup = world.path.read_bytes()
    world.start()
    world.day(begin="10:00", end="12:00", people=3)
    world.stop()
    world.cards += 1  # the card broke
    world.path.write_bytes(backup)
    world.start()
    world.day(begin="12:00", people=3)
    world.skip("2026-09-02 01:00")
    assert world.figures("2026-09-01") == world.true("2026-09-01")


@pytest.mark.parametrize("until", ["10:30", "12:00"], ids=["one delivery later", "hours later"])
def test_a_store_that_is_put_back_by_a_copy_counts_nobody_twice_and_loses_nobody(world_from, until):
    """The gateway is not told: the copy has an old epoch and reuses revisions of other counts."""
    world = world_from("2026-09-01 06:00")
    world.start()
    world.day(end="10:00", people=3, fever_at="09:00")
    world.stop()
    copy = world.path.read_bytes()
    world.start()
    epoch = epochs.epoch_of(world.store.db)
    world.day(begin="10:00", end=until, people=3)
    world.stop()
    world.path.write_bytes(copy)
    world.start()
    world.day(begin=until, people=3, fever_at="15:00")
    world.skip("2026-09-02 01:00")
    assert epochs.epoch_of(world.store.db) != epoch
    assert world.figures("2026-09-01") == world.true("2026-09-01")
    assert world.campus.campus("east", "2026-09-01").contradictions == []


def test_a_store_that_is_put_back_while_the_campus_is_away_tells_what_came_since(world_from):
    """The gateway counts for hours before it can learn that its store was put back."""
    world = world_from("2026-09-01 06:00")
    world.start()
    world.day(end="10:00", people=3)
    world.stop()
    copy = world.path.read_bytes()
    world.start()
    world.day(begin="10:00", end="12:00", people=3)
    world.stop()
    world.path.write_bytes(copy)
    forward, world.forward = world.forward, lambda: None
    world.start()
    world.day(begin="12:00", people=3)
    world.forward = forward
    world.skip("2026-09-02 01:00")
    assert world.figures("2026-09-01") == world.true("2026-09-01")


def test_a_gateway_that_is_started_again_and_again_counts_everybody_once(world_from):
    world = world_from("2026-09-01 06:00")
    world.start()
    for end in ("09:00", "12:00", "15:00"):
        world.day(begin="07:00", end=end, people=2)
        world.stop()
        world.start()
    world.skip("2026-09-02 01:00")
    assert world.figures("2026-09-01") == world.true("2026-09-01")


def test_what_a_stolen_token_said_goes_with_it(world_from):
    world = world_from("2026-09-01 06:00")
    world.start()
    world.day()
    world.skip("2026-09-02 01:00")
    day = GatewayDay(date="2026-09-01", revision=2**31 - 1, kiosks=[count(normal=1)])
    hour = HourSummary(
        kiosk="north-1", gate="north", hour=world.now // 3600 * 3600 - 15 * 3600, revision=2**31 - 1
    )
    for forged in (day, hour):
        assert world._post([Item(forged.key, 1, msgspec.json.encode(forged).decode())]).is_success
    assert world.figures("2026-09-01") != world.true("2026-09-01")
    (contradiction,) = world.campus.campus("east", "2026-09-01").contradictions
    assert contradiction.stated == 1 and contradiction.held > 1
    world.give_token("another token")
    world.day()
    assert world.figures("2026-09-01") == world.true("2026-09-01")
    assert world.campus.campus("east", "2026-09-01").contradictions == []


def test_a_revision_beyond_what_any_gateway_reaches_is_refused(world_from):
    world = world_from("2026-09-01 06:00")
    world.start()
    day = {"type": "day", "kiosk": "north-1", "gate": "north", "date": "2026-09-01"}
    payload = msgspec.json.encode(day | {"revision": 2**53}).decode()
    assert world._post([Item("x", 1, payload)]).status_code == 422


def count(**fields):
    return KioskCount(kiosk="north-1", gate="north", **fields)


@pytest.mark.parametrize("delivered", [True, False], ids=["told later", "never told"])
def test_what_waited_for_the_campus_when_a_backup_was_taken_is_counted_once(world_from, delivered):
    """A backup is taken while a day and its hours wait. The card tells them later, or breaks
    before; the backup is restored twice."""
    world = world_from("2026-09-01 06:00")
    world.start()
    world.day(people=3, fever_at="09:00")
    world.reachable = False
    world.skip("2026-09-02 01:00")
    world.day(end="09:00", people=2)
    backup = world.back_up()
    if delivered:
        world.reachable = True
        world.day(begin="09:00", end="10:00", people=2)
    world.restore(backup)
    world.reachable = True
    world.day(begin="10:00", end="12:00", people=2)
    world.restore(backup)
    world.day(begin="12:00", people=2)
    world.skip("2026-09-03 01:00")
    for day in ("2026-09-01", "2026-09-02"):
        assert world.figures(day) == world.true(day)
        assert world.campus.campus("east", day).contradictions == []
