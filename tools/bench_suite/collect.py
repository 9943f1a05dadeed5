"""Throughput and CPU cost of collectors that store a shared subscription in PostgreSQL.

A backlog at the broker, as after an outage, is taken by one bare subscriber of the same share that
only acknowledges, by one collector, and by two. The CPU seconds of each process show the limit:
with fewer cores than processes, two collectors share what one had.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from typing import Any

from bench_suite.collect_site import CollectSite
from harness.errors import HarnessError
from harness.worker import Worker

WAIT_S = 300
START_S = 60

Progress = Callable[[str], None]


def measure(site: CollectSite, readings: int, rounds: int, progress: Progress) -> dict[str, Any]:
    """Medians over the rounds: readings per second, CPU microseconds per reading."""
    took: dict[str, list[dict[str, float]]] = {"bare": [], "one": [], "two": []}
    for number in range(1, rounds + 1):
        for order, name in enumerate(took):
            progress(f"{name}, round {number} of {rounds}")
            boot = number * len(took) + order
            run = _bare if name == "bare" else _collect
            took[name].append(run(site, readings, boot, 2 if name == "two" else 1))
    rate = {name: median(one["per_s"] for one in some) for name, some in took.items()}

    def cost(name: str, part: str) -> float:
        return round(median(one[part] for one in took[name]) / readings * 1e6, 1)

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


def _bare(site: CollectSite, readings: int, boot: int, _count: int) -> dict[str, float]:
    arguments = (str(site.collect_toml), "1")
    _ended("bench_suite.share_sink", *arguments, "register")
    _fill(site, readings, boot)
    with Worker("bench_suite.share_sink", *arguments, "drain", str(readings)) as sink:
        first_at, last_at, _ = map(float, sink.line(WAIT_S).split())
    _ended("bench_suite.share_sink", *arguments, "end")
    return {"per_s": readings / (last_at - first_at)}


def _collect(site: CollectSite, readings: int, boot: int, count: int) -> dict[str, float]:
    """Run `count` collectors from an empty database on the broker's backlog alone."""
    site.database_url()
    names = [str(number) for number in range(1, count + 1)]  # each is a user of the broker
    with ExitStack() as stack:
        for name in names:  # the broker must know all sessions before it distributes messages
            one = stack.enter_context(site.counted(name))
            said_up(one)
    _fill(site, readings, boot)
    postgres_s, broker_s = site.postgres_cpu_s(), site.broker_cpu_s()
    with ExitStack() as stack:
        workers = [stack.enter_context(site.counted(name)) for name in names]
        said = [_said(worker, lambda it: True, START_S) for worker in workers]
        until = time.monotonic() + WAIT_S
        while sum(it["stored"] for it in said) < readings:
            if time.monotonic() > until:
                raise HarnessError(f"{sum(it['stored'] for it in said)} of {readings} were stored")
            said = [_said(worker, lambda it: True, START_S) for worker in workers]
        broker_s, postgres_s = site.broker_cpu_s() - broker_s, site.postgres_cpu_s() - postgres_s
    with site.read() as connection:
        row = connection.execute("select count(*), count(distinct seq) from readings").fetchone()
    if row is None or row[0] != readings:
        raise HarnessError(f"{row and row[0]} readings are stored, {readings} were published")
    for name in names:
        _ended(
            "fevergate.cli",
            "collect",
            "--settings",
            str(site.collect_toml),
            "--name",
            name,
            "--leave",
        )
    begun = [it["first_at"] for it in said if it["first_at"]]
    return {
        "per_s": readings / (max(it["last_at"] for it in said) - min(begun)),
        "collectors_s": sum(it["cpu_s"] for it in said),
        "broker_s": broker_s,
        "postgres_s": postgres_s,
    }


def said_up(worker: Worker) -> None:
    """Wait until a counted collector is connected to the broker. Raises `HarnessError`."""
    _said(worker, lambda it: bool(it["up"]), START_S)


def _said(
    worker: Worker, enough: Callable[[dict[str, Any]], bool], wait_s: float
) -> dict[str, Any]:
    until = time.monotonic() + wait_s
    while True:
        said = json.loads(worker.line(max(0.1, until - time.monotonic())))
        if enough(said):
            return said


def _fill(site: CollectSite, readings: int, boot: int) -> None:
    with site.start_load("--readings", str(readings), "--boot", str(boot), "--unheard") as load:
        load.line(WAIT_S)


def _ended(module: str, *arguments: str) -> None:
    with Worker(module, *arguments) as worker:
        worker.wait(START_S)


def people_a_day(per_s: float, readings_each: float = 2.2, rush_share: float = 0.5) -> float:
    """Number of people that a rate suffices for, if `rush_share` of a day's readings come within
    one hour and a person makes `readings_each` a day (twice through a gate, one in ten again)."""
    return per_s * 3600 / (readings_each * rush_share)
