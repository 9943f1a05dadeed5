"""What a person or a program enters is read as it was meant, or refused with the name of its
field."""

from zoneinfo import ZoneInfo

import pytest
from campus_site import local
from hypothesis import given
from hypothesis import strategies as st
from register_helpers import VISITOR

from fevergate.errors import EntryError
from fevergate.registers.declarations import parse, shipped
from fevergate.registers.entry_form import MAX_PERSON, MAX_TEXT, EntryForm

REGISTERS = shipped()
FORM = EntryForm(ZoneInfo("Asia/Shanghai"), ["north", "south"], ["north", "north/north-1"])


@pytest.mark.parametrize(
    ("register", "form", "gate", "field", "reason"),
    [
        ("visitors", VISITOR | {"name": " "}, "north", "name", "required"),
        ("visitors", VISITOR | {"name": "x" * 65}, "north", "name", "long"),
        ("visitors", VISITOR | {"unit": "x" * (MAX_TEXT + 1)}, "north", "unit", "long"),
        ("visitors", VISITOR | {"unit": "a\0b"}, "north", "unit", "unprintable"),
        ("visitors", VISITOR | {"x" * 99: "x"}, "north", "x" * 32, "field"),
        ("visitors", VISITOR | {"celsius": "29.9"}, "north", "celsius", "clinical"),
        ("visitors", VISITOR | {"until": "3000-01-01T00:00"}, "north", "until", "time"),
        ("visitors", VISITOR | {"until": "1999-12-31T23:59"}, "north", "until", "time"),
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


@pytest.mark.parametrize(
    ("field", "given", "read"),
    [
        ("name", "x" * MAX_PERSON, "x" * MAX_PERSON),
        ("unit", " a \n b ", "a b"),
        ("unit", "x" * MAX_TEXT, "x" * MAX_TEXT),
        ("celsius", "36,65", 36.65),
        ("celsius", "36.6504", 36.65),
        ("celsius", "30", 30.0),
        ("celsius", 45.0, 45.0),
        ("until", "2026-11-23T09:00", local("2026-11-23 09:00")),
        ("until", "2026-11-23T01:00+00:00", local("2026-11-23 09:00")),
        ("until", "2000-01-01T00:00", local("2000-01-01 00:00")),
        ("until", local("2026-11-23 09:00"), local("2026-11-23 09:00")),
    ],
)
def test_a_value_is_read_as_it_was_meant(field, given, read):
    new = FORM.read(REGISTERS["visitors"], VISITOR | {field: given}, "north")
    assert (new.public | new.personal)[field] == read


def test_a_gate_is_one_of_the_site_where_the_register_has_one():
    supply = {"item": "masks", "amount": "1"}
    assert FORM.read(REGISTERS["supplies"], supply, "west").gate == ""
    for gate in ("", "south"):
        assert FORM.read(REGISTERS["duty"], {"person": "Li"}, gate).gate == gate
    with pytest.raises(EntryError, match="gate"):
        FORM.read(REGISTERS["duty"], {"person": "Li"}, "west")


def test_a_place_is_one_of_the_site_or_one_that_the_register_adds():
    text = """[a]
title = "a"
[a.fields]
place = { title = "a", type = "place", choices = [{ name = "roof", title = "r" }] }
"""
    register = parse(text, "f")["a"]
    for place in ("roof", "north", "north/north-1"):
        assert FORM.read(register, {"place": place}).public == {"place": place}
