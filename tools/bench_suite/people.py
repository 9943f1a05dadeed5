"""Measures the list of people of a whole college: import, pages, query for the unmeasured,
memory."""

import statistics
import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from bench_suite.listed import people_store
from bench_suite.pages import start_web
from fevergate.people.changes import PeopleChanges
from fevergate.people.list_columns import ListRules
from fevergate.people.list_file import read_list
from fevergate.people.roll import Rolls
from fevergate.people.store import DATABASE, PeopleStore
from harness.client import fetched
from harness.figures import median_ms, percentile, progress
from harness.made_up_list import as_csv, as_xlsx, made_up
from harness.site import LoadSite

DAYS = 30
"""Days before today on which everybody is marked as measured."""

SAMPLES = 20
STAYED_AWAY = 200
"""People whom nobody measured today."""

SETTLE_S = 5


def measure(site: LoadSite, people: int, rounds: int) -> dict[str, Any]:
    """Import a made-up list twice in each file format, and mark everybody on the days before and
    most people today. Then read who was not measured today, and fetch the pages over TLS.

    Returns medians in seconds (`_s`) and milliseconds (`_ms`), and each page's p95 (ms).
    `gateway_more_mb`: memory that the list adds to the gateway's process; the pages run in another
    process.
    """
    rows = made_up(people)
    forms = {
        "csv": as_csv(rows),
        "gb18030": as_csv(rows, "gb18030"),
        "xlsx": as_xlsx(rows),
    }
    with site.start_gateway() as gateway:
        time.sleep(SETTLE_S)
        before_kb = gateway.status_kb("VmRSS")
        figures = _imports(site, forms, rounds)
        progress(f"marks of {DAYS} days")
        with people_store(site.settings) as store:
            _mark(site, store)
            rolls = Rolls(store.statements, site.settings.zone, site.settings.campus)
            today = rolls.today()
            for name, read in (
                ("unmeasured_ms", lambda: rolls.people(today, "unmeasured", None, people)),
                ("by_unit_ms", lambda: rolls.units(today)),
            ):
                figures[name] = round(median_ms(read, SAMPLES), 1)
        pages = _pages(site, rows[-1][4])
        after_kb = gateway.status_kb("VmRSS")
    return {
        "people": people,
        **figures,
        "worst_page_p95_ms": max(pages.values()),
        "gateway_more_mb": round((after_kb - before_kb) / 1024, 1),
        "pages": pages,
    }


def _imports(site: LoadSite, forms: dict[str, bytes], rounds: int) -> dict[str, Any]:
    """Seconds of a first import in each file format, and of a second import of the same list."""
    rules = ListRules.of(site.settings, {site.settings.campus: ("", "")})
    times: dict[str, list[float]] = {}
    for number in range(1, rounds + 1):
        progress(f"importing, round {number} of {rounds}")
        for form, content in forms.items():
            for path in site.settings.folder.glob(f"{DATABASE}*"):
                path.unlink()
            with people_store(site.settings) as store:
                for name in (f"import_{form}_s", f"again_{form}_s"):
                    began = time.perf_counter()
                    PeopleChanges(store).replace(read_list(content, form, rules).entries)
                    times.setdefault(name, []).append(time.perf_counter() - began)
    return {name: round(statistics.median(seconds), 2) for name, seconds in times.items()}


def _mark(site: LoadSite, store: PeopleStore) -> None:
    """Mark everybody as measured on each of the days before today, and today all but
    `STAYED_AWAY`."""
    today = Rolls(store.statements, site.settings.zone).today()
    days = [(today - timedelta(days=number)).isoformat() for number in range(1, DAYS + 1)]
    with store.statements.transaction() as connection:
        connection.executemany(
            "insert into marks(day, person, kind, clinical_c, at, by, sealed, revision, unit,"
            " expected) select ?, person, 'hand', 36.5, 0, 'Zhang', '', 1, unit, 1 from people",
            [(day,) for day in days],
        )
        connection.execute(
            "insert into marks(day, person, kind, clinical_c, at, by, sealed, revision)"
            " select ?, person, 'hand', 36.5, 0, 'Zhang', '', 1 from people where person > ?",
            (today.isoformat(), STAYED_AWAY),
        )


def _pages(site: LoadSite, unit: str) -> dict[str, float]:
    """The p95 (ms) of each page that shows people."""
    paths = [
        "/roll",
        f"/roll?unit={quote(unit)}",
        "/admin/list",
        f"/admin/list/unit?name={quote(unit)}",
        "/admin/list/people/1",
        "/admin/list/policy",
    ]
    times: dict[str, list[float]] = {path: [] for path in paths}
    with start_web(site), site.signed_in() as client:
        for _ in range(SAMPLES):
            for path in paths:
                times[path].append(fetched(client, path)[0])
    return {path: percentile(values, 95) for path, values in times.items()}
