"""Any settings or command message ends in an error of one line, or in valid settings."""

import json
from pathlib import Path

import pytest
import real_micropython as micropython
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk import settings_check
from kiosk.calibration import calibration_from
from kiosk.errors import CalibrationError, SettingsError, plain
from kiosk.remote_settings import FIELDS, RemoteSettings
from kiosk.settings import Settings

OWN = {
    "kiosk": "north-1",
    "campus": "east",
    "broker_host": "10.0.0.2",
    "username": "north-1",
    "password": "secret",
}
FROM_THE_FACTORY = Settings(OWN)
NOT_FROM_AFAR = {
    "kiosk": "north-2",
    "role": "kiosk",
    "campus": "west",
    "gate": "south",
    "supply_v": 3.3,
    "wifi_ssid": "somebody's",
    "wifi_ssid_hex": "4142",
    "wifi_password": "another one",
    "address": "10.0.0.7",
    "netmask": "255.255.0.0",
    "router": "10.0.0.254",
    "name_server": "10.0.0.53",
    "broker_host": "10.6.6.6",
    "broker_port": 1883,
    "broker_name": "somebody",
    "username": "admin",
    "password": "another",
    "ntp_host": "10.6.6.6",
    "ntp_port": 1123,
    "update_key": "another",
    "card_key": "ab" * 32,
}
"""Each field that only the board's own settings.json may set, with a value that it might have."""

SECRETS = ("kiosk", "campus", "broker_host", "broker_port", "username", "password")

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["22:00", "06:3", "zh", "canthus", "auto", "", "99:99", "٢٢:٠٠"])
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
names = st.sampled_from(FIELDS) | st.sampled_from(SECRETS) | st.text(max_size=12)
nearly = st.fixed_dictionaries(
    {},
    optional={
        "version": st.integers(-1, 5) | json_values,
        "values": st.dictionaries(names, json_values, max_size=5) | json_values,
        "calibration": json_values,
    },
)
examples = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@examples
@given(message=nearly | json_values)
def test_any_settings_message_leaves_valid_settings_in_force(tmp_path, message):
    remote = RemoteSettings(OWN, str(tmp_path / "remote"))
    before = remote.version
    try:
        remote.take(message)
    except SettingsError as error:
        assert plain(error).isascii() and plain(error).isprintable() and len(plain(error)) <= 64
        assert remote.version == before
    in_force = remote.settings
    assert all(getattr(in_force, name) == getattr(FROM_THE_FACTORY, name) for name in SECRETS)
    assert 35 <= in_force.threshold_c <= 40 and 0 <= in_force.volume <= 100
    in_force.is_quiet(1_795_400_000)
    assert RemoteSettings(OWN, str(tmp_path / "remote")).version == remote.version


valid = st.fixed_dictionaries(
    {},
    optional={
        "site": st.sampled_from(["canthus", "forehead"]),
        "threshold_c": st.floats(35, 40),
        "confirm_scans": st.integers(0, 3),
        "language": st.sampled_from(["zh", "en"]),
        "volume": st.integers(0, 100),
        "brightness": st.integers(1, 100),
    },
)


@examples
@given(values=valid, name=st.sampled_from(sorted(NOT_FROM_AFAR)), last=st.booleans())
def test_a_message_with_one_field_of_the_boards_own_is_refused_whole(tmp_path, values, name, last):
    own = OWN | {"netmask": "255.255.255.0", "router": "10.0.0.1"}
    stranger = {name: NOT_FROM_AFAR[name]}
    Settings(own | values | stranger)  # valid in settings.json: the value is not the reason
    remote = RemoteSettings(own, str(tmp_path / "fresh"))
    version = remote.version + 1
    mixed = values | stranger if last else stranger | values
    with pytest.raises(SettingsError, match=name):
        remote.take({"version": version, "values": mixed})
    assert remote.version == version - 1
    assert getattr(remote.settings, name) == getattr(Settings(own), name)
    assert remote.take({"version": version, "values": values})
    assert getattr(remote.settings, name) == getattr(Settings(own), name)


def test_every_field_may_be_set_from_afar_or_is_the_boards_own():
    assert sorted(settings_check._FIELDS) == sorted([*FIELDS, *NOT_FROM_AFAR])


@examples
@given(message=json_values)
def test_any_calibration_is_refused_or_shifts_readings_within_bounds(message):
    try:
        unit = calibration_from(message)
    except CalibrationError:
        return
    assert 30 < unit.object_c(36.0) < 42
    json.dumps(unit.sensor)


def test_ten_thousand_hostile_messages_leave_a_board_as_it_was(tmp_path, interpreter):
    """Settings, calibrations, commands, offers and pieces of updates, and `stored` messages, on
    MicroPython."""
    output = micropython.run(
        str(Path(__file__).parent / "hostile_on_board.py"),
        *(str(micropython.ROOT / "firmware"), "10000"),
        cwd=tmp_path,
        interpreter=interpreter,
    )
    assert output.splitlines()[-1] == "took 10000"
    # Some of the messages were valid, and took effect.
    for word in ("settings applied", "reference True", "update refused", "not understood"):
        assert word in output
