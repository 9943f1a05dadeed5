"""Entries of registers keep every revision, and are summed, closed and forgotten, on SQLite and
PostgreSQL."""

import threading
from zoneinfo import ZoneInfo

import pytest
from campus_site import Clock, local
from register_helpers import VISITOR

from fevergate.campus.account_store import AccountStore
from fevergate.campus.database import CampusDatabase, database_url
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.errors import EntryError, NothingFoundError
from fevergate.registers.declarations import parse, shipped
from fevergate.registers.entries import MAX_ID, Entries, new_id
from fevergate.registers.entry_form import EntryForm
from fevergate.web_common.store import WebStore

REGISTERS = shipped()
DAY_S = 86400
FORM = EntryForm(ZoneInfo("Asia/Shanghai"), ["north", "south"], ["north", "north/north-1"])


@pytest.fixture
def now():
    return Clock("2026-11-23 09:00")


@pytest.fixture
def entries(database_text, tmp_path, now):
    """Entries in the store of a gateway (SQLite) or of a campus server (PostgreSQL)."""
    if "://" not in database_text:
        store = WebStore(tmp_path / "web.db", now)
        yield Entries(store, Vault(tmp_path / KEY), REGISTERS)
        store.close()
        return
    with CampusDatabase(database_url(database_text, tmp_path)) as database:
        yield Entries(AccountStore(database, now), Vault(tmp_path / KEY), REGISTERS)


def visitor(entries, gate="north", id_=None, **fields):
    new = FORM.read(REGISTERS["visitors"], VISITOR | fields, gate)
    return entries.add("visitors", new, "Zhang", id_)


def supply(entries, item, amount):
    new = FORM.read(REGISTERS["supplies"], {"item": item, "amount": amount})
    return entries.add("supplies", new, "Zhang")


def duty(entries, person, begin="", end="", gate=""):
    form = {"person": person, "from": begin, "to": end}
    return entries.add("duty", FORM.read(REGISTERS["duty"], form, gate), "李伟")


def test_a_visitor_is_inside_until_somebody_notes_that_they_left(entries, now):
    entry = visitor(entries)
    assert entry.fields == VISITOR
    now.at += 60
    assert entries.holding("visitors", now.at) == [entry]
    assert entries.holding("visitors", now.at, "south") == []
    entries.close("visitors", entry.id, "Li", entry.revision)
    assert entries.holding("visitors", now.at) == []
    assert entries.holding("visitors", now.at - 1) != []  # the visitor was still inside
    closed, first = entries.history("visitors", entry.id)
    assert (closed.by, closed.closed_at, closed.revision) == ("Li", now.at, 2)
    assert first == entry


def test_a_form_that_is_sent_twice_makes_one_entry(entries, now):
    id_ = new_id()
    first = visitor(entries, id_=id_)
    now.at += 2
    assert visitor(entries, id_=id_, name="another") == first
    assert entries.count("visitors", 0, now.at + 1) == 1
    for beyond in (0, MAX_ID + 1):
        with pytest.raises(EntryError):
            visitor(entries, id_=beyond)
    assert [visitor(entries, id_=last).id for last in (1, MAX_ID)] == [1, MAX_ID]


def test_two_who_correct_the_same_entry_do_not_overwrite_each_other(entries):
    entry = visitor(entries)
    new = FORM.read(REGISTERS["visitors"], VISITOR | {"why": "维修"}, "south")
    assert entries.change("visitors", entry.id, new, "Li", 1) == ["why", "gate"]
    with pytest.raises(EntryError) as error:
        entries.change("visitors", entry.id, new, "Zhang", 1)
    assert error.value.reason == "meanwhile"
    with pytest.raises(EntryError):
        entries.close("visitors", entry.id, "Zhang", 1)
    changed = entries.get("visitors", entry.id)
    assert (changed.gate, changed.fields["why"], changed.opened_at) == (
        "south",
        "维修",
        entry.opened_at,
    )


def test_a_closed_entry_is_corrected_only_with_a_reason_and_can_be_opened_again(entries):
    entry = visitor(entries)
    entries.close("visitors", entry.id, "Zhang", 1)
    new = FORM.read(REGISTERS["visitors"], VISITOR, "north")
    with pytest.raises(EntryError, match="reason"):
        entries.change("visitors", entry.id, new, "Zhang", 2)
    entries.change("visitors", entry.id, new, "Zhang", 2, "misspelt")
    assert entries.get("visitors", entry.id).closed_at is not None
    entries.reopen("visitors", entry.id, "Zhang", 3)
    assert entries.get("visitors", entry.id).closed_at is None
    with pytest.raises(EntryError):
        entries.reopen("visitors", entry.id, "Zhang", 4)


