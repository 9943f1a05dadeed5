"""A person who was measured at one gate of a campus counts as measured at every gate, even
after a gateway or the campus server was restored from a backup."""

import shutil
from contextlib import closing
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from samples import reading

from fevergate.campus.account_store import AccountStore
from fevergate.campus.schema import items, metadata
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.people.changes import ListEntry, PeopleChanges, begin_again
from fevergate.people.marks import Marks, NewMark, fevers_since
from fevergate.people.presences import CardPresences
from fevergate.people.roll import DayRoll, Rolls
from fevergate.people.schema import migrations
from fevergate.people.store import PeopleStore
from fevergate.protocol.campus_messages import MarkIndex
from fevergate.storage.records import ReadingArrived
from fevergate.storage.statements import SqliteStatements
from fevergate.storage.store import Store
from fevergate.web.mark_forwarder import MOST_ANSWER, MarkForwarder
from fevergate.web.people_copier import PeopleCopier
from harness.broker import free_port
from harness.campus import CampusHost, SimulatedClock

DAY = date(2026, 11, 23)
ZONE = ZoneInfo("Asia/Shanghai")
CAMPUSES = {"east": ["gw-east", "gw-gate-b"], "west": ["gw-west"]}


class Server:
    """A campus server over HTTPS with a list of people: 1 to 4 at campus east, 5 at campus west."""

    def __init__(self, host: CampusHost) -> None:
        self.host = host
        self.statements = AccountStore(host.server.database, host.clock)
        self.people = PeopleStore(self.statements, Vault(host.folder / KEY))
        PeopleChanges(self.people).replace(entries())
        host.tick()

    def figures(self, campus: str = "east") -> DayRoll | None:
        report = self.host.server.reports.now(DAY.isoformat())
        return next(c.roll for c in report.campuses if c.campus == campus)

    def payloads(self) -> list[str]:
        return self.host.server.database.scalars(items.select().with_only_columns(items.c.payload))


def entries(*campuses, begin=1):
    return [
        ListEntry(number=f"2026{n}", name=f"student {n}", kind="student", campus=campus)
        for n, campus in enumerate(campuses or ["east"] * 4 + ["west"], begin)
    ]


class GatewayPeople:
    """A gateway's list of people, its marks, and its forwarder, which runs only when a test calls
    it."""

    def __init__(self, server: Server, folder: Path, name="gw-east", campus="east") -> None:
        folder.mkdir(exist_ok=True)
        self.server = server
        self.path = folder / "people.db"
        self.settings = server.host.gateway_settings(campus, name, {"gate": ["kiosk-1"]})
        self.vault = Vault(folder / KEY)
        self.open()

    def open(self) -> None:
        clock = self.server.host.clock
        self.statements = SqliteStatements(self.path, migrations, clock)
        self.people = PeopleStore(self.statements, self.vault)
        self.marks = Marks(self.statements, self.vault, ZONE)
        self.roll = Rolls(self.statements, ZONE, self.settings.campus)
        self.forwarder = MarkForwarder(self.settings, self.people, clock)

    def copy_list(self) -> None:
        assert PeopleCopier(self.settings, self.people, self.server.host.clock).once()

    def enter(self, person: int, **mark) -> None:
        given = mark or {"clinical_c": 36.6}
        self.marks.enter(DAY, [NewMark(person=person, **given)], "Zhang")

    def passes(self, person: int, verdict: str = "normal") -> None:
        """Let `person` tap a card at a kiosk of this gateway and be measured."""
        at = self.server.host.clock()
        with closing(Store(self.path.with_name("fevergate.db"))) as store:
            seq = store.db["presences"].count + 1
            scan = reading(seq, verdict, at=at, who="0" * 16)
            store.commit([ReadingArrived(scan, at, "gate", person=person)])
            CardPresences(self.statements, store.path, ZONE, 30).take()

    def unmeasured(self) -> list[int]:
        return [row.person for row in self.roll.people(DAY, "unmeasured")]

    def close(self) -> None:
        self.statements.close()

    def restore(self, backup: Path) -> None:
        self.statements.close()
        for end in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)
        shutil.copy(backup, self.path)
        self.open()


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    clock = SimulatedClock(DAY.isoformat(), ZONE)
    with CampusHost(tmp_path_factory.mktemp("campus"), CAMPUSES, clock) as host:
        yield host


@pytest.fixture
def server(host):
    """The campus server, with an empty database."""
    host.clock.set(DAY.isoformat(), "09:00")
    with host.server.database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    return Server(host)


