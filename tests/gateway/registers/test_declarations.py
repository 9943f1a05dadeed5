"""registers.toml: the shipped registers, those that a site adds, and how a mistake is reported."""

from importlib import resources

import pytest
from register_helpers import LOAN

from fevergate.errors import SettingsError
from fevergate.registers.declarations import (
    MAX_FIELDS,
    MAX_REGISTERS,
    load_registers,
    parse,
    read_registers,
    shipped,
)


def test_four_registers_are_shipped_each_in_chinese_and_english():
    registers = shipped()
    assert list(registers) == ["visitors", "disinfection", "supplies", "duty"]
    for register in registers.values():
        titled = [register, *register.fields.values()]
        titled += [choice for field in register.fields.values() for choice in field.choices]
        assert all(item.title and item.title_en for item in titled)
    assert registers["visitors"].personal == ["name", "unit", "phone", "whom", "why"]


def test_a_site_adds_a_register_and_replaces_a_shipped_one(tmp_path):
    supplies = '[supplies]\ntitle = "物资"\n[supplies.fields]\nwhat = { title = "物资" }\n'
    (tmp_path / "registers.toml").write_text(LOAN + supplies)
    registers = read_registers(tmp_path)
    assert list(registers) == ["visitors", "disinfection", "supplies", "duty", "thermometers"]
    assert list(registers["supplies"].fields) == ["what"]
    assert registers["thermometers"].name == "thermometers"
    assert registers["thermometers"].closing_button("en") == "Given back"


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('title = "体温计借用"', "title = 5", "line 3: thermometers.title: expected `str`"),
        ("open = true", "opens = true", "line 5: thermometers.opens: unknown key"),
        ('until = "back_by"', 'until = "back"', "line 8: thermometers.until: there is no field"),
        ('until = "back_by"', 'until = "number"', "line 8: thermometers.until: 'number' must be"),
        (
            '"person"',
            '"human"',
            "line 11: thermometers.fields.borrower.type: invalid enum value 'human'",
        ),
        (
            '"time" }',
            '"choice" }',
            "line 8: thermometers.until: 'back_by'|line 12: .*fields.back_by: a choice needs",
        ),
        (
            'title = "编号", ',
            "",
            "line 10: thermometers.fields.number.title: missing, but required",
        ),
        ("number =", "Number =", r"line 10: .*Number: expected a name of \[a-z0-9_\]"),
        ("open = true\n", "", "line 5: thermometers.close: needs open = true"),
        ('title = "体温计借用"', 'name = "x"\ntitle = "x"', "line 3: thermometers.name: unknown"),
        ("[thermometers]", "[Thermometers]", "line [12]: Thermometers: expected a name of"),
        ('"编号"', '"编号', r"not TOML: .*line 10"),
        ('"归还"', '""\ndue = "daily"', "line 7: thermometers.due: needs each"),
        (
            '"归还"',
            '""\nclosing = "24:00"',
            "line 7: thermometers.closing: expected `str`",
        ),
    ],
)
def test_a_mistake_is_told_with_file_line_field_and_what_was_expected(tmp_path, right, wrong, told):
    file = tmp_path / "registers.toml"
    file.write_text(LOAN.replace(right, wrong, 1))
    with pytest.raises(SettingsError, match=told) as error:
        read_registers(tmp_path)
    assert str(error.value).startswith(f"{file}: ")
    assert "\n" not in str(error.value)


OPEN = 'open = true\nclose = "归还"\n'
"""Lines of `LOAN`, before the line with the English text of its button."""

SHIPPED = resources.files("fevergate.registers").joinpath("registers.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (OPEN, "", "close_en: needs open = true"),
        (f'{OPEN}close_en = "Given back"\n', "", "until: needs open = true"),
        (
            f'{OPEN}close_en = "Given back"\nuntil = "back_by"',
            'closing = "22:00"',
            "closing: needs open = true",
        ),
        ('until = "back_by"', 'begin = "back_by"', "open: entries with begin or end are not"),
        ('until = "back_by"', 'end = "back_by"', "open: entries with begin or end are not"),
        ('until = "back_by"', 'begin = "number"', "begin: 'number' must be a time"),
        ('until = "back_by"', 'end = "number"', "end: 'number' must be a time"),
        ('"time"', '"time", personal = true', "until: 'back_by' must be a time, not personal"),
        ('sum = "amount"', 'sum = "note"', "sum: 'note' must be a number"),
        ('sum = "amount"\n', "", "supplies: low needs sum"),
        ('each = "item"\n', "", "sum: needs each"),
        ('"place", required = true', '"place"', "each: 'place' must be a required field"),
        ("min = 0, max = 1000000", "min = 1, max = 0", "max: expected min, max from"),
        ("min = 0, max = 1000000", "max = 1.1e9", "max: expected min, max from"),
        ("min = 0, max = 1000000", "min = -1.1e9", "max: expected min, max from"),
        ("[thermometers]", f"[{'t' * 33}]", r"expected a name of \[a-z0-9-\]"),
        ("number =", f"{'n' * 33} =", r"expected a name of \[a-z0-9_\]"),
        ("[thermometers]", "wrong = 1\n[thermometers]", "wrong: expected a table, "),
        ("[thermometers.fields]", "[thermometers.fields]\nwrong = 1", "wrong: expected a table "),
    ],
)
def test_what_does_not_fit_the_rest_of_the_file_is_refused(right, wrong, told):
    text = LOAN if right in LOAN else SHIPPED
    assert parse(text, "f")
    with pytest.raises(SettingsError, match=told):
        parse(text.replace(right, wrong, 1), "f")


