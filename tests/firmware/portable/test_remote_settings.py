"""Settings from the gateway are taken all or none; the last valid ones are kept."""

import os

from kiosk.errors import SettingsError
from kiosk.remote_settings import RemoteSettings

OWN = {
    "kiosk": "north-1",
    "campus": "east",
    "broker_host": "10.0.0.2",
    "username": "north-1",
    "password": "secret",
    "threshold_c": 37.3,
}
PATH = "remote-test"


def fresh():
    for name in os.listdir():
        if name.startswith(PATH):
            os.remove(name)
    return RemoteSettings(OWN, PATH)


def refusal(remote, message):
    try:
        remote.take(message)
    except SettingsError as error:
        return str(error)
    return ""


def test_without_a_message_from_the_gateway_the_boards_own_settings_are_in_force():
    remote = fresh()
    assert remote.version == 0 and remote.settings.threshold_c == 37.3


def test_what_came_is_in_force_and_outlives_a_power_cut():
    remote = fresh()
    assert remote.take({"version": 3, "values": {"threshold_c": 37.1, "language": "en"}})
    for instance in (remote, RemoteSettings(OWN, PATH)):
        assert instance.version == 3
        assert (instance.settings.threshold_c, instance.settings.language) == (37.1, "en")
        assert instance.settings.password == "secret"


def test_the_same_again_changes_nothing():
    remote = fresh()
    message = {"version": 3, "values": {"threshold_c": 37.1}}
    assert remote.take(message)
    assert not remote.take(message)


def test_a_value_that_is_no_longer_sent_is_the_kiosks_own_again():
    remote = fresh()
    remote.take({"version": 3, "values": {"threshold_c": 37.1, "volume": 20}})
    remote.take({"version": 4, "values": {"volume": 20}})
    assert remote.settings.threshold_c == 37.3 and remote.settings.volume == 20


def test_what_is_wrong_is_named_and_the_last_good_ones_stay():
    remote = fresh()
    remote.take({"version": 3, "values": {"threshold_c": 37.1}})
    for message, reason in (
        ({"version": 4, "values": {"threshold_c": 20, "volume": 5}}, "threshold_c: expected 35"),
        ({"version": 4, "values": {"volume": "loud"}}, "volume: expected int"),
        ({"version": 4, "values": {"password": "mine"}}, "password: cannot be set from"),
        ({"version": 4, "values": {"broker_host": "evil"}}, "broker_host: cannot be set from"),
        ({"version": 4, "values": []}, "values: expected an object"),
        ({"version": "4", "values": {}}, "version: expected int"),
        ({"version": -1, "values": {}}, "version: expected 0"),
        ({"version": 2, "values": {}}, "version 2: 3 is in force"),
        ([], "expected a JSON object"),
        ({}, "version: expected int"),
    ):
        assert refusal(remote, message).startswith(reason), message
        assert remote.version == 3
        assert remote.settings.threshold_c == 37.1 and remote.settings.volume == 100
    assert RemoteSettings(OWN, PATH).settings.threshold_c == 37.1


def test_stored_settings_that_are_damaged_are_ignored():
    remote = fresh()
    remote.take({"version": 3, "values": {"threshold_c": 37.1}})
    other = dict(OWN, site="ear")
    try:
        RemoteSettings(other, PATH)
    except SettingsError as error:
        assert "site" in str(error)  # the board's own settings are wrong, and the error says so
    else:
        raise AssertionError("taken")
    with open(PATH + ".a", "w") as file:
        file.write("rot")
    assert RemoteSettings(OWN, PATH).version == 0


def test_the_gateway_can_turn_cards_on_if_the_kiosk_has_its_key_but_cannot_set_the_key():
    remote = fresh()
    on = {"version": 3, "values": {"card": "record", "card_reader": "line", "card_base": 16}}
    assert refusal(remote, on).startswith("card_key: expected")
    assert remote.settings.card == "off"
    for name in os.listdir():
        if name.startswith(PATH):
            os.remove(name)
    remote = RemoteSettings(dict(OWN, card_key="0f" * 32), PATH)
    assert remote.take(on) and remote.settings.card == "record" and remote.settings.card_base == 16
    key = {"version": 4, "values": {"card_key": "00" * 32}}
    assert refusal(remote, key) == "card_key: cannot be set from the gateway"
