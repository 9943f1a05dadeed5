"""A trace lists who passed the same gate around the time of a fever. It lists what one would find
by hand, needs a reason, and always leaves a line in the audit."""

import csv
import io
import time
from collections import Counter
from contextlib import ExitStack, closing
from datetime import UTC, datetime

import openpyxl
import pytest
from campus_site import local
from click.testing import CliRunner
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from msgspec.structs import replace
from pages_site import OURS, Site, csrf
from people_helpers import Clock, entry, gateway_people
from samples import AT, reading, settings
from test_register_pages import clock as set_clock

from fevergate.cli import cli
from fevergate.errors import NothingFoundError, TraceError
from fevergate.people.changes import PeopleChanges
from fevergate.registers.declarations import shipped
from fevergate.registers.entries import Entries
from fevergate.registers.entry_form import NewEntry
from fevergate.storage.connection import open_reader
from fevergate.storage.records import ReadingArrived
from fevergate.storage.store import Store
from fevergate.web.trace import Tracer, TraceRequest
from fevergate.web.trace_sheet import trace_sheet
from fevergate.web_common.store import WebStore

DAY_S = 86_400.0
REASON = "confirmed at the clinic"
ASKED = TraceRequest(record="north-1/1/1", minutes=10, reason=REASON)
LISTED = {1: "赵一", 2: "钱二", 3: "孙三"}
GATES = {"north-1": "north", "north-2": "north", "south-1": "south"}


class Desk:
    """A gateway's three databases, without pages; its clock is set by hand."""

    def __init__(self, folder, stack):
        self.clock = Clock(AT - DAY_S)
        self.people = stack.enter_context(gateway_people(folder, self.clock))
        self.store = stack.enter_context(closing(Store(folder / "fevergate.db")))
        self.pages = stack.enter_context(closing(WebStore(folder / "web.db", self.clock)))
        self.entries = Entries(self.pages, self.people.vault, shipped())
        list_ = [
            entry(number=f"N{number}", name=name, card=f"C{number}")
            for number, name in LISTED.items()
        ]
        PeopleChanges(self.people).replace(list_)
        assert {n: person.name for n, person in self.people.people([1, 2, 3]).items()} == LISTED
        self.clock.at = AT + 3600
        self.tracer = Tracer(
            lambda: open_reader(folder / "fevergate.db"),
            *(self.people, self.entries, self.pages, 30, self.clock),
        )

    def clear(self):
        self.store.db.execute("delete from presences")
        self.store.db.execute("delete from fevers")
        self.store.db.execute("delete from readings")
        self.pages.query("delete from entries")
        self.pages.query("delete from entry_revisions")
        self.pages.query("delete from audit")

    def arrive(self, *rows):
        """Store readings, each as (person, kiosk, seconds after the fever, verdict); the first is
        the fever."""
        self.store.commit(
            [
                ReadingArrived(
                    reading(seq, verdict, kiosk=kiosk, at=AT + after_s),
                    AT + 7200,
                    GATES[kiosk],
                    person=person,
                )
                for seq, (person, kiosk, after_s, verdict) in enumerate(rows, 1)
            ]
        )

    def visit(self, id_, came_s, left_s):
        new = NewEntry(public={}, personal={"name": f"访客{id_}", "phone": "1"}, gate="south")
        self.clock.at = AT + came_s
        self.entries.add("visitors", new, "Zhang", id_)
        if left_s is not None:
            self.clock.at = AT + left_s
            self.entries.close("visitors", id_, "Zhang", 1)
        self.clock.at = AT + 3600

    def audit(self):
        return [(entry.user, entry.action, entry.what) for entry in self.pages.audit(1000)]


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory):
    with ExitStack() as stack:
        yield Desk(tmp_path_factory.mktemp("trace"), stack)


@pytest.fixture
def desk(shared_desk):
    shared_desk.clear()
    return shared_desk


SECONDS = st.integers(-1500, 1500) | st.sampled_from([-600, 600, -601, 601, 0])
PEOPLE = st.sampled_from([None, 1, 2, 3, 4, -1, -2, -3])
ROWS = st.tuples(
    PEOPLE,
    st.sampled_from(sorted(GATES)),
    SECONDS,
    st.sampled_from(["normal", "normal", "retry", "fever"]),
)


