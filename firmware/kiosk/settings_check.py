"""Checks settings: type, default and range of each field. Loaded by `settings` for each check."""

import binascii

from kiosk import screening
from kiosk.address import is_address
from kiosk.baseline import BOUND_C
from kiosk.errors import SettingsError
from kiosk.estimate import SITES
from kiosk.words import LANGUAGES

# The baseline follows the crowd, stays at `baseline_c`, or is off (the factory curve).
BASELINES = ("auto", "fixed", "off")
# Cards: not read; recorded with the reading; or the gateway is also asked for a permit before the
# door opens.
CARDS = ("off", "record", "permit")

_SSID_BYTES = 32
_NOTICE_UNITS = 16  # width of a notice in letters; a Chinese character is two wide
_GLYPH_BYTES = 32
_KEY_BYTES = 32

ROLES = ("kiosk", "lamp_post")

# Field: (type, default), or (type,) for a field that is required.
_FIELDS = {
    "kiosk": (str,),
    "role": (str, "kiosk"),
    "campus": (str,),
    "gate": (str, ""),
    "site": (str, "canthus"),
    "language": (str, "zh"),
    "volume": (int, 100),
    "brightness": (int, 80),
    "quiet_from": (str, ""),
    "quiet_to": (str, ""),
    "utc_offset_min": (int, 480),
    "notice": (str, ""),
    "notice_glyphs": (str, ""),
    "threshold_c": (float, screening.THRESHOLD_C),
    "confirm_scans": (int, 1),
    "baseline": (str, "auto"),
    "baseline_c": (float, 0.0),
    "supply_v": (float, 3.0),
    "wifi_ssid": (str, ""),
    "wifi_ssid_hex": (str, ""),
    "wifi_password": (str, ""),
    "address": (str, ""),
    "netmask": (str, ""),
    "router": (str, ""),
    "name_server": (str, ""),
    "broker_host": (str,),
    "broker_port": (int, 8883),
    "broker_name": (str, "fevergate-gateway"),
    "username": (str,),
    "password": (str,),
    "ntp_host": (str, ""),
    "ntp_port": (int, 123),
    "update_key": (str, ""),
    "card": (str, "off"),
    "card_reader": (str, "binary"),
    "card_order": (str, "big"),
    "card_base": (int, 10),
    "card_key": (str, ""),
}


def check(values, settings):
    """Set each field of `values`, or its default, as an attribute of `settings`; also sets the
    attributes that are derived from fields. Raises `SettingsError`: field, what was expected."""
    for name, field in _FIELDS.items():
        if name in values:
            value = values[name]
            if field[0] is float and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
        elif len(field) == 2:
            value = field[1]
        else:
            raise SettingsError("%s: missing, expected %s" % (name, field[0].__name__))
        if not isinstance(value, field[0]) or isinstance(value, bool):
            raise SettingsError("%s: expected %s" % (name, field[0].__name__))
        setattr(settings, name, value)
    _choice(settings, "role", ROLES)
    if settings.role == "lamp_post" and not settings.gate:
        raise SettingsError("gate: expected the gate whose alarm this lamp post shows")
    _choice(settings, "site", SITES)
    _choice(settings, "language", LANGUAGES)
    if not 35.0 <= settings.threshold_c <= 40.0:
        raise SettingsError("threshold_c: expected 35 to 40 C, axillary equivalent")
    _choice(settings, "baseline", BASELINES)
    _between(settings, "volume", 0, 100)
    _between(settings, "brightness", 1, 100)
    _between(settings, "utc_offset_min", -720, 840)
    settings.quiet = _quiet(settings)
    settings.glyphs = _glyphs(settings)
    if not 0 <= settings.confirm_scans <= 3:
        raise SettingsError("confirm_scans: expected 0 to 3 further scans")
    if not -BOUND_C <= settings.baseline_c <= BOUND_C:
        raise SettingsError("baseline_c: expected %g to %g C" % (-BOUND_C, BOUND_C))
    if not 2.6 <= settings.supply_v <= 3.6:
        raise SettingsError("supply_v: expected 2.6 to 3.6 V, measured at the sensor's can")
    if not 1 <= settings.broker_port <= 65535:
        raise SettingsError("broker_port: expected 1 to 65535")
    for name in ("kiosk", "campus", "broker_host"):
        if not getattr(settings, name):
            raise SettingsError("%s: is empty" % name)
    _choice(settings, "card", CARDS)
    _choice(settings, "card_reader", ("binary", "line"))
    _choice(settings, "card_order", ("big", "little"))
    if settings.card_base not in (10, 16):
        raise SettingsError("card_base: expected 10 or 16, the base of a line's digits")
    settings.card_key = _card_key(settings)
    settings.reader = (
        settings.card,
        settings.card_reader,
        settings.card_order,
        settings.card_base,
    )
    settings.ssid = _ssid(settings)
    settings.static = _static(settings)


