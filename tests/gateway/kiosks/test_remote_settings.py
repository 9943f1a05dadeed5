"""What a person asks of a kiosk, in a command or on its page, is checked before it is sent."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict
from samples import AT, settings

from fevergate.errors import ActionError, KioskValueError
from fevergate.kiosks import remote_settings
from fevergate.kiosks.remote_settings import (
    BASELINE_C,
    FIELDS,
    THRESHOLD_C,
    current,
    set_values,
    values_of,
)
from fevergate.kiosks.settings_command import settings_command
from fevergate.protocol.messages import (
    Applied,
    CalibrationRecord,
    KioskSettings,
    KioskValues,
    decode,
    encode,
)
from fevergate.storage.records import SettingsApplied
from fevergate.storage.store import Store
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
def test_the_error_for_an_impossible_value_names_it_and_what_was_expected(field, value, expected):
    with pytest.raises(KioskValueError, match=expected):
        values_of({field: value})


def test_quiet_hours_are_two_times_or_off():
    hours = values_of({"quiet": "7:05-22:30"})
    assert (hours.quiet_from, hours.quiet_to) == ("07:05", "22:30")
    assert values_of({"quiet": "off"}) == KioskValues(quiet_from="", quiet_to="")


def test_the_command_has_an_option_for_each_value_of_the_page():
    assert set(FIELDS) <= {option.name for option in settings_command.params}


TOPIC = "fevergate/v1/east/north-1/settings"


class Kiosk:
    """A kiosk's retained settings and the store with its answers."""

    def __init__(self, folder):
        self.store = Store(folder / "fevergate.db")
        self.retained = {}

    def publish(self, _settings, topic, payload, *, retain):
        assert retain
        self.retained[topic] = payload

    def answer(self, version):
        self.store.commit([SettingsApplied(Applied(kiosk="north-1", version=version), AT, "north")])

    def set(self, reset=False, shown_version=None, **values):
        return set_values(
            settings(),
            self.store.db,
            "north-1",
            KioskValues(**values),
            reset=reset,
            shown_version=shown_version,
        )


@pytest.fixture
def kiosk(tmp_path, monkeypatch):
    kiosk = Kiosk(tmp_path)
    monkeypatch.setattr(remote_settings, "publish_once", kiosk.publish)
    monkeypatch.setattr(
        remote_settings, "read_retained", lambda _settings, topic: kiosk.retained.get(topic)
    )
    yield kiosk
    kiosk.store.close()


def test_what_is_set_is_retained_for_that_kiosk_alone_with_the_hour_of_the_campus(kiosk):
    message = kiosk.set(volume=40)
    assert set(kiosk.retained) == {TOPIC}
    assert decode(kiosk.retained[TOPIC], KioskSettings) == message == current(settings(), "north-1")
    offset = datetime.now(settings().zone).utcoffset()
    assert offset and message.values.utc_offset_min == offset.total_seconds() / 60 == 480


def test_one_value_after_another_leaves_the_first_and_a_reset_does_not(kiosk):
    kiosk.set(volume=40, language="en")
    values = kiosk.set(volume=60).values
    assert (values.volume, values.language) == (60, "en")
    values = kiosk.set(reset=True, brightness=10).values
    assert (values.volume, values.language, values.brightness) == (None, None, 10)


def test_what_else_is_retained_beside_the_values_stays(kiosk):
    calibration = CalibrationRecord(
        sensor="0" * 16, at=AT, by="Li", method="person", offset_c=0.2, uncertainty_c=0.3
    )
    kiosk.retained[TOPIC] = encode(KioskSettings(version=5, calibration=calibration))
    assert kiosk.set(volume=40).calibration == calibration
    assert current(settings(), "north-1").calibration == calibration


@pytest.mark.parametrize(("retained", "applied", "next_version"), [(4, 2, 5), (4, 9, 10)])
def test_a_new_version_is_above_all_that_the_kiosk_may_know(kiosk, retained, applied, next_version):
    kiosk.retained[TOPIC] = encode(KioskSettings(version=retained))
    kiosk.answer(applied)
    assert kiosk.set(volume=40).version == next_version


def test_damaged_retained_settings_are_replaced_by_a_version_the_kiosk_takes(kiosk):
    kiosk.retained[TOPIC] = b"{"
    kiosk.answer(7)
    assert current(settings(), "north-1") == KioskSettings()
    assert kiosk.set(volume=40).version == 8


@pytest.mark.parametrize("shown_version", [0, 1, 3])
def test_nobody_sets_over_what_somebody_else_set_meanwhile(kiosk, shown_version):
    kiosk.set(volume=40)
    kiosk.set(volume=50)
    before = dict(kiosk.retained)
    with pytest.raises(ActionError, match="meanwhile_set"):
        kiosk.set(shown_version=shown_version, volume=60)
    assert kiosk.retained == before
    assert kiosk.set(shown_version=2, volume=60).version == 3
