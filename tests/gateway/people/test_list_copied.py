"""A gateway's copy of the list becomes equal to the campus server's, whatever interrupts the
copying."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from campus_helpers import CampusProcess
from click.testing import CliRunner
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from people_helpers import NOW, Clock, entry, gateway_people

from fevergate.cli import cli
from fevergate.people import copying
from fevergate.people.changes import PeopleChanges, begin_again
from fevergate.people.copying import ListCopy, page
from fevergate.people.policy import Policies
from fevergate.protocol.people_messages import PeoplePage
from fevergate.web.people_copier import PeopleCopier
from harness.made_up_list import as_csv, made_up

DAY_S = 86400.0
NUMBERS = st.sampled_from("123456")
CAMPUSES = ("", "east", "west")


def pulled(home, copy, campus="east"):
    """Copy what `copy` lacks, encoded as it is on the network."""
    taking = ListCopy(copy)
    while True:
        sent = msgspec.json.encode(page(home, campus, *taking.position()))
        if taking.take(msgspec.json.decode(sent, type=PeoplePage)):
            return


def person_of(store, number):
    """The person with this number, who must be on the list."""
    person = store.by_number(number)
    assert person
    return person


def listing(store, now, campus=""):
    """What a list says: the fields and permit of each person by number, and the people who are
    expected."""
    fields = ("name", "kind", "class_", "unit", "campus", "card", "until", "person")
    rows = {
        row.number: [getattr(row, field) for field in fields] + [store.permit(row.person, now)]
        for row in store.select("true", {})
        if row.number and (not campus or row.campus in ("", campus))
    }
    expected = store.expected(now)
    return rows, {row.person for row in expected if not campus or row.campus in ("", campus)}


class Copying(RuleBasedStateMachine):
    """The campus server's list changes and is restored; a gateway copies it in small pages, and is
    at times interrupted."""

    def __init__(self):
        super().__init__()
        self.stack = ExitStack()
        self.clock = Clock()
        self.copy = self.new_people()
        self.most = copying.MOST_ROWS
        copying.MOST_ROWS = 2

    def new_people(self):
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        return self.stack.enter_context(gateway_people(folder, self.clock))

    def teardown(self):
        copying.MOST_ROWS = self.most
        self.stack.close()

    @initialize()
    def set_up(self):
        self.home = self.new_people()
        self.changes = PeopleChanges(self.home)
        self.policies = Policies(self.home)
        self.changes.replace([entry("1"), entry("2", campus="west")], drastic=True)

    @rule(
        people=st.lists(
            st.builds(
                entry,
                NUMBERS,
                st.sampled_from(["王小明", "李芳"]),
                campus=st.sampled_from(CAMPUSES),
                class_=st.sampled_from(["", "甲"]),
                permit=st.sampled_from(["", "stop"]),
            ),
            min_size=1,
            max_size=6,
            unique_by=lambda listed: listed.number,
        )
    )
    def imported(self, people):
        self.clock.at += 60
        self.changes.replace(people, drastic=True)

    @rule(number=NUMBERS)
    def forgotten(self, number):
        person = self.home.by_number(number)
        if person:
            self.changes.forget(person.person)

    @rule(days=st.integers(1, 40))
    def time_passes(self, days):
        self.clock.at += days * DAY_S
        self.changes.forget_gone(self.clock.at - 30 * DAY_S)
        ListCopy(self.copy).forget_gone(self.clock.at - 30 * DAY_S)

    @rule(number=NUMBERS, permit=st.sampled_from(["enter", "ask", "stop"]), days=st.integers(1, 20))
    def overridden(self, number, permit, days):
        person = self.home.by_number(number)
        if person and self.home.permit(person.person, self.clock.at):
            until = self.clock.at + days * DAY_S
            self.policies.override(person.person, permit, until, "李伟")

    @rule(permit=st.sampled_from(["", "ask", "stop"]), class_=st.sampled_from(["", "甲"]))
    def ruled(self, permit, class_):
        rows = {(row.kind, row.class_) for row in self.policies.rows(self.clock.at)}
        if ("student", class_) in rows:
            self.policies.set("student", class_, permit, "李伟")

    @rule()
    def restored(self):
        begin_again(self.home.statements)

    @rule()
    def set_up_anew(self):
        self.set_up()

    @rule()
    def broken_off(self):
        taking = ListCopy(self.copy)
        taking.take(page(self.home, "east", *taking.position()))

    @rule()
    def copied(self):
        pulled(self.home, self.copy)
        assert listing(self.copy, self.clock.at) == listing(self.home, self.clock.at, "east")

    @invariant()
    def nobody_of_the_other_campus_is_named(self):
        assert all(row.campus != "west" or not row.name for row in self.copy.select("true", {}))


TestCopying = Copying.TestCase
TestCopying.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)


def test_a_server_without_a_list_leaves_a_gateway_its_own(tmp_path, clock):
    (tmp_path / "home").mkdir()
    (tmp_path / "copy").mkdir()
    with (
        gateway_people(tmp_path / "home", clock) as home,
        gateway_people(tmp_path / "copy", clock) as copy,
    ):
        PeopleChanges(copy).replace([entry("1")])
        pulled(home, copy)
        assert person_of(copy, "1").unit == "计应2301"
        PeopleChanges(home).replace([entry("1", unit="会计2302"), entry("2")])
        pulled(home, copy)
        assert person_of(copy, "1").unit == "会计2302"
        (copied, original) = (store.state() for store in (copy, home))
        assert copied and original and copied.list == original.list
        assert copied.heard_at == NOW


@pytest.fixture
def campus(tmp_path):
    campus = CampusProcess(tmp_path / "site")
    campus.start()
    yield campus
    campus.stop()


def imported(campus, rows, *more):
    path = campus.folder / "list.csv"
    path.write_bytes(as_csv(rows))
    arguments = ["people", "import", str(path), "--settings", str(campus.folder / "campus.toml")]
    result = CliRunner().invoke(cli, [*arguments, *more])
    assert result.exit_code == 0, result.output
    path.unlink()


def test_a_gateway_copies_the_list_and_follows_it(campus, tmp_path):
    rows = made_up(2500)
    imported(campus, rows)
    clock = Clock()
    with gateway_people(tmp_path, clock) as copy:
        copier = PeopleCopier(campus.settings, copy)
        assert copier.once()
        assert sum(count for _, count in copy.units(clock.at * 2)) == 2500
        assert person_of(copy, rows[7][0]).name == rows[7][1]
        imported(campus, rows[:-1])
        assert copier.once()
        assert person_of(copy, rows[-1][0]).until is not None
        campus.stop()
        assert not copier.once()
        assert person_of(copy, rows[7][0]).name == rows[7][1], "deciding needs no campus server"
        copier.stop()


def test_a_stranger_and_a_wrong_question_are_refused(campus):
    def ask(query="", token=campus.token):
        headers = {"Authorization": f"Bearer {token}"}
        answer = campus.client.get(f"/v1/people{query}", headers=headers)
        return answer.status_code, answer.json()

    imported(campus, made_up(3))
    assert ask(token="no")[0] == 401
    for query in ("?after=-1", "?after=x", f"?after={'9' * 30}"):
        status, answer = ask(query)
        assert (status, answer["error"]["field"]) == (422, "after"), query
    status, answer = ask("?after=3&list=000")
    assert status == 200 and len(answer["people"]) == 3, "another list is sent from its begin"
    assert campus.client.get("/v1/people").status_code == 401
