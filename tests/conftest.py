"""What tests of several rooms begin with."""

import pytest


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL of the tests' own; `database()` makes an empty database."""
    from fevergate.local_postgres import LocalPostgres

    with LocalPostgres() as server:
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
