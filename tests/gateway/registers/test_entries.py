"""Entries of registers: kept with every revision, summed, closed and forgotten, on both kinds of
database."""

from zoneinfo import ZoneInfo

import pytest
from campus_site import Clock, local
from hypothesis import given
from hypothesis import strategies as st

from fevergate.campus.account_store import AccountStore
from fevergate.campus.database import CampusDatabase, database_url
from fevergate.crypto.field_encryption import KEY, Vault
from fevergate.errors import EntryError, NothingFoundError
from fevergate.registers.declarations import shipped
from fevergate.registers.entries import MAX_ID, Entries, new_id
from fevergate.registers.entry_form import EntryForm
from fevergate.web_common.store import WebStore

REGISTERS = shipped()
DAY_S = 86400
VISITOR = {"name": "王小明", "phone": "13800000001", "whom": "Chen Jing", "unit": "送货"}
FORM = EntryForm(ZoneInfo("Asia/Shanghai"), ["north", "south"], ["north", "north/north-1"])


@pytest.fixture
def now():
    return Clock("2026-11-23 09:00")


@pytest.fixture
def entries(database_text, tmp_path, now):
    """The store of a gateway (SQLite), or of a campus server (PostgreSQL)."""
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
    assert entries.holding("visitors", now.at - 1) != []  # then they were
    closed, opened = entries.history("visitors", entry.id)
    assert (closed.by, closed.closed_at, closed.revision) == ("Li", now.at, 2)
    assert opened == entry


def test_a_form_that_is_sent_twice_makes_one_entry(entries, now):
    id_ = new_id()
    first = visitor(entries, id_=id_)
    now.at += 2
    assert visitor(entries, id_=id_, name="another") == first
    assert entries.count("visitors", 0, now.at + 1) == 1
    with pytest.raises(EntryError):
        visitor(entries, id_=MAX_ID + 1)


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


def test_supplies_are_summed_by_item_with_what_was_corrected(entries):
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


def test_after_30_days_no_name_is_left_and_every_count_and_sum_is(entries, now):
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


def test_what_does_not_exist_is_told(entries):
    with pytest.raises(NothingFoundError):
        entries.get("visitors", 1)
    with pytest.raises(NothingFoundError):
        entries.register("parking")


@pytest.mark.parametrize(
    ("register", "form", "gate", "field", "reason"),
    [
        ("visitors", VISITOR | {"name": " "}, "north", "name", "required"),
        ("visitors", VISITOR | {"name": "x" * 65}, "north", "name", "long"),
        ("visitors", VISITOR | {"unit": "a\0b"}, "north", "unit", "unprintable"),
        ("visitors", VISITOR, "", "gate", "gate"),
        ("visitors", VISITOR, "west", "gate", "gate"),
        ("visitors", VISITOR | {"celsius": "50"}, "north", "celsius", "clinical"),
        ("visitors", VISITOR | {"until": "tomorrow"}, "north", "until", "time"),
        ("visitors", VISITOR | {"until": "0001-01-01T00:00"}, "north", "until", "time"),
        ("visitors", VISITOR | {"until": 1e300}, "north", "until", "time"),
        ("visitors", VISITOR | {"plate": "x"}, "north", "plate", "field"),
        ("supplies", {"item": "gold", "amount": "1"}, "", "item", "choice"),
        ("supplies", {"item": "masks", "amount": "nan"}, "", "amount", "number"),
        ("supplies", {"item": "masks", "amount": "1e10"}, "", "amount", "number"),
        ("disinfection", {"place": "roof", "agent": "uv", "by": "Li"}, "", "place", "choice"),
        (
            "duty",
            {"person": "Li", "from": "2026-11-23T08:00", "to": "2026-11-23T08:00"},
            "",
            "to",
            "order",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_its_field(register, form, gate, field, reason):
    with pytest.raises(EntryError) as error:
        FORM.read(REGISTERS[register], form, gate)
    assert (error.value.field, error.value.reason) == (field, reason)


@given(
    form=st.dictionaries(
        st.sampled_from([*REGISTERS["visitors"].fields, "other"]),
        st.text(max_size=80) | st.floats() | st.none(),
    )
)
def test_whatever_is_entered_is_read_or_refused_by_a_field(form):
    register = REGISTERS["visitors"]
    try:
        new = FORM.read(register, form, "north")
    except EntryError:
        return
    assert set(new.personal) <= set(register.personal)
    assert not set(new.public) & set(register.personal)
    assert FORM.read(register, new.public | new.personal, "north") == new
