"""The board's settings; a wrong one is refused with its field and what was expected."""

from kiosk.errors import SettingsError
from kiosk.settings import Settings, read

GOOD = {
    "kiosk": "north-1",
    "campus": "east",
    "broker_host": "10.0.0.2",
    "username": "north-1",
    "password": "x",
}


def refusal(**changes):
    values = dict(GOOD)
    values.update(changes)
    try:
        Settings({name: value for name, value in values.items() if value is not None})
    except SettingsError as error:
        return str(error)
    return ""


def test_defaults_are_those_of_the_product():
    settings = Settings(GOOD)
    assert settings.threshold_c == 37.3
    assert settings.site == "canthus"
    assert settings.broker_port == 8883


def test_what_is_wrong_is_named():
    assert refusal(kiosk=None) == "kiosk: missing, expected str"
    assert refusal(broker_port="8883") == "broker_port: expected int"
    assert refusal(site="ear").startswith("site: expected one of canthus")
    assert refusal(threshold_c=20).startswith("threshold_c: expected 35 to 40")
    assert refusal(threshold_c=True) == "threshold_c: expected float"
    assert refusal(broker_port=0).startswith("broker_port")
    assert refusal(kiosk="") == "kiosk: is empty"


def test_a_whole_number_is_a_temperature_too():
    assert Settings(dict(GOOD, threshold_c=37)).threshold_c == 37.0


def test_a_missing_or_broken_file_is_named():
    for content in (None, "{", "[]"):
        name = "no-such-settings.json"
        if content is not None:
            name = "settings-test.json"
            with open(name, "w") as file:
                file.write(content)
        try:
            read(name)
        except SettingsError as error:
            assert name in str(error)
        else:
            raise AssertionError(content)


def test_quiet_hours_pass_midnight_in_the_kiosks_zone():
    settings = Settings(dict(GOOD, quiet_from="22:00", quiet_to="06:30"))
    midnight = 20_780 * 86400 - 8 * 3600  # in Shanghai
    assert not settings.is_quiet(midnight - 2 * 3600 - 60)
    assert settings.is_quiet(midnight - 2 * 3600)
    assert settings.is_quiet(midnight + 6 * 3600)
    assert not settings.is_quiet(midnight + 6 * 3600 + 1800)
    assert not settings.is_quiet(None)
    assert not Settings(GOOD).is_quiet(midnight)


def test_what_is_wrong_with_the_panels_settings_is_named():
    assert refusal(volume=101) == "volume: expected 0 to 100"
    assert refusal(brightness=0) == "brightness: expected 1 to 100"
    assert refusal(quiet_from="22:00") == "quiet_to: expected HH:MM"
    assert refusal(quiet_from="24:00", quiet_to="06:00") == "quiet_from: expected HH:MM"
    assert refusal(utc_offset_min=9000).startswith("utc_offset_min: expected")


def test_a_networks_name_may_be_bytes_that_are_no_text():
    assert Settings(dict(GOOD, wifi_ssid="校园网")).ssid == "校园网".encode()
    assert Settings(dict(GOOD, wifi_ssid="x", wifi_ssid_hex="d0a3d4b0")).ssid == b"\xd0\xa3\xd4\xb0"
    assert Settings(GOOD).ssid == b""
    assert refusal(wifi_ssid_hex="0g").startswith("wifi_ssid_hex: expected hexadecimal")
    assert refusal(wifi_ssid="园" * 11).startswith("wifi_ssid: expected a name of 32")


def test_a_static_address_needs_its_mask_and_its_router():
    assert Settings(GOOD).static is None
    network = {"address": "10.1.2.3", "netmask": "255.255.0.0", "router": "10.1.0.1"}
    assert Settings(dict(GOOD, **network)).static == ("10.1.2.3", "255.255.0.0") + ("10.1.0.1",) * 2
    network["name_server"] = "10.1.0.53"
    static = Settings(dict(GOOD, **network)).static
    assert static and static[3] == "10.1.0.53"
    for name in network:
        assert refusal(**dict(network, **{name: "10.1.2"})) == (
            "%s: expected four numbers, such as 10.0.0.7" % name
        )
    assert refusal(address="10.1.2.3").startswith("netmask: expected")


def test_a_reader_of_cards_is_off_by_default_and_needs_its_key():
    assert Settings(GOOD).card == "off" and Settings(GOOD).card_key == b""
    expected = "card_key: expected 64 hexadecimal digits, as provision makes them"
    for key in ("", "12", "x" * 64, "ab" * 33):
        assert refusal(card="record", card_key=key) == expected
        assert refusal(card_key=key) == (expected if key else "")
    settings = Settings(dict(GOOD, card="permit", card_key="ab" * 32))
    assert settings.card_key == b"\xab" * 32


def test_a_wrong_setting_of_cards_is_named():
    assert refusal(card="yes") == "card: expected one of off, permit, record"
    assert refusal(card_reader="usb") == "card_reader: expected one of binary, line"
    assert refusal(card_order="up") == "card_order: expected one of big, little"
    assert refusal(card_base=8) == "card_base: expected 10 or 16, the base of a line's digits"


def test_a_lamp_post_needs_its_gate():
    assert Settings(GOOD).role == "kiosk"
    assert refusal(role="lamp_post").startswith("gate: expected the gate")
    assert refusal(role="lamp_post", gate="north") == ""
    assert refusal(role="door") == "role: expected one of kiosk, lamp_post"