@given(
    whose=PEOPLE,
    rows=st.lists(ROWS, max_size=12),
    visits=st.dictionaries(
        st.integers(1, 2), st.tuples(SECONDS, st.none() | st.integers(0, 1500)), max_size=2
    ),
    minutes=st.sampled_from([5, 10, 20]),
)
@examples(max_examples=30, deadline=None)
def test_a_trace_is_the_list_that_one_makes_by_hand(shared_desk, whose, rows, visits, minutes):
    shared_desk.clear()
    passings = [(whose, "north-1", 0, "fever"), *rows]
    shared_desk.arrive(*passings)
    stays = dict[int, tuple[int, int | None]]()
    for id_, (came_s, stayed_s) in visits.items():
        left_s = None if stayed_s is None else came_s + stayed_s
        shared_desk.visit(id_, came_s, left_s)
        stays[id_] = (came_s, left_s)
    trace = shared_desk.tracer.trace(replace(ASKED, minutes=minutes), "Li")

    within_s = 60 * minutes
    near = [row for row in passings if GATES[row[1]] == "north" and -within_s <= row[2] <= within_s]
    names = LISTED | {-id_: f"访客{id_}" for id_ in stays}
    times_by_person = {}
    for person, _, after_s, _ in near:
        if person is not None and person != whose:
            times_by_person.setdefault(person, []).append(after_s)
    inside = [
        id_
        for id_, (came_s, left_s) in stays.items()
        if came_s <= within_s and (left_s is None or left_s >= -within_s)
        if -id_ not in times_by_person and -id_ != whose
    ]
    assert Counter(
        (row.visitor, row.name, tuple(at - AT for at in row.passed)) for row in trace.passed
    ) == Counter(
        (person < 0, names.get(person, ""), tuple(sorted(at)))
        for person, at in times_by_person.items()
    )
    assert [row.passed[0] for row in trace.passed] == sorted(
        AT + min(at) for at in times_by_person.values()
    )
    assert Counter(row.name for row in trace.inside) == Counter(names[-id_] for id_ in inside)
    assert all(not row.passed and row.visitor for row in trace.inside)
    measured = [row for row in near if row[3] != "retry"]
    assert trace.measured == len(measured)
    assert trace.known == sum(row[0] is not None for row in measured)
    assert (trace.whose and trace.whose.name) == (None if whose is None else names.get(whose, ""))


def test_a_trace_says_the_nearest_passing_and_whose_fever_it_is(desk):
    desk.arrive(
        (1, "north-1", 0, "fever"), (2, "north-2", -300, "normal"), (2, "north-1", 60, "normal")
    )
    trace = desk.tracer.trace(ASKED, "Li")
    assert trace.whose and (trace.whose.name, trace.whose.number) == ("赵一", "N1")
    (row,) = trace.passed
    assert (row.name, row.unit, row.nearest_s, len(row.passed)) == ("钱二", "计应2301", 60, 2)
    (cells,) = trace_sheet(trace, settings(timezone="UTC"), "en").tables[0].rows
    times = [datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S") for at in row.passed]
    assert list(map(str, cells[1:5])) == [*times, "2", "1.0"]


def test_a_visitor_was_inside_then_if_the_visit_and_the_time_share_a_moment(desk):
    desk.arrive((1, "north-1", 0, "fever"))
    for id_, visit in enumerate([(-900, -600), (-900, -601), (600, None), (601, None)], 1):
        desk.visit(id_, *visit)
    trace = desk.tracer.trace(ASKED, "Li")
    assert [row.name for row in trace.inside] == ["访客1", "访客3"]


@pytest.mark.parametrize("minutes", [1, 120])
def test_the_shortest_and_the_longest_time_are_traced(desk, minutes):
    desk.arrive((1, "north-1", 0, "fever"), (2, "north-1", 60 * minutes, "normal"))
    assert len(desk.tracer.trace(replace(ASKED, minutes=minutes), "Li").passed) == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"reason": ""}, "trace_reason"),
        ({"reason": " \t "}, "trace_reason"),
        ({"reason": "x" * 201}, "trace_long"),
        ({"reason": "a\x1b[2J"}, "trace_long"),
        ({"minutes": 0}, "trace_minutes"),
        ({"minutes": -1}, "trace_minutes"),
        ({"minutes": 121}, "trace_minutes"),
        ({"record": "north-1"}, "trace_record"),
        ({"record": "north-1/1/1'--"}, "trace_record"),
        ({"record": "north-1/1/99999999999"}, "trace_record"),
        ({"record": "north-1/1/٣"}, "trace_record"),
        ({"record": "north-1/1/9"}, "trace_fever"),
        ({"record": "north-1/1/2"}, "trace_fever"),
    ],
)
def test_a_refused_trace_is_in_the_audit_and_names_nobody(desk, change, why):
    desk.arrive((1, "north-1", 0, "fever"), (2, "north-1", 5, "normal"))
    request = replace(ASKED, **change)
    with pytest.raises(TraceError, match=why):
        desk.tracer.trace(request, "Li")
    assert desk.audit()[0] == ("Li", "trace failed", f"{request.record}: {why}")


