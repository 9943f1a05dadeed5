"""Fixtures for tests of several rooms, and the groups and the order in which tests run."""

from functools import cache
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings

# No test may depend on the machine's speed: by default hypothesis fails what takes it 0.2 s.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

SIMULATED = (
    *("simulator", "harness.system", "scenarios.day"),
    *("kiosk_helpers", "simulator_helpers"),
)
"""Test files that import one of these may play kiosks that run at their own speed."""

ROOMS = {"browser", "simulator", "system", "tools"}
"""Folders whose tests play such kiosks; elsewhere a kiosk is played without a clock."""

ELSEWHERE = ("test_measure.py",)
"""Test files elsewhere that play kiosks through a command."""

DESK = ("test_flash", "test_commissioning", "test_from_a_clean_folder")
"""Beginnings of the names of test files whose boards lie on a desk. They are flashed and set up; a
visitor comes only at the end, and can wait."""

ROWS = 2
"""Number of rows of tests that play kiosks; the rows run side by side."""


@cache
def _plays(path, module):
    """Whether a file's tests play kiosks."""
    modules = {getattr(member, "__module__", "") or "" for member in vars(module).values()}
    plays = any(f"{name}.".startswith(tuple(f"{room}." for room in SIMULATED)) for name in modules)
    return (plays and not ROOMS.isdisjoint(path.parts)) or path.name in ELSEWHERE


def pytest_itemcollected(item):
    """Keep a file's tests together. Those that play kiosks run in two rows, file after file, since
    many kiosks at once would all wait for a processor. Boards on a desk have a row of their own,
    because nobody passes them.

    The groups are set here, not when all tests are collected: by then xdist may have read them.
    """
    plays = _plays(item.path, item.module) if getattr(item, "module", None) else False
    if not item.get_closest_marker("xdist_group"):
        desk = plays and item.path.name.startswith(DESK)
        row = f"kiosks {crc32(item.path.name.encode()) % ROWS}"
        group = "desk" if desk else row if plays else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))


ORDER = (
    *("debian", "kiosks 1", "test_types"),
    *("browser", "firmware", "kiosks 0"),
    *("hardware", "tools", "system", "desk"),
)
"""Groups and folders whose tests start in this order; the others follow. The longest come first.
Groups that mostly wait (Debian for its disk, kiosks for their people) run beside tests that use a
processor. Files that take seconds come last."""


def pytest_collection_modifyitems(items):
    """Start the longest groups first, so that none of them still runs alone in the end."""
    folders = Path(__file__).parent

    def rank(item):
        group = item.get_closest_marker("xdist_group").args[0]
        folder = item.path.relative_to(folders).parts[0]
        name = group if group in ORDER else folder
        return ORDER.index(name) if name in ORDER else len(ORDER)

    items.sort(key=rank)


def pytest_collection_finish(session):
    """Fail if xdist does not see the groups: it would scatter a file's tests without a word.

    Raises `pytest.UsageError`."""
    if session.config.getoption("loadgroup", False):
        scattered = [item.nodeid for item in session.items if "@" not in item.nodeid]
        if scattered:
            raise pytest.UsageError(f"xdist took no notice of the group of {scattered[0]}")


def pytest_terminal_summary(terminalreporter):
    """Print a kiosk's memory in each run that measured it."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, text in report.user_properties:
                if name == "memory":
                    terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL of the tests' own; `database()` makes an empty database.

    It does not wait for the disk, since nothing kills it: tests that kill a server start their own.
    """
    from harness.postgres import LocalPostgres

    with LocalPostgres(durable=False) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_text(request, tmp_path):
    """The value of `database` in campus.toml: once a file, once PostgreSQL."""
    if request.param == "sqlite":
        return str(tmp_path / "campus.db")
    return request.getfixturevalue("postgres").database()


@pytest.fixture
def campus_url(database_text, tmp_path):
    """`database_text` as a URL."""
    from fevergate.campus.database import database_url

    return database_url(database_text, tmp_path)


@pytest.fixture
def campus_database(campus_url):
    """An empty database of the campus server: once in a file, once in PostgreSQL."""
    from fevergate.campus.database import CampusDatabase

    database = CampusDatabase(campus_url)
    yield database
    database.close()