def test_supplies_are_summed_by_item_with_their_corrections(entries):
    supply(entries, "masks", "1000")
    entry = supply(entries, "masks", "-250")
    supply(entries, "gloves", "12.5")
    assert entries.sums("supplies") == {"masks": 750, "gloves": 12.5}
    new = FORM.read(REGISTERS["supplies"], {"item": "masks", "amount": -200.0})
    entries.change("supplies", entry.id, new, "Zhang", 1)
    assert entries.sums("supplies") == {"masks": 800, "gloves": 12.5}


def test_the_last_disinfection_of_each_place_is_known(entries, now):
    form = {"place": "north/north-1", "agent": "alcohol", "by": "Li"}
    for _ in range(2):
        now.at += 3600
        new = FORM.read(REGISTERS["disinfection"], form)
        entries.add("disinfection", new, "Li")
    assert entries.last("disinfection") == {"north/north-1": now.at}


def test_who_is_on_duty_is_asked_by_the_minute(entries, now):
    duty(entries, "Chen", "2026-11-23T08:00", "2026-11-23T20:00", "north")
    duty(entries, "Wu", "2026-11-23T20:00", "2026-11-24T08:00")
    duty(entries, "Head")

    def on_duty(at, gate):
        return {entry.fields["person"] for entry in entries.holding("duty", local(at), gate)}

    assert on_duty("2026-11-23 08:00", "north") == {"Chen", "Head"}
    assert on_duty("2026-11-23 08:00", "south") == {"Head"}
    assert on_duty("2026-11-23 20:00", "north") == {"Wu", "Head"}
    assert on_duty("2026-11-22 07:59", "north") == {"Head"}


def test_after_30_days_no_name_is_left_but_every_count_and_sum_is(entries, now):
    entry, stays = visitor(entries), supply(entries, "masks", "100")
    entries.change(
        "visitors", entry.id, FORM.read(REGISTERS["visitors"], VISITOR, "south"), "Li", 1
    )
    ended = duty(entries, "Wu", "2026-11-23T20:00", "2026-11-24T08:00")
    lasting = duty(entries, "Head")
    assert entries.forget(now.at - 30 * DAY_S) == 0
    now.at += 31 * DAY_S
    assert entries.forget(now.at - 30 * DAY_S) == 3
    assert entries.forget(now.at - 30 * DAY_S) == 0
    for revision in entries.history("visitors", entry.id):
        assert (revision.fields, revision.by, revision.forgotten) == ({}, "", True)
    assert entries.get("duty", ended.id).fields.keys() == {"from", "to"}
    assert entries.get("duty", lasting.id).fields == {"person": "Head"}
    assert entries.sums("supplies") == {"masks": 100}
    assert entries.get("supplies", stays.id).fields == {"item": "masks", "amount": 100}
    assert len(entries.holding("visitors", now.at)) == 1  # still counted as inside


def test_what_was_forgotten_does_not_come_back_by_a_correction(entries, now):
    entry = visitor(entries)
    entries.forget(now.at + 1)
    new = FORM.read(REGISTERS["visitors"], {"celsius": "36.6"}, "north", forgotten=True)
    with pytest.raises(EntryError, match="reason"):
        entries.change("visitors", entry.id, new, "Li", 1)
    new = FORM.read(REGISTERS["visitors"], VISITOR | {"celsius": "36.6"}, "north")
    entries.change("visitors", entry.id, new, "Li", 1, "thermometer was wrong")
    assert entries.get("visitors", entry.id).fields == {"celsius": 36.6}


def test_no_personal_value_lies_in_the_database_in_clear(tmp_path, now):
    store = WebStore(tmp_path / "web.db", now)
    entries = Entries(store, Vault(tmp_path / KEY), REGISTERS)
    entry = visitor(entries)
    entries.close("visitors", entry.id, "Zhang", 1)
    store.close()
    for file in tmp_path.glob("web.db*"):
        content = file.read_bytes()
        for value in VISITOR.values():
            assert value.encode() not in content


def test_an_unknown_entry_or_register_is_not_found(entries):
    with pytest.raises(NothingFoundError):
        entries.get("visitors", 1)
    with pytest.raises(NothingFoundError):
        entries.register("parking")


def test_only_what_is_open_is_closed_and_only_what_was_closed_is_opened_again(entries):
    events = []
    entries.ending = lambda *key: events.append((key, entries.get(*key).closed_at))
    entry, stays = visitor(entries), supply(entries, "masks", "1")
    always = duty(entries, "Head")
    for register, id_ in (("duty", always.id), ("supplies", stays.id)):
        with pytest.raises(EntryError):
            entries.close(register, id_, "Li", 1)
        with pytest.raises(EntryError):
            entries.reopen(register, id_, "Li", 1)
    with pytest.raises(EntryError):
        entries.close("visitors", entry.id, "Li", 2)  # the entry has no revision 2 yet
    entries.close("visitors", entry.id, "Li", 1)
    entries.reopen("visitors", entry.id, "Li", 2)
    assert events == [(("visitors", entry.id), None)], "told once, before it is closed"


