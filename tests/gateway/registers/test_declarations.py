"""registers.toml: what is shipped, what a site adds, and what a mistake in it is told as."""

import pytest
from register_helpers import LOAN

from fevergate.errors import SettingsError
from fevergate.registers.declarations import (
    load_registers,
    parse,
    read_registers,
    shipped,
)


def test_four_registers_are_shipped_each_in_chinese_and_english():
    registers = shipped()
    assert list(registers) == ["visitors", "disinfection", "supplies", "duty"]
    for register in registers.values():
        named = [register, *register.fields.values()]
        named += [choice for field in register.fields.values() for choice in field.choices]
        assert all(one.title and one.title_en for one in named)
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


def test_choices_that_are_there_twice_or_belong_to_a_text_are_refused():
    head = '[a]\ntitle = "a"\n[a.fields]\n'
    choices = 'choices = [{ name = "x", title = "x" }, { name = "x", title = "x" }]'
    with pytest.raises(SettingsError, match=r"line 4: a\.fields\.b\.choices: the same name"):
        parse(f'{head}b = {{ title = "b", type = "choice", {choices} }}\n', "f")
    with pytest.raises(SettingsError, match="expected type choice or place"):
        parse(f'{head}b = {{ title = "b", {choices} }}\n', "f")


def test_a_damaged_file_takes_no_page_away_and_the_last_sound_one_is_in_force(tmp_path, caplog):
    file = tmp_path / "registers.toml"
    file.write_text("[broken")
    assert list(load_registers(tmp_path)) == list(shipped())
    file.write_text(LOAN)
    assert "thermometers" in load_registers(tmp_path)
    file.write_bytes(b"\0\0\0\xff")
    assert "thermometers" in load_registers(tmp_path)
    assert "the last sound registers are taken" in caplog.text
    file.unlink()  # taken away on purpose
    assert list(load_registers(tmp_path)) == list(shipped())