def _choice(settings, name, among):
    if getattr(settings, name) not in among:
        raise SettingsError("%s: expected one of %s" % (name, ", ".join(sorted(among))))


def _between(settings, name, low, high):
    if not low <= getattr(settings, name) <= high:
        raise SettingsError("%s: expected %d to %d" % (name, low, high))


def _ssid(settings):
    """The Wi-Fi's name as bytes; from `wifi_ssid_hex` where given, for names not in UTF-8."""
    ssid = settings.wifi_ssid.encode()
    if settings.wifi_ssid_hex:
        try:
            ssid = binascii.unhexlify(settings.wifi_ssid_hex)
        except ValueError:
            raise SettingsError("wifi_ssid_hex: expected hexadecimal digits")
    if len(ssid) > _SSID_BYTES:
        raise SettingsError("wifi_ssid: expected a name of %d bytes at most" % _SSID_BYTES)
    return ssid


def _card_key(settings):
    """The key's 32 bytes; b"" if there is no key and no cards are read."""
    try:
        key = binascii.unhexlify(settings.card_key)
    except ValueError:
        key = b"?"
    if len(key) != _KEY_BYTES and (key or settings.card != "off"):
        raise SettingsError("card_key: expected 64 hexadecimal digits, as provision makes them")
    return key


def _static(settings):
    """(address, netmask, router, name server), or None where DHCP gives them."""
    if not settings.address:
        return None
    for name in ("address", "netmask", "router"):
        if not is_address(getattr(settings, name)):
            raise SettingsError("%s: expected four numbers, such as 10.0.0.7" % name)
    name_server = settings.name_server or settings.router
    if not is_address(name_server):
        raise SettingsError("name_server: expected four numbers, such as 10.0.0.7")
    return settings.address, settings.netmask, settings.router, name_server


def _quiet(settings):
    """(from, to) in minutes of the local day, or None; `from` may be later than `to`."""
    if not settings.quiet_from and not settings.quiet_to:
        return None
    return _minute("quiet_from", settings.quiet_from), _minute("quiet_to", settings.quiet_to)


def _glyphs(settings):
    """{character: its 32 bytes} of the notice: 16 x 16 pixels, two bytes a row."""
    wide = []
    for char in settings.notice:
        if ord(char) < 32 or ord(char) == 127:
            raise SettingsError("notice: expected printable characters")
        if ord(char) > 127 and char not in wide:
            wide.append(char)
    if sum([1 if ord(char) < 128 else 2 for char in settings.notice]) > _NOTICE_UNITS:
        raise SettingsError("notice: expected at most 8 Chinese characters or 16 letters")
    try:
        rows = binascii.a2b_base64(settings.notice_glyphs)
    except ValueError:
        rows = b"?"
    if len(rows) != _GLYPH_BYTES * len(wide):
        raise SettingsError("notice_glyphs: expected %d bytes" % (_GLYPH_BYTES * len(wide)))
    return {
        wide[index]: rows[_GLYPH_BYTES * index : _GLYPH_BYTES * (index + 1)]
        for index in range(len(wide))
    }


def _minute(name, text):
    """Minutes from midnight of HH:MM."""
    hour, _, minute = text.partition(":")
    digits = len(hour) == len(minute) == 2 and hour.isdigit() and minute.isdigit()
    if not digits or int(hour) > 23 or int(minute) > 59:
        raise SettingsError("%s: expected HH:MM" % name)
    return int(hour) * 60 + int(minute)