def test_entries_are_listed_by_when_they_were_made_and_counted_within_a_period(entries, now):
    begin, visits = now.at, []
    for _ in range(3):
        visits.insert(0, visitor(entries))
        now.at += 60
    end = visits[0].first_at
    assert entries.entered("visitors", begin, now.at) == visits
    assert entries.entered("visitors", begin, now.at, 1, 1) == visits[1:2]
    assert entries.entered("visitors", begin, end) == visits[1:]
    assert entries.count("visitors", begin, end) == 2
    assert entries.newest_holding("visitors", now.at) == visits[::-1]
    assert entries.open_by_gate("visitors", now.at) == {"north": 3}
    assert entries.open_by_gate("visitors", now.at, end) == {"north": 2}
    entries.close("visitors", visits[2].id, "Li", 1)
    now.at += 60
    assert [entry.id for entry in entries.between("visitors", now.at - 60, now.at)] == [
        entry.id for entry in visits[::-1]
    ]
    assert len(entries.between("visitors", now.at - 59, now.at)) == 2


def test_a_sum_has_no_more_digits_than_what_was_entered(entries):
    for amount in ("0.1", "0.2"):
        supply(entries, "masks", amount)
    assert entries.sums("supplies") == {"masks": 0.3}


def test_a_correction_moves_no_entry_in_time(entries, now):
    entry = supply(entries, "masks", "1")
    now.at += 60
    new = FORM.read(REGISTERS["supplies"], {"item": "masks", "amount": "2"})
    assert entries.change("supplies", entry.id, new, "Li", 1) == ["amount"]
    changed = entries.get("supplies", entry.id)
    assert (changed.opened_at, changed.closed_at) == (entry.opened_at, entry.closed_at)
    assert (changed.first_at, changed.at) == (entry.first_at, now.at)


def test_names_are_forgotten_at_their_limit_and_not_a_moment_before(entries, now):
    entry = visitor(entries)
    assert entries.forget(entry.first_at) == 0
    assert entries.forget(entry.first_at + 1) == 1


def test_a_personal_value_stays_readable_if_the_type_of_its_field_changes(entries):
    text = """[notes]
title = "n"
[notes.fields]
note = { title = "n", personal = true }
"""
    entries.registers = REGISTERS | parse(text, "f")
    form = [{"note": note} for note in ("36.6", "nan", "1e300", "n")]
    read = [FORM.read(entries.register("notes"), fields) for fields in form]
    ids = [entries.add("notes", new, "Li").id for new in read]
    as_text = [entries.get("notes", id_).fields["note"] for id_ in ids]
    assert as_text == ["36.6", "nan", "1e300", "n"]
    entries.registers |= parse(text.replace("true", 'true, type = "number"'), "f")
    as_numbers = [entries.get("notes", id_).fields["note"] for id_ in ids]
    assert as_numbers == [36.6, "nan", "1e300", "n"]


def test_an_entry_with_only_an_end_begins_when_it_was_made(entries, now):
    text = """[rooms]
title = "r"
end = "to"
[rooms.fields]
to = { title = "t", type = "time" }
"""
    entries.registers = REGISTERS | parse(text, "f")
    entry = entries.add("rooms", FORM.read(entries.register("rooms"), {"to": now.at + 60.0}), "Li")
    assert (entry.opened_at, entry.closed_at) == (now.at, now.at + 60)


@pytest.mark.parametrize("database_text", ["postgresql"], indirect=True)
def test_two_who_correct_an_entry_at_once_do_not_overwrite_each_other(entries, monkeypatch):
    """Only on the campus server: at a gateway the second correction waits for the first."""
    entry, expected = visitor(entries), Entries._expected
    south, north = (FORM.read(REGISTERS["visitors"], VISITOR, gate) for gate in ("south", "north"))

    def meanwhile(*of):
        row = expected(*of)
        monkeypatch.setattr(Entries, "_expected", expected)
        change = ("visitors", entry.id, south, "Li", 1)
        thread = threading.Thread(target=entries.change, args=change)
        thread.start()
        thread.join()
        return row

    monkeypatch.setattr(Entries, "_expected", meanwhile)
    with pytest.raises(EntryError, match="meanwhile"):
        entries.change("visitors", entry.id, north, "Zhang", 1)
    assert entries.get("visitors", entry.id).gate == "south"
