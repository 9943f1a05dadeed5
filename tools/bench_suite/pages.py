"""Measures response time, size and memory of each page with a large database; opens many guard's
boards."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import httpx

from bench_suite.filled import Filled
from bench_suite.listed import Listed
from harness.client import fetched
from harness.errors import HarnessError
from harness.figures import percentile, progress
from harness.site import GATE, LoadSite
from harness.worker import END_S, Worker

SAMPLES = 20
NICE = 10
"""Niceness of the pages, as in their systemd unit: the gateway, which lights the alarm, runs
first."""


def measure(
    site: LoadSite, rows: int, rounds: int, fevers: int = 0, people: int = 0
) -> dict[str, Any]:
    """Fetch each page in turn over TLS, `SAMPLES` times a round. `fevers`: number of fevers on the
    last day; if not 0, each page is fetched only twice a round. `people`: number of people on the
    list; if not 0, the pages that show who was measured are fetched too.

    Returns for each page p50 and p95 (ms), size (kB) and the process's peak resident memory (MB),
    and the worst of each over all pages.
    """
    filled = Filled(site.settings, rows, fevers)
    listed = Listed(site.settings, people) if people else None
    times: dict[str, list[float]] = {}
    kb: dict[str, float] = {}
    mb: dict[str, float] = {}
    with start_web(site) as worker, site.signed_in() as client:
        paths = _paths(client, filled) + (_of_the_list(listed) if listed else [])
        for number in range(1, rounds + 1):
            progress(f"asking, round {number} of {rounds}")
            for _ in range(2 if fevers else SAMPLES):
                for path in paths:
                    worker.forget_peak()
                    took_ms, answer = fetched(client, path)
                    times.setdefault(path, []).append(took_ms)
                    mb[path] = max(mb.get(path, 0), round(worker.status_kb("VmHWM") / 1024, 1))
                    kb[path] = round(len(answer.content) / 1000, 1)
    pages = {
        path: {
            "p50_ms": percentile(values, 50),
            "p95_ms": percentile(values, 95),
            "kb": kb[path],
            "mb": mb[path],
        }
        for path, values in times.items()
    }
    return {
        "rows": rows,
        "fevers": fevers,
        "people": people,
        "worst_p95_ms": max(page["p95_ms"] for page in pages.values()),
        "largest_kb": max(kb.values()),
        "most_mb": max(mb.values()),
        "pages": pages,
    }


def start_web(site: LoadSite) -> Worker:
    """Start `fevergate web` with the niceness of its systemd unit."""
    worker = site.start_web()
    os.setpriority(os.PRIO_PROCESS, worker.pid, NICE)
    return worker


@contextmanager
def boards(site: LoadSite, count: int) -> Iterator[Worker]:
    """Keep `count` guard's boards open, each with its own event stream."""
    with site.signed_in() as client:
        ((name, value),) = client.cookies.items()
    with site.start("bench_suite.boards", str(site.settings_path), str(count)) as worker:
        worker.tell(f"{name}={value}")  # a secret must not be an argument
        if worker.line(END_S) != "ready":
            raise HarnessError("the boards did not open")
        yield worker


def _of_the_list(listed: Listed) -> list[str]:
    unit = urlencode({"unit": listed.unit})
    return [
        *("/roll", f"/roll?{unit}", "/admin/log"),
        *(f"/roll.{kind}" for kind in ("csv", "xlsx", "pdf", "json")),
        *("/api/v1/roll", f"/api/v1/roll/people?{unit}"),
    ]


def _paths(client: httpx.Client, filled: Filled) -> list[str]:
    day = filled.day.isoformat()
    begin = filled.day.replace(day=1).isoformat()
    kiosk = filled.kiosks[0][1]
    log = f"/admin/log?date={day}"
    link = re.search(r'href="(/fevers/[^"]+)"', client.get(log).text)
    if not link:
        raise HarnessError(f"{log}: no fever")
    return [
        f"/board/{GATE}",
        link[1],
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
