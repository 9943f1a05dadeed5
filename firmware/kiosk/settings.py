"""The board's settings, read from a JSON file: name, place, network and credentials."""

import json

from kiosk.errors import SettingsError
from kiosk.on_demand import give_back

PATH = "/settings.json"
CA_PATH = "/ca.der"


class Settings:
    """Checked settings: the fields of settings.json (`card_key` as bytes) and derived attributes.

    Derived are `quiet`: (from, to) in minutes of the local day, or None; `glyphs`: {character:
    32 bytes} of the notice; `ssid`: the Wi-Fi's name as bytes; `static`: (address, netmask, router,
    name server), or None for DHCP; `reader`: all settings of the card reader.
    """

    kiosk: str
    role: str
    campus: str
    gate: str
    site: str
    language: str
    volume: int
    brightness: int
    quiet_from: str
    quiet_to: str
    utc_offset_min: int
    notice: str
    notice_glyphs: str
    threshold_c: float
    confirm_scans: int
    baseline: str
    baseline_c: float
    supply_v: float
    wifi_ssid: str
    wifi_ssid_hex: str
    wifi_password: str
    address: str
    netmask: str
    router: str
    name_server: str
    broker_host: str
    broker_port: int
    broker_name: str
    username: str
    password: str
    ntp_host: str
    ntp_port: int
    update_key: str
    card: str
    card_reader: str
    card_order: str
    card_base: int
    card_key: bytes
    reader: tuple[str, str, str, int]

    quiet: tuple[int, int] | None
    glyphs: dict[str, bytes]
    ssid: bytes
    static: tuple[str, str, str, str] | None

    def __init__(self, values):
        """Check `values`, a dict as in settings.json. Raises `SettingsError`."""
        from kiosk.settings_check import check  # loaded only here: it takes memory

        try:
            check(values, self)
        finally:
            give_back("settings_check")

    def is_quiet(self, utc_s):
        """Whether a Unix time (s) is within the quiet hours; False if it is None."""
        if self.quiet is None or utc_s is None:
            return False
        begin, end = self.quiet
        minute = (utc_s // 60 + self.utc_offset_min) % 1440
        return begin <= minute < end if begin <= end else minute >= begin or minute < end


def read(path=PATH):
    """The checked values of settings.json. Raises `SettingsError` with one line: file, field and
    what was expected."""
    try:
        with open(path) as file:
            values = json.load(file)
    except OSError:
        raise SettingsError("%s: no such file" % path)
    except ValueError:
        raise SettingsError("%s: not JSON" % path)
    if not isinstance(values, dict):
        raise SettingsError("%s: expected a JSON object" % path)
    try:
        Settings(values)
    except SettingsError as error:
        raise SettingsError("%s: %s" % (path, error))
    return values