def many(registers, fields=1, name="r"):
    fields_text = "".join(f'f{number} = {{ title = "f" }}\n' for number in range(fields))
    heads = (f'[{name}{n}]\ntitle = "r"\n[{name}{n}.fields]\n' for n in range(registers))
    return "".join(head + fields_text for head in heads)


def test_as_many_registers_and_fields_as_fit_are_read_and_no_more(tmp_path):
    file, room = tmp_path / "registers.toml", MAX_REGISTERS - len(shipped())
    file.write_text(many(room))
    assert len(read_registers(tmp_path)) == MAX_REGISTERS
    file.write_text(many(room + 1))
    with pytest.raises(SettingsError, match="at most 32 registers with the shipped"):
        read_registers(tmp_path)
    assert len(parse(many(1, MAX_FIELDS, "r" * 31), "f")["r" * 31 + "0"].fields) == MAX_FIELDS
    for fields in (0, MAX_FIELDS + 1):
        with pytest.raises(SettingsError, match=r"r0\.fields: expected 1 to 24 fields"):
            parse(many(1, fields), "f")
    with pytest.raises(SettingsError, match="r0: expected 1 to 24 fields"):
        parse('[r0]\ntitle = "r"\n', "f")


@pytest.mark.parametrize("key", ["begin", "end"])
def test_an_entry_that_has_a_begin_or_an_end_holds_for_some_time(key):
    time = f'[a]\ntitle = "a"\n{key} = "b"\n[a.fields]\nb = {{ title = "b", type = "time" }}\n'
    assert parse(time, "f")["a"].holds
    assert not parse(many(1), "f")["r0"].holds


def test_a_button_with_one_name_has_it_in_both_languages():
    for removed in ("close =", "close_en ="):
        one_name = "".join(line for line in LOAN.splitlines(True) if not line.startswith(removed))
        register = parse(one_name, "f")["thermometers"]
        assert register.closing_button("zh") == register.closing_button("en") != ""
    register = parse(LOAN, "f")["thermometers"]
    assert (register.closing_button("zh"), register.closing_button("en")) == ("归还", "Given back")


def test_a_place_may_be_one_of_the_sites_own_or_another():
    further = LOAN.replace(
        "required = true }", 'type = "place", choices = [{ name = "x", title = "x" }] }', 1
    )
    assert parse(further, "f")["thermometers"].fields["number"].choices[0].name == "x"


def test_choices_that_are_there_twice_or_belong_to_a_text_are_refused():
    head = '[a]\ntitle = "a"\n[a.fields]\n'
    choices = 'choices = [{ name = "x", title = "x" }, { name = "x", title = "x" }]'
    with pytest.raises(SettingsError, match=r"line 4: a\.fields\.b\.choices: the same name"):
        parse(f'{head}b = {{ title = "b", type = "choice", {choices} }}\n', "f")
    with pytest.raises(SettingsError, match="expected type choice or place"):
        parse(f'{head}b = {{ title = "b", {choices} }}\n', "f")


def test_a_damaged_file_stops_no_page_and_the_last_sound_one_stays_in_force(tmp_path, caplog):
    file = tmp_path / "registers.toml"
    file.write_text("[broken")
    assert list(load_registers(tmp_path)) == list(shipped())
    file.write_text(LOAN)
    assert "thermometers" in load_registers(tmp_path)
    file.write_bytes(b"\0\0\0\xff")
    assert "thermometers" in load_registers(tmp_path)
    assert "the last sound registers are taken" in caplog.text
    file.unlink()  # removed on purpose
    assert list(load_registers(tmp_path)) == list(shipped())
    file.write_text("[broken")
    assert list(load_registers(tmp_path)) == list(shipped())
