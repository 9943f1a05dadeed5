"""Two collectors share a subscription on the real broker; killing one loses and doubles nothing."""

import time

import pytest

from bench_suite.collect import people_a_day, wait_up
from bench_suite.collect_site import CollectSite

READINGS = 3000
WAIT_S = 240
SPEAKS = ("--readings", str(READINGS), "--unheard", "--wait-s", str(WAIT_S))


def stored(site):
    with site.read() as connection:
        try:
            row = connection.execute(
                "select count(*), count(distinct (campus, kiosk, boot, seq)) from readings"
            ).fetchone()
        except Exception:  # no table yet
            return 0, 0
    assert row
    return row


def until(true, describe):
    end = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end, describe()
        time.sleep(0.1)


def started(site, name):
    """Start a collector, and wait until it takes part in the shared subscription."""
    worker = site.counted(name)
    wait_up(worker)
    return worker


def test_one_of_two_is_killed_with_readings_in_flight_and_every_one_is_there_once():
    with CollectSite(4, queued=2 * READINGS) as site:
        worker_1, worker_2 = started(site, "1"), started(site, "2")
        try:
            with site.start_load(*SPEAKS, "--boot", "1") as load:
                until(lambda: stored(site)[0] > READINGS // 10, lambda: stored(site))
                worker_1.kill()
                load.line(WAIT_S)
            # The broker keeps the killed collector's messages under its name; the other works on.
            worker_1 = site.counted("1")
            until(lambda: stored(site)[0] >= READINGS, lambda: stored(site))
            assert stored(site) == (READINGS, READINGS)
            site.postgres.stop("immediate")
            with site.start_load(*SPEAKS, "--boot", "2") as load:
                load.line(WAIT_S)
            site.postgres.start()
            until(lambda: stored(site)[0] >= 2 * READINGS, lambda: stored(site))
            assert stored(site) == (2 * READINGS, 2 * READINGS)
        finally:
            worker_1.__exit__()
            worker_2.__exit__()


def test_a_rate_says_for_how_many_people_it_suffices():
    assert people_a_day(1000) == pytest.approx(3_272_727, abs=1)
    assert people_a_day(1000, readings_each=1, rush_share=1) == 3_600_000
