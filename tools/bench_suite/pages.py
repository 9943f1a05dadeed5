"""How long each page takes after years, and how much it sends; and boards that stay open."""

from __future__ import annotations

import os
import re
import secrets
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles
from typing import Any

import httpx

from bench_suite.filled import Filled, Progress
from harness.errors import HarnessError
from harness.stage import END_S, GATE, Stage, Worker

SAMPLES = 20
NICE = 10
"""As the systemd unit runs it: the alarm goes first."""

NAME = "bench"
ANSWER_S = 120.0
"""How long a busy machine may take to answer."""


def measure(stage: Stage, rows: int, rounds: int, progress: Progress) -> dict[str, Any]:
    """Each page `SAMPLES` times a round, by turns, over TLS from the running process.

    Returns p50 and p95 in ms and the size in kB of each, and the worst of all.
    """
    filled = Filled(stage.settings, rows, progress)
    took: dict[str, list[float]] = {}
    kb: dict[str, float] = {}
    with web(stage), signed_in(stage) as client:
        paths = _paths(client, filled)
        for number in range(1, rounds + 1):
            progress(f"asking, round {number} of {rounds}")
            for _ in range(SAMPLES):
                for path in paths:
                    began = time.perf_counter()
                    answer = client.get(path)
                    took.setdefault(path, []).append((time.perf_counter() - began) * 1000)
                    if answer.status_code != 200:
                        raise HarnessError(f"{path}: {answer.status_code}")
                    kb[path] = round(len(answer.content) / 1000, 1)
    pages = {
        path: {
            "p50_ms": round(quantiles(of, n=100, method="inclusive")[49], 1),
            "p95_ms": round(quantiles(of, n=100, method="inclusive")[94], 1),
            "kb": kb[path],
        }
        for path, of in took.items()
    }
    return {
        "rows": rows,
        "worst_p95_ms": max(one["p95_ms"] for one in pages.values()),
        "largest_kb": max(kb.values()),
        "pages": pages,
    }


@contextmanager
def web(stage: Stage) -> Iterator[Worker]:
    """The shipped pages of the stage's gateway, with an administrator."""
    with Worker(
        "fevergate.cli",
        *("web", "--settings", str(stage.path)),
        environment={"PYTHONUNBUFFERED": "1"},
    ) as worker:
        os.setpriority(os.PRIO_PROCESS, worker.pid, NICE)
        worker.line(END_S)
        first = not stage.password
        if first:
            stage.password = secrets.token_urlsafe(12)
            form = {"code": worker.line(END_S).split()[-1], **administrator(stage)}
            with open_client(stage) as client:
                until_up(client)
                post_form(client, "/first", form)
        yield worker


@contextmanager
def signed_in(stage: Stage) -> Iterator[httpx.Client]:
    """A client with a session of the administrator's."""
    with open_client(stage) as client:
        until_up(client)
        post_form(client, "/sign-in", administrator(stage))
        yield client


@contextmanager
def boards(stage: Stage, count: int) -> Iterator[Worker]:
    """So many boards, each with a line of its own that it listens to."""
    with signed_in(stage) as client:
        ((name, value),) = client.cookies.items()
    with Worker("bench_suite.boards", str(stage.path), str(count)) as worker:
        worker.tell(f"{name}={value}")  # a secret is no argument
        if worker.line(END_S) != "ready":
            raise HarnessError("the boards did not open")
        yield worker


def _paths(client: httpx.Client, filled: Filled) -> list[str]:
    day = filled.day.isoformat()
    begin = filled.day.replace(day=1).isoformat()
    kiosk = filled.kiosks[0][1]
    log = f"/admin/log?date={day}"
    found = re.search(r'href="(/fevers/[^"]+)"', client.get(log).text)
    if not found:
        raise HarnessError(f"{log}: no fever")
    return [
        f"/board/{GATE}",
        found[1],
        log,
        *(f"/admin/log.{kind}?date={day}" for kind in ("csv", "xlsx", "pdf", "json")),
        "/admin/overview",
        f"/admin/overview?from={begin}&to={day}",
        f"/admin/overview/term.csv?from={begin}&to={day}",
        "/admin/kiosks",
        f"/admin/kiosks/{kiosk}",
        "/admin/people",
        "/admin/tokens",
        "/admin/audit",
        "/account",
        *(f"/api/v1/{name}" for name in ("gates", f"log?date={day}", "overview", "kiosks")),
    ]


def open_client(stage: Stage) -> httpx.Client:
    """Somebody's browser at the pages, who has not signed in."""
    settings = stage.settings
    context = ssl.create_default_context(cafile=str(settings.path(settings.broker.ca)))
    url = f"https://127.0.0.1:{settings.web.port}"
    return httpx.Client(base_url=url, verify=context, timeout=ANSWER_S)


def until_up(client: httpx.Client, patience_s: float = END_S) -> None:
    """Wait until the pages answer. Raises `HarnessError` where they do not."""
    until = time.monotonic() + patience_s
    while True:
        try:
            client.get("/healthz").raise_for_status()
            return
        except httpx.HTTPError as error:
            if time.monotonic() > until:
                raise HarnessError(f"the pages did not come up: {error}") from error
            time.sleep(0.1)


def administrator(stage: Stage) -> dict[str, str]:
    """What the pages' administrator signs in with."""
    return {"name": NAME, "password": stage.password}


def post_form(client: httpx.Client, path: str, form: dict[str, str]) -> None:
    """Send a form that lets somebody in. Raises `HarnessError` where it does not."""
    origin = str(client.base_url).rstrip("/")
    answer = client.post(path, data=form, headers={"Origin": origin})
    if answer.status_code != 303:
        raise HarnessError(f"{path}: {answer.status_code}, expected to be let in")