def test_a_trace_is_in_the_audit_with_its_reason_and_without_a_name(desk):
    desk.arrive((1, "north-1", 0, "fever"), (2, "north-1", 5, "normal"))
    desk.visit(1, -60, None)
    desk.tracer.trace(replace(ASKED, reason=f"  {REASON}\n"), "Li")
    assert desk.audit()[0] == ("Li", "trace", f"north-1/1/1 10 min: 2 reason: {REASON}")


def test_a_trace_of_a_time_that_is_partly_deleted_is_refused(desk):
    desk.arrive((1, "north-1", 0, "fever"), (2, "north-1", 5, "normal"))
    desk.clock.at = AT - 600 + 30 * DAY_S
    assert len(desk.tracer.trace(ASKED, "Li").passed) == 1
    desk.clock.at += 1
    with pytest.raises(TraceError, match="trace_old"):
        desk.tracer.trace(ASKED, "Li")
    desk.clock.at = AT + 3600


def test_person_numbers_of_a_replaced_list_name_nobody_of_the_new_list(desk):
    desk.arrive((1, "north-1", 0, "fever"), (2, "north-1", 5, "normal"))
    with desk.people.statements.transaction() as connection:
        connection.execute("update people_list set numbered_at = ?", (AT + 10,))
    trace = desk.tracer.trace(ASKED, "Li")
    with desk.people.statements.transaction() as connection:
        connection.execute("update people_list set numbered_at = 0")
    assert [row.name for row in trace.passed] == [""] and trace.whose and not trace.whose.name


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    set_clock(site, "2026-11-23 18:00")
    site.pages.people_db._now = lambda: local("2026-11-20 08:00")
    listed = [entry(number="N1", name="赵一"), entry(number="N2", name="=1+1")]
    PeopleChanges(site.pages.people).replace(listed)
    site.gateway.commit(
        [
            ReadingArrived(reading(seq, kiosk="north-2", at=AT + seq), AT + 90, "north", person=seq)
            for seq in (1, 2)
        ]
    )
    yield site
    site.close()


FORM = {"record": "north-1/1/2", "minutes": "10", "reason": REASON}


def answer_to(client, path="/admin/trace", **change):
    form = FORM | {"csrf": csrf(client, "/admin/trace")} | change
    return client.post(path, data=form, headers=OURS)


def test_an_administrator_traces_on_the_page_and_takes_the_rows_along(site):
    admin = site.client("李伟")
    assert "/admin/trace?of=north-1/1/2" in admin.get("/fevers/north-1/1/2").text
    assert 'value="north-1/1/2"' in admin.get("/admin/trace?of=north-1/1/2").text
    page = answer_to(admin)
    assert page.status_code == 200 and "赵一" in page.text
    assert "Passed the same gate: 2; visitors inside then: 0" in page.text
    assert '<td data-title="Name">' in page.text  # a phone shows each row as a card
    assert "not who was near whom" in page.text and "contact" not in page.text.lower()
    assert "经过同一校门：2 人" in answer_to(site.client("李伟", "zh")).text

    book = openpyxl.load_workbook(io.BytesIO(answer_to(admin, "/admin/trace.xlsx").content))
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    assert [row[6] for row in rows] == ["Name", "赵一", "=1+1"]
    assert all(cell.data_type == "s" for cell in book.worksheets[0]["G"])  # no formula
    text = answer_to(admin, "/admin/trace.csv").content.decode("utf-8-sig")
    assert [row[6] for row in csv.reader(io.StringIO(text))][:2] == ["Name", "赵一"]
    done = [action for _, action, _ in site.audit()]
    assert done.count("take trace") == 2 and "trace" in done
    assert f"10 minutes before and after, 2 found, Why: {REASON}" in admin.get("/admin/audit").text


