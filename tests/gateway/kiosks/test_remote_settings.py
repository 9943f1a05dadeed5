"""What a person asks of a kiosk, in a command or on its page, is checked before it is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from fevergate.errors import KioskValueError
from fevergate.kiosks.remote_settings import BASELINE_C, FIELDS, THRESHOLD_C, values_of
from fevergate.kiosks.settings_command import settings_command
from fevergate.protocol.messages import KioskSettings, KioskValues, decode, encode
from kiosk.estimate import SITES

VALUES = st.fixed_dictionaries(
    {},
    optional={
        "threshold_c": st.floats(*THRESHOLD_C),
        "site": st.sampled_from(sorted(SITES)),
        "confirm_scans": st.integers(0, 3),
        "baseline": st.sampled_from(["auto", "fixed", "off"]),
        "baseline_c": st.floats(*BASELINE_C),
        "language": st.sampled_from(["zh", "en"]),
        "volume": st.integers(0, 100),
        "brightness": st.integers(1, 100),
        "notice": st.text("ab 今日", max_size=8),
    },
)


@given(VALUES)
def test_a_form_and_a_command_ask_for_the_same_and_it_can_be_sent(fields):
    values = values_of(fields)
    assert values_of({name: str(value) for name, value in fields.items()}) == values
    set_here = {name: value for name, value in asdict(values).items() if value is not None}
    set_here.pop("notice_glyphs", None)
    assert set_here == fields
    sent = KioskSettings(version=1, values=values)
    assert decode(encode(sent), KioskSettings) == sent


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        *[("threshold_c", value, "threshold_c: expected `float`") for value in ("50", "nan", "no")],
        ("baseline_c", "-inf", "baseline_c: expected `float` >= -0.8"),
        ("site", "toe", "site: invalid enum value 'toe'"),
        ("volume", "101", "volume: expected `int` <= 100"),
        ("brightness", 0, "brightness: expected `int` >= 1"),
        *[("quiet", text, "HH:MM-HH:MM") for text in ("night", "22:00", "22:00-24:30", "-", "")],
        ("notice", "x" * 99, "notice 'x"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_what_was_expected(field, value, expected):
    with pytest.raises(KioskValueError, match=expected):
        values_of({field: value})


def test_quiet_hours_are_two_times_or_off():
    hours = values_of({"quiet": "7:05-22:30"})
    assert (hours.quiet_from, hours.quiet_to) == ("07:05", "22:30")
    assert values_of({"quiet": "off"}) == KioskValues(quiet_from="", quiet_to="")


def test_the_command_has_an_option_for_each_value_of_the_page():
    assert set(FIELDS) <= {option.name for option in settings_command.params}
