"""The list of people in each kind of store."""

from contextlib import closing

import pytest
from college import College
from people_helpers import Clock, campus_people, gateway_people

from fevergate.people.changes import PeopleChanges


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["gateway", "sqlite", "postgresql"])
def people(request, tmp_path, clock):
    """An empty list at a gateway, and at the campus server on either database."""
    if request.param == "gateway":
        with gateway_people(tmp_path, clock) as store:
            yield store
        return
    from fevergate.campus.database import CampusDatabase, database_url

    text = "campus.db"
    if request.param == "postgresql":
        text = request.getfixturevalue("postgres").database()
    with CampusDatabase(database_url(text, tmp_path)) as database:
        yield campus_people(tmp_path, database, clock)


@pytest.fixture
def changes(people):
    return PeopleChanges(people)


@pytest.fixture
def college(tmp_path):
    with closing(College(tmp_path)) as college:
        yield college
