"""Throughput and CPU cost of collectors that store a shared subscription in PostgreSQL.

A backlog at the broker, as after an outage, is taken in turn by a bare subscriber that only
acknowledges, by one collector, and by two. The CPU seconds of each process show the limit: with
fewer cores than processes, two collectors share the cores that one had.
"""

import json
import os
import time
from contextlib import ExitStack
from statistics import median
from typing import Any

from bench_suite.collect_site import CollectSite
from harness.errors import HarnessError
from harness.figures import progress
from harness.sink import bare_subscriber
from harness.worker import Worker, cpu_s

WAIT_S = 300
START_S = 120


def measure(site: CollectSite, readings: int, rounds: int) -> dict[str, Any]:
    """Medians over the rounds: readings per second, CPU microseconds per reading."""
    runs: dict[str, list[dict[str, float]]] = {"bare": [], "one": [], "two": []}
    for number in range(1, rounds + 1):
        for order, (name, figures_of_runs) in enumerate(runs.items()):
            progress(f"{name}, round {number} of {rounds}")
            boot = number * len(runs) + order
            if name == "bare":
                figures_of_runs.append(_bare(site, readings, boot))
            else:
                figures_of_runs.append(_collect(site, readings, boot, 2 if name == "two" else 1))
    rate = {
        name: median(run["per_s"] for run in figures_of_runs)
        for name, figures_of_runs in runs.items()
    }

    def cost(name: str, part: str) -> float:
        return round(median(run[part] for run in runs[name]) / readings * 1e6, 1)

    return {
        "readings": readings,
        "cores": os.cpu_count() or 1,
        "bare_per_s": round(rate["bare"]),
        "one_per_s": round(rate["one"]),
        "two_per_s": round(rate["two"]),
        "two_to_one": round(rate["two"] / rate["one"], 2),
        "collector_cpu_us": cost("one", "collectors_s"),
        "broker_cpu_us": cost("one", "broker_s"),
        "postgres_cpu_us": cost("one", "postgres_s"),
        "two_collector_cpu_us": cost("two", "collectors_s"),
    }


def _bare(site: CollectSite, readings: int, boot: int) -> dict[str, float]:
    with bare_subscriber(site.collect_toml, "register", collector="1") as sink:
        sink.wait(START_S)
    site.fill_queue(readings, boot)
    with bare_subscriber(site.collect_toml, "drain", str(readings), collector="1") as sink:
        first_at, last_at = map(float, sink.line(WAIT_S).split())
    with bare_subscriber(site.collect_toml, "end", collector="1") as sink:
        sink.wait(START_S)
    return {"per_s": readings / (last_at - first_at)}


def _collect(site: CollectSite, readings: int, boot: int, count: int) -> dict[str, float]:
    """Let `count` collectors, with an empty database, take a backlog from the broker."""
    site.database_url()
    names = [str(number) for number in range(1, count + 1)]  # each is a user of the broker
    with ExitStack() as stack:
        for name in names:  # the broker must know all sessions before it distributes messages
            wait_up(stack.enter_context(site.counted(name)))
    site.fill_queue(readings, boot)
    postgres_s, broker_s = site.postgres_cpu_s(), cpu_s(site.broker.pid)
    with ExitStack() as stack:
        workers = [stack.enter_context(site.counted(name)) for name in names]
        until = time.monotonic() + WAIT_S
        while True:
            figures = [json.loads(worker.line(START_S)) for worker in workers]
            stored = sum(collector["stored"] for collector in figures)
            if stored >= readings:
                break
            if time.monotonic() > until:
                raise HarnessError(f"{stored} of {readings} were stored")
        broker_s = cpu_s(site.broker.pid) - broker_s
        postgres_s = site.postgres_cpu_s() - postgres_s
    with site.read() as connection:
        row = connection.execute("select count(*), count(distinct seq) from readings").fetchone()
    if row is None or row[0] != readings:
        raise HarnessError(f"{row and row[0]} readings are stored, {readings} were published")
    for name in names:
        with site.collector(name, "--leave") as leaving:
            leaving.wait(START_S)
    begun = [collector["first_at"] for collector in figures if collector["first_at"]]
    return {
        "per_s": readings / (max(collector["last_at"] for collector in figures) - min(begun)),
        "collectors_s": sum(collector["cpu_s"] for collector in figures),
        "broker_s": broker_s,
        "postgres_s": postgres_s,
    }


def wait_up(collector: Worker) -> None:
    """Wait until a counted collector has its place in the subscription. Raises `HarnessError`."""
    until = time.monotonic() + START_S
    while not json.loads(collector.line(max(0.1, until - time.monotonic())))["up"]:
        pass


def people_a_day(per_s: float, readings_each: float = 2.2, rush_share: float = 0.5) -> float:
    """Number of people for whom a rate suffices, if `rush_share` of a day's readings come within
    one hour, and each person is measured `readings_each` times a day: everybody passes a gate
    twice, and one passage in ten needs a second scan."""
    return per_s * 3600 / (readings_each * rush_share)
