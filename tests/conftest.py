"""What tests of several rooms begin with, and who runs beside whom."""

from functools import cache
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings

# No test may stand on how fast the machine is: hypothesis would fail what takes it 0.2 s.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

SIMULATED = (
    *("simulator", "harness.system", "scenarios.day"),
    *("kiosk_helpers", "simulator_helpers"),
)
"""Who imports one of these plays kiosks at a speed of their own."""

ROOMS = {"browser", "simulator", "system", "tools"}
"""Folders whose tests do so; elsewhere a kiosk is played without a clock."""

ELSEWHERE = ("test_measure.py",)
"""Who has kiosks played by a command."""

DESK = ("test_flash", "test_commissioning", "test_from_a_clean_folder")
"""Whose boards lie on a desk: flashed and set up, with a visitor at the end who waits."""

ROWS = 2
"""Rows of tests that play kiosks."""


@cache
def _plays(path, module):
    """Whether a file's tests play kiosks."""
    modules = {getattr(one, "__module__", "") or "" for one in vars(module).values()}
    plays = any(f"{name}.".startswith(tuple(f"{room}." for room in SIMULATED)) for name in modules)
    return (plays and not ROOMS.isdisjoint(path.parts)) or path.name in ELSEWHERE


def pytest_itemcollected(item):
    """A file's tests stay together; those that play kiosks run in two rows, file after file, since
    many kiosks at once would all wait for a processor. Boards on a desk have a row of their own:
    nobody passes them.

    Here and not once all are collected: xdist's own look at the marks may come before ours.
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
"""Groups and folders whose tests begin in this order, the others after them. What takes longest is
first; groups that mostly wait (Debian for its disk, kiosks for their people) run beside tests that
use a processor; files that take seconds fill the end."""


def pytest_collection_modifyitems(items):
    """The longest first, so that nobody waits for it in the end."""
    folders = Path(__file__).parent

    def rank(item):
        group = item.get_closest_marker("xdist_group").args[0]
        folder = item.path.relative_to(folders).parts[0]
        name = group if group in ORDER else folder
        return ORDER.index(name) if name in ORDER else len(ORDER)

    items.sort(key=rank)


def pytest_collection_finish(session):
    """Groups that xdist does not see would scatter a file's tests, and nobody would say why."""
    if session.config.getoption("loadgroup", False):
        scattered = [item.nodeid for item in session.items if "@" not in item.nodeid]
        if scattered:
            raise pytest.UsageError(f"xdist took no notice of the group of {scattered[0]}")


def pytest_terminal_summary(terminalreporter):
    """A kiosk's memory is told in each run that measured it."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, text in report.user_properties:
                if name == "memory":
                    terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL of the tests' own; `database()` makes an empty database.

    It waits for no disk, since its machine never falls: tests that kill it have one of their own.
    """
    from harness.postgres import LocalPostgres

    with LocalPostgres(durable=False) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_text(request, tmp_path):
    """What `database` in campus.toml says: once a file, once PostgreSQL."""
    if request.param == "sqlite":
        return str(tmp_path / "campus.db")
    return request.getfixturevalue("postgres").database()


@pytest.fixture
def campus_url(database_text, tmp_path):
    """The same as a URL."""
    from fevergate.campus.database import database_url

    return database_url(database_text, tmp_path)


@pytest.fixture
def campus_database(campus_url):
    """An empty database of the campus server's, of either kind."""
    from fevergate.campus.database import CampusDatabase

    database = CampusDatabase(campus_url)
    yield database
    database.close()