@pytest.fixture
def gates(server, tmp_path):
    """Two gateways of campus east."""
    first = GatewayPeople(server, tmp_path / "a")
    second = GatewayPeople(server, tmp_path / "b", "gw-gate-b")
    for gateway in (first, second):
        gateway.copy_list()
    with closing(first), closing(second):
        yield first, second


def exchange(*gateways):
    for _ in range(2):  # the first gateway learns of the others' marks only in the second round
        for gateway in gateways:
            assert gateway.forwarder.once()


def test_who_was_measured_at_one_gate_counts_as_measured_at_the_other(server, gates):
    first, second = gates
    first.enter(1)
    first.enter(3, excused="at home")
    second.enter(2)
    assert first.unmeasured() == [2, 4] and second.unmeasured() == [1, 3, 4]
    exchange(first, second)
    assert first.unmeasured() == second.unmeasured() == [4]
    assert server.figures() == DayRoll(expected=4, measured=2, excused=1, unmeasured=1)
    assert first.roll.day(DAY) == second.roll.day(DAY) == server.figures()
    assert not any("student" in payload or "home" in payload for payload in server.payloads())


def test_who_passed_a_kiosk_with_a_card_counts_as_measured_at_every_gate(server, gates, tmp_path):
    first, second = gates
    PeopleChanges(server.people).replace([*entries(), *entries("", begin=6)])
    with closing(GatewayPeople(server, tmp_path / "w", "gw-west", "west")) as west:
        for gateway in (first, second, west):
            gateway.copy_list()
        first.passes(1)
        first.passes(2, "retry")
        west.passes(5)
        west.passes(6)  # a person whom the list expects at any campus
        exchange(first, second, west)
        assert first.unmeasured() == second.unmeasured() == [2, 3, 4]
        assert west.unmeasured() == []
        assert server.figures() == DayRoll(expected=4, measured=1, unmeasured=3)
        assert server.figures("west") == DayRoll(expected=1, measured=1)
        report = server.host.server.reports.now(DAY.isoformat())
        assert report.anywhere == DayRoll(expected=1, measured=1)
        assert report.zero is False


def test_a_mark_that_is_taken_back_is_taken_back_everywhere(server, gates):
    first, second = gates
    first.enter(1)
    exchange(first, second)
    first.enter(1, take_back="another one")
    exchange(first, second)
    assert first.unmeasured() == second.unmeasured() == [1, 2, 3, 4]
    assert server.figures() == DayRoll(expected=4, unmeasured=4)


def test_a_gateway_of_another_campus_marks_only_its_own_people(server, gates, tmp_path):
    first, _ = gates
    stranger = GatewayPeople(server, tmp_path / "w", "gw-west", "west")
    stranger.copy_list()
    with closing(stranger):
        with stranger.statements.transaction() as connection:
            connection.executemany(
                'insert into marks(day, person, kind, at, "by", sealed, revision)'
                " values (?, ?, 'hand', 1, 'Mallory', '', 1)",
                [(DAY.isoformat(), person) for person in range(1, 6)],
            )
        exchange(stranger, first)
    assert first.unmeasured() == [1, 2, 3, 4]
    assert server.figures("west") == DayRoll(expected=1, measured=1)
    assert server.figures() == DayRoll(expected=4, unmeasured=4)


def test_marks_that_have_not_changed_are_not_sent_again(server, gates):
    first, second = gates
    first.enter(1)
    exchange(first, second)
    before = server.payloads()
    exchange(first, second)
    assert server.payloads() == before and len(before) == 1


def test_a_gateway_restored_from_the_day_before_forgets_nobody(server, gates, tmp_path):
    first, second = gates
    first.enter(1)
    backup = tmp_path / "backup.db"
    first.statements._db.execute("vacuum into ?", (str(backup),))
    first.enter(2)
    exchange(first, second)
    first.restore(backup)
    assert first.unmeasured() == [2, 3, 4]
    first.enter(4)
    exchange(first, second)
    assert first.unmeasured() == second.unmeasured() == [3]
    assert server.figures() == DayRoll(expected=4, measured=3, unmeasured=1)


def test_a_campus_server_restored_from_an_old_backup_is_told_again(server, gates):
    first, second = gates
    first.enter(1)
    exchange(first, second)
    with server.host.server.database.write() as connection:
        connection.execute(items.delete())
    exchange(first, second)
    assert server.figures() == DayRoll(expected=4, measured=1, unmeasured=3)


