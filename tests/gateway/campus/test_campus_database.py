"""The campus server's database: a switch-over while the server runs, and other versions."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from fevergate.campus.database import CampusDatabase, database_url
from fevergate.campus.schema import metadata
from fevergate.errors import CampusError

FIRST_RELEASE = Path(__file__).parent / "campus_first_release.sql"


def test_a_server_that_has_become_a_standby_is_not_asked_to_write_for_ever(campus_url):
    if campus_url.get_backend_name() == "sqlite":
        pytest.skip("a file is never switched over")
    database = CampusDatabase(campus_url)
    with database.write() as connection:
        connection.exec_driver_sql("set session characteristics as transaction read only")
    with pytest.raises(CampusError, match="read-only"), database.write() as connection:
        connection.exec_driver_sql("create table rooms (name text)")
    with database.write() as connection:  # on a new connection, to the present primary
        connection.exec_driver_sql("create table rooms (name text)")
    database.close()


def test_tables_of_the_first_release_become_those_that_the_code_knows(tmp_path):
    with closing(sqlite3.connect(tmp_path / "campus.db")) as old:
        old.executescript(FIRST_RELEASE.read_text())
    database = CampusDatabase(database_url("campus.db", tmp_path))
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_an_empty_database_gets_the_same_tables_and_is_opened_again(campus_url):
    for _ in range(2):
        database = CampusDatabase(campus_url)
        with database.read() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        database.close()


def test_a_database_of_another_version_is_refused_in_words_and_left_as_it_is(tmp_path):
    with closing(sqlite3.connect(tmp_path / "campus.db")) as connection:
        connection.executescript(FIRST_RELEASE.read_text())
        connection.execute("update alembic_version set version_num = 7")
        connection.commit()
    with pytest.raises(CampusError, match=r"another version of FeverGate: .*7"):
        CampusDatabase(database_url("campus.db", tmp_path))
    with closing(sqlite3.connect(tmp_path / "campus.db")) as connection:
        assert connection.execute("select version_num from alembic_version").fetchall() == [("7",)]
