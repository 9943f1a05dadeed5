"""The campus server's database is switched over while the server runs."""

import pytest

from fevergate.campus.database import CampusDatabase
from fevergate.errors import CampusError


def test_a_server_that_has_become_a_standby_is_not_asked_to_write_for_ever(campus_url):
    if campus_url.get_backend_name() == "sqlite":
        pytest.skip("a file is never switched over")
    database = CampusDatabase(campus_url)
    with database.write() as connection:
        connection.exec_driver_sql("set session characteristics as transaction read only")
    with pytest.raises(CampusError, match="read-only"), database.write() as connection:
        connection.exec_driver_sql("create table rooms (name text)")
    with database.write() as connection:  # by a new line, to whoever is the first now
        connection.exec_driver_sql("create table rooms (name text)")
    database.close()