def test_marks_outlive_the_restore_of_the_campus_servers_list(server, gates):
    first, second = gates
    first.enter(1, clinical_c=38.9)
    first.enter(2, excused="at home")
    second.enter(3)
    exchange(first, second)
    before = fevers_since(first.statements, ZONE, 0.0), server.figures()
    begin_again(server.statements)
    assert server.figures() == before[1], "the marks of a gateway that did not report again count"
    second.copy_list()  # while `first` is away and sends no mark again
    exchange(second)
    assert second.unmeasured() == [4] and server.figures() == before[1]
    first.copy_list()
    assert first.unmeasured() == [4]
    exchange(first, second)
    after = fevers_since(first.statements, ZONE, 0.0), server.figures()
    assert after == before, "one fever of one person, which is reported once"
    campus_list, gateway_list = server.people.state(), first.people.state()
    assert campus_list and gateway_list and campus_list.list == gateway_list.list


def test_fevers_measured_by_hand_still_count_after_a_new_list_was_set_up(server, gates):
    first, _ = gates
    first.enter(1, clinical_c=38.9)
    exchange(first)
    with server.statements.transaction() as connection:
        connection.execute("update people_list set list = 'f00d'")
    first.copy_list()
    assert first.unmeasured() == [1, 2, 3, 4], "its numbers may stand for others"
    exchange(first)
    figures = server.figures()
    assert figures and figures.fevers == 1


def test_a_late_entry_for_an_earlier_day_is_sent_within_an_hour(server, gates):
    first, second = gates
    exchange(first, second)
    server.host.clock.set("2026-11-26", "08:00")
    server.host.tick()
    first.enter(2, excused="was ill")
    exchange(first, second)
    assert server.figures() is not None
    server.host.clock.set("2026-11-26", "09:01")
    exchange(first, second)
    assert server.figures() == DayRoll(expected=4, excused=1, unmeasured=3)


def test_a_gateway_with_its_own_list_sends_only_counts(server, tmp_path):
    lone = GatewayPeople(server, tmp_path / "lone", "gw-west", "west")
    with closing(lone):
        PeopleChanges(lone.people).replace(entries()[4:])
        lone.enter(1, clinical_c=37.9)
        server_settings = lone.settings.campus_server
        assert server_settings and not lone.settings.keeps_list
        server_settings.own_list = True
        assert lone.settings.keeps_list
        with lone.statements.transaction() as connection:  # a list that was copied once
            connection.execute("update people_list set heard_at = 1")
        exchange(lone)
        (payload,) = server.payloads()
        message = msgspec.json.decode(payload)
        assert message["type"] == "roll_day" and message["expected"] == 1 and message["fevers"] == 1
        assert "measured" in message and not isinstance(message["measured"], str)


def test_marks_of_a_gateways_own_list_are_not_sent_under_the_campus_lists_numbers(server, tmp_path):
    lone = GatewayPeople(server, tmp_path / "lone")
    with closing(lone):
        for numbers in (1, 2):  # the gateway changes from its own list to the server's twice
            PeopleChanges(lone.people).replace(entries()[:3])
            lone.enter(numbers)
            assert lone.roll.day(DAY) == DayRoll(expected=3, measured=1, unmeasured=2)
            with lone.statements.transaction() as connection:
                connection.execute("update people_list set list = 'f00d', heard_at = null")
            lone.copy_list()
            assert lone.unmeasured() == [1, 2, 3, 4]
            exchange(lone)
            assert server.figures() == DayRoll(expected=4, unmeasured=4)


def test_without_a_list_the_campus_server_is_not_even_asked(server, tmp_path):
    bare = GatewayPeople(server, tmp_path / "bare")
    bare.forwarder._sender._base = f"https://127.0.0.1:{free_port()}"
    with closing(bare):
        assert bare.forwarder.once()
        bare.copy_list()
        assert not bare.forwarder.once(), "it asks, and nobody is there"


def test_a_list_that_is_not_copied_yet_marks_nobody_by_mistake(server, gates):
    first, second = gates
    first.enter(1)
    exchange(first)
    with second.statements.transaction() as connection:
        connection.execute("update people_list set list = 'f00d'")
    assert not second.forwarder.once()
    assert second.unmeasured() == [1, 2, 3, 4]


@pytest.mark.parametrize("path", ["/healthz", "/v1/nothing"])
def test_an_answer_that_is_no_index_of_marks_is_ignored(gates, path):
    assert gates[0].forwarder._sender.get(path, MarkIndex, MOST_ANSWER) is None


def test_an_answer_that_is_too_large_is_not_read_to_its_end(gates):
    assert gates[0].forwarder._sender.get("/v1/marks", MarkIndex, 10) is None
