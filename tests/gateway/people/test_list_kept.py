"""The list of people is backed up and restored, and its names are deleted when their time is
over."""

import pytest
from campus_site import Parts
from people_helpers import campus_people, entry, gateway_people
from sqlalchemy import select

from fevergate.backup.archive import read_backup
from fevergate.backup.closing import close
from fevergate.backup.gateway import PEOPLE, backup, restore
from fevergate.campus.backup import backup_campus, restore_campus
from fevergate.campus.closing import close_campus
from fevergate.campus.database import CampusDatabase
from fevergate.campus.schema import cards
from fevergate.campus.settings import load_campus
from fevergate.people.changes import REST_AFTER_RESTORE, PeopleChanges
from fevergate.people.copying import ListCopy
from fevergate.people.policy import Policies
from fevergate.protocol.people_messages import same_lineage
from fevergate.provision import provision
from fevergate.provision.campus import provision_campus
from fevergate.settings.gateway import load_gateway
from fevergate.storage.store import Store

PHRASE = "a long passphrase"
DAY_S = 86400.0
PEOPLE_OF_IT = [
    entry("2023001", "王小明"),
    entry("2023002", "李芳"),
    entry("9", "赵强", kind="staff"),
]


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Derive keys in as few rounds as a file may ask for; the format is the same."""
    monkeypatch.setattr("fevergate.crypto.passphrase.LOG2_N", 10)


@pytest.fixture
def folder(tmp_path, clock):
    """A gateway with a list of its own."""
    folder = tmp_path / "gateway"
    provision(folder, campus="east", gateway="gw-east", gates={"north": ["north-1"]})
    Store(folder / "fevergate.db").close()
    with gateway_people(folder, clock) as people:
        PeopleChanges(people).replace(PEOPLE_OF_IT)
        Policies(people).override(1, "ask", clock.at + DAY_S, "Zhang")
    return folder


def names(store):
    return sorted(row.name for row in store.select("true", {}))


def test_a_restored_gateway_has_its_list(folder, tmp_path, clock):
    settings = load_gateway(folder / "gateway.toml")
    assert PEOPLE in backup(settings, tmp_path / "one.tar.gz").members
    restore(tmp_path / "one.tar.gz", tmp_path / "again")
    with gateway_people(tmp_path / "again", clock) as people:
        assert names(people) == ["李芳", "王小明", "赵强"]
        assert people.permit(1, clock.at) == "ask"
    assert (tmp_path / "again" / "people.db").stat().st_mode & 0o777 == 0o600


def test_nobody_is_named_in_the_archive_of_a_gateway_that_is_closed(folder, tmp_path):
    close(load_gateway(folder / "gateway.toml"), "east", tmp_path / "east.archive", PHRASE)
    assert list(folder.iterdir()) == []
    read_backup(tmp_path / "east.archive", tmp_path / "back", PHRASE)
    content = (tmp_path / "back" / PEOPLE).read_bytes()
    with CampusLike(tmp_path / "back" / PEOPLE) as rows:
        assert rows("select count(*), max(sealed), max(name_tag) from people") == [(3, "", "")]
        assert rows("select count(*) from cards") == [(0,)]
    assert not [text for text in ("王小明", "2023001", "Zhang") if text.encode() in content]


class CampusLike:
    """Opens a database file; the context is a function that returns the rows of a query."""

    def __init__(self, path):
        import sqlite3

        self._connection = sqlite3.connect(path)

    def __enter__(self):
        return lambda sql: self._connection.execute(sql).fetchall()

    def __exit__(self, *_):
        self._connection.close()


@pytest.fixture
def server(tmp_path, database_text):
    """A campus server of two campuses with a list."""
    folder = tmp_path / "campus"
    url = "https://127.0.0.1:8443"
    provision_campus(folder, url=url, gateways={"east": ["gw-east"], "west": ["gw-west"]})
    toml = folder / "campus.toml"
    name = "campus.db" if "://" not in database_text else database_text
    toml.write_text(f'database = "{name}"\n{toml.read_text()}')
    parts = Parts(folder, name)
    yield parts
    parts.close()


def settings_of(folder):
    return load_campus(folder / "campus" / "campus.toml")


def test_a_restored_list_has_a_new_id_for_its_copies_and_reuses_no_number(server, tmp_path, clock):
    people = campus_people(tmp_path / "campus", server.database, clock)
    PeopleChanges(people).replace(PEOPLE_OF_IT)
    before = people.state()
    backup_campus(settings_of(tmp_path), tmp_path / "campus.tar.gz")
    restore_campus(tmp_path / "campus.tar.gz", tmp_path / "again", database="other.db")
    with CampusDatabase(load_campus(tmp_path / "again" / "campus.toml").url) as database:
        restored = campus_people(tmp_path / "again", database, clock)
        assert names(restored) == ["李芳", "王小明", "赵强"]
        after = restored.state()
        assert before and after and after.list != before.list
        assert same_lineage(after.list, before.list), "numbers stand for the same people"
        PeopleChanges(restored).replace([entry("2023003", "孙丽", kind="guard")])
        row = restored.by_number("2023003")
        assert row and row.person == 3 + REST_AFTER_RESTORE + 1


def test_closing_a_campus_removes_its_people_and_no_others(server, tmp_path, clock):
    people = campus_people(tmp_path / "campus", server.database, clock)
    PeopleChanges(people).replace(
        [entry("1", campus="east"), entry("2", campus="west"), entry("3")]
    )
    server.database.close()  # no campus is closed while its database is in use
    close_campus(settings_of(tmp_path), "east", tmp_path / "east.archive", PHRASE)
    assert sorted(row.number for row in people.select("true", {})) == ["2", "3"]
    assert len(server.database.rows(select(cards))) == 2


@pytest.mark.parametrize("is_home", [True, False])
def test_names_are_erased_when_their_time_is_over_and_counts_stay(tmp_path, clock, is_home):
    with gateway_people(tmp_path, clock) as people:
        PeopleChanges(people).replace(PEOPLE_OF_IT)
        forgetting = PeopleChanges(people) if is_home else ListCopy(people)
        PeopleChanges(people).replace(PEOPLE_OF_IT[1:], drastic=True)
        clock.at += 31 * DAY_S
        assert forgetting.forget_gone(clock.at - 32 * DAY_S) == 0
        assert forgetting.forget_gone(clock.at - 30 * DAY_S) == 1
        assert forgetting.forget_gone(clock.at - 30 * DAY_S) == 0
        assert names(people) == ["", "李芳", "赵强"]
        assert people.find("2023001", 9) == people.find("C2023001", 9) == []
        comeback = PeopleChanges(people).replace(PEOPLE_OF_IT)
        assert len(comeback.added) == 1, "somebody who comes back later is somebody else here"
        assert len({row.person for row in people.select("true", {})}) == 4