def test_without_a_reason_the_page_and_its_files_name_nobody(site):
    admin = site.client("李伟")
    for path in ("/admin/trace", "/admin/trace.xlsx", "/admin/trace.csv"):
        answer = answer_to(admin, path, reason=" ")
        assert answer.status_code == 400 and "Say why" in answer.text and "赵一" not in answer.text
    assert [action for _, action, _ in site.audit()].count("trace failed") == 1  # counted 3 times
    assert site.pages.store.audit(1)[0].times == 3
    assert "Say why" in admin.get("/admin/audit").text


def test_guards_tutors_and_other_tokens_trace_nobody(site):
    guard = site.client("Zhang")
    assert guard.get("/admin/trace").status_code == 403
    token = {"csrf": csrf(guard, "/registers/visitors")}
    assert guard.post("/admin/trace", data=FORM | token, headers=OURS).status_code == 403
    assert "/admin/trace" not in guard.get("/fevers/north-1/1/2").text
    body = {"record": "north-1/1/2", "reason": REASON}
    assert site.program("persons", "registers").post("/api/v1/trace", json=body).status_code == 403


def test_a_program_with_the_scope_traces_with_a_reason(site):
    program = site.program("trace")
    body = {"record": "north-1/1/2", "reason": REASON}
    trace = program.post("/api/v1/trace", json=body).json()
    assert [row["name"] for row in trace["passed"]] == ["赵一", "=1+1"]
    assert trace["passed"][0]["class"] == "" and trace["measured"] == 5 and trace["known"] == 2
    refused = program.post("/api/v1/trace", json={"record": "north-1/1/2"})
    assert refused.status_code == 400 and refused.json()["error"] == "trace_reason"
    actions = [action for user, action, _ in site.audit() if user == "token program"]
    assert actions == ["trace failed", "trace"]


GATEWAY = """
campus = "east"
gateway = "gw-east"
language = "en"
gates = [{name = "north", kiosks = ["north-1", "north-2"]}]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "gateway.toml").write_text(GATEWAY, encoding="utf-8")
    now = time.time()
    with gateway_people(tmp_path, Clock(now - DAY_S)) as people:
        PeopleChanges(people).replace([entry(number="N1", name="赵一")])
    with closing(Store(tmp_path / "fevergate.db")) as store:
        store.commit(
            [
                ReadingArrived(reading(1, at=now - 90), now, "north", person=1),
                ReadingArrived(reading(2, "fever", at=now - 60), now, "north"),
            ]
        )
    return tmp_path


def test_the_command_line_traces_with_a_reason_and_writes_a_private_spreadsheet(folder):
    def called(*arguments):
        call = ["trace", "north-1/1/2", *arguments, "--settings", str(folder / "gateway.toml")]
        return CliRunner().invoke(cli, call)

    refused = called()
    assert isinstance(refused.exception, NothingFoundError) and "赵一" not in refused.output
    assert "Say why" in str(refused.exception)
    result = called("--reason", REASON)
    assert result.exit_code == 0 and "赵一" in result.output and "not who was near" in result.output
    rows = list(
        csv.reader(io.StringIO(called("--reason", REASON, "--csv").output.lstrip("\ufeff")))
    )
    assert [row[6] for row in rows] == ["Name", "赵一"] and rows[1][4] == "-0.5"
    path = folder / "trace.xlsx"
    assert called("--reason", REASON, "--xlsx", str(path)).exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert openpyxl.load_workbook(path).worksheets[0]["G2"].value == "赵一"
    with closing(WebStore(folder / "web.db")) as pages:
        done = [(entry.action, entry.times) for entry in pages.audit(10)]
    assert done == [("trace", 3), ("trace failed", 1)]
